// Connections and sessions of the fake gateway: what is sent, what is kept for a resume, how each ends.
import { type Clock, systemClock } from "../../../../src/sys/clock.ts";
import type { DispatchFault, Faults } from "./faults.ts";
import { type Connection, closes, type Dispatch, ending, type GatewayOptions, op, type Session } from "./protocol.ts";
import type { Json, World } from "./world.ts";

/** Dispatches that a session keeps for a resume. */
const keptMax = 10_000;

export interface Deps {
  world: World;
  faults: Faults;
  options: GatewayOptions;
  wireClock?: Clock;
}

/** The state of a gateway, and the moves that all its parts share. */
export function createLines({ world, faults, options, wireClock = systemClock }: Deps) {
  const sessions = new Map<string, Session>();
  const connections = new Set<Connection>();

  const write = (connection: Connection, frame: Json) => {
    if (connection.open && !connection.zombie) connection.wire.send(JSON.stringify(frame));
  };
  const part = (connection: Connection, code: number | undefined) => {
    if (!connection.open) return;
    connection.open = false;
    connection.patience.abort();
    connections.delete(connection);
    const { session } = connection;
    if (session === undefined || session.connection !== connection) return;
    session.connection = undefined;
    session.detachedAt = world.clock.now();
    session.held = [];
    if (code !== undefined && ending.includes(code)) sessions.delete(session.id);
  };
  const close = (connection: Connection, code: number, reason = "") => {
    if (!connection.open) return;
    connection.wire.close(code, reason);
    // 1000 and 1001 end a session when the client says them, not when the server goes away.
    part(connection, code >= 4000 ? code : undefined);
  };
  const sever = (connection: Connection) => {
    if (!connection.open) return;
    connection.wire.sever();
    part(connection, undefined);
  };
  const invalid = (connection: Connection, resumable: boolean) => {
    const { session } = connection;
    if (!resumable && session !== undefined) sessions.delete(session.id);
    connection.session = undefined;
    if (session !== undefined) {
      session.connection = undefined;
      session.detachedAt = world.clock.now();
    }
    write(connection, { op: op.invalid, d: resumable });
  };

  /** A client that is silent for longer than the interval (and some grace) is cut off. */
  const watch = (connection: Connection) => {
    connection.patience.abort();
    const patience = new AbortController();
    connection.patience = patience;
    void wireClock.sleep(options.heartbeatIntervalMs * 1.5, patience.signal).then(() => {
      if (!patience.signal.aborted) close(connection, closes.sessionTimedOut, "Session timed out.");
    });
  };

  const deliver = (session: Session, one: Dispatch, fault: DispatchFault | undefined) => {
    const { connection } = session;
    if (connection === undefined || !connection.open) return;
    const send = (text: string) => {
      if (!connection.zombie) connection.wire.send(text);
    };
    switch (fault?.kind) {
      case "withhold":
      case "lose":
        return;
      case "reorder":
        session.held.push(one.text);
        return;
      case "close":
        close(connection, fault.code);
        return;
      case "sever":
        sever(connection);
        return;
      default:
        send(one.text);
        if (fault?.kind === "duplicate") send(one.text);
        for (const late of session.held.splice(0)) send(late);
    }
  };
  const dispatch = (session: Session, t: string, d: Json) => {
    session.seq += 1;
    // These two belong to one connection: they are not broken, and not told again.
    const once = t === "READY" || t === "RESUMED";
    const fault = once ? undefined : faults.ofDispatch(t, d);
    const one = {
      s: session.seq,
      t,
      text: JSON.stringify({ op: op.dispatch, t, s: session.seq, d }),
      lost: once || fault?.kind === "lose",
    };
    session.kept.push(one);
    if (session.kept.length > keptMax) session.kept.shift();
    deliver(session, one, fault);
  };

  return {
    world,
    faults,
    options,
    wireClock,
    sessions,
    connections,
    write,
    part,
    close,
    sever,
    invalid,
    watch,
    dispatch,
  };
}

export type Lines = ReturnType<typeof createLines>;
