// One connection to Discord's gateway, from its hello to its end: docs.discord.com/developers/events/gateway.
//
// Of the library's own half for this nothing is used: on Bun it tries every half second for ever, waits without end for
// a dead peer to answer its close, and leaves listeners behind at each try.
import process from "node:process";
import { GatewayOpcodes as op } from "discord-api-types/v10";
import * as v from "valibot";
import { limits } from "../../core/limits.ts";
import type { Clock } from "../../sys/clock.ts";

/** A session of the gateway: what a resume needs. */
export interface GatewaySession {
  id: string;
  /** Number of the last event that came. */
  seq: number;
  url: string;
}

/** How a connection ended. `code` is undefined when we ended it. */
export interface End {
  code: number | undefined;
  reason: string;
  /** Whether the session may go on with a resume. */
  resumable: boolean;
  /** Discord asked for a new connection: no failure. */
  asked: boolean;
}

export interface SocketOptions {
  url: string;
  /** Sessions are resumed at `url` as well, and not where Discord says: settings name an address. */
  fixed: boolean;
  token: string;
  intents: number;
  shard: readonly [id: number, count: number];
  /** The session to resume. */
  session: GatewaySession | undefined;
  clock: Clock;
  /** Resolves when this shard may identify. */
  identifyTurn(signal: AbortSignal): Promise<void>;
  /** Something came. */
  onHeard(): void;
  /** A session began; what Discord said of the bot. */
  onReady(ready: unknown): void;
  onResumed(): void;
  /** An event. `lost`: some before it never came. */
  onDispatch(event: { name: string; data: unknown; seq: number; session: string; lost: boolean }): void;
}

/** One open connection. */
export interface Socket {
  /** Resolves once, never rejects. */
  ended: Promise<End>;
  /** The last event's number and where to go on; undefined before a session began. */
  session(): GatewaySession | undefined;
  /** Ends it; `keep` leaves the session to a resume. */
  close(keep: boolean): void;
}

const frameSchema = v.looseObject({
  // One that is not known means nothing to us.
  op: v.fallback(v.optional(v.enum(op)), undefined),
  d: v.optional(v.unknown()),
  s: v.optional(v.nullable(v.pipe(v.number(), v.safeInteger()))),
  t: v.optional(v.nullable(v.string())),
});
const helloSchema = v.looseObject({ heartbeat_interval: v.pipe(v.number(), v.minValue(1), v.maxValue(10 * 60_000)) });
const readySchema = v.looseObject({
  session_id: v.pipe(v.string(), v.nonEmpty(), v.maxLength(200)),
  resume_gateway_url: v.pipe(v.string(), v.regex(/^wss?:\/\//), v.maxLength(500)),
});

/** 4000 to 4999 is ours to choose; 1000 and 1001 would end the session (events/gateway#initiating-a-disconnect). */
const keepCode = 4900;
const endCode = 1000;
/** Codes after which nothing can be resumed. 4009 (timed out) and 4007 (wrong number) begin a new session. */
const sessionEnding = new Set([1000, 1001, 4003, 4004, 4005, 4007, 4009, 4010, 4011, 4012, 4013, 4014]);

/** Opens a connection, identifies or resumes, and keeps it alive. */
export function openSocket(options: SocketOptions): Socket {
  const { clock, token, shard } = options;
  const over = new AbortController();
  let session = options.session;
  let ended = false;
  let acked = true;
  let resolveEnd: (end: End) => void;
  const end = new Promise<End>((resolve) => {
    resolveEnd = resolve;
  });
  const socket = new WebSocket(addressOf(options.session?.url ?? options.url));

  const finish = (how: Partial<End> & { reason: string }, closeCode: number) => {
    if (ended) return;
    ended = true;
    over.abort();
    hangUp(socket, { clock, code: closeCode });
    const resumable = (how.resumable ?? true) && session !== undefined;
    resolveEnd({ code: undefined, asked: false, ...how, resumable });
  };
  const fail = (reason: string) => finish({ reason }, keepCode);
  const send = (code: number, data: unknown) => {
    if (!ended && socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ op: code, d: data }));
  };
  /** Ends the connection when `done` does not hold in time. */
  const expect = (what: string, done: () => boolean) => {
    const wait = async () => {
      await clock.sleep(limits.socketHelloMs, over.signal);
      if (!done()) fail(`${what} did not come in time`);
    };
    void wait();
  };

  const beat = () => {
    acked = false;
    send(op.Heartbeat, session?.seq ?? null);
  };
  const keepAlive = async (intervalMs: number) => {
    const [byte = 0] = clock.random(1);
    await clock.sleep((intervalMs * byte) / 256, over.signal);
    while (!ended) {
      beat();
      await clock.sleep(intervalMs, over.signal);
      // What came while this thread was busy is read first: an answer that waits is no missing one.
      if (!acked) await clock.sleep(Math.min(intervalMs / 4, limits.heartbeatGraceMs), over.signal);
      if (!acked) fail("the heartbeat was not answered");
    }
  };
  let begun = false;
  const greet = async () => {
    if (session !== undefined) {
      send(op.Resume, { token, session_id: session.id, seq: session.seq });
    } else {
      await options.identifyTurn(over.signal);
      const properties = { os: process.platform, browser: "remoteagent", device: "remoteagent" };
      send(op.Identify, { token, intents: options.intents, shard, properties });
    }
    if (!ended) expect("the session's beginning", () => begun);
  };

  const onEvent = (name: string, { data, seq }: { data: unknown; seq: number }) => {
    if (name === "READY") {
      const ready = v.safeParse(readySchema, data);
      if (!ready.success) return fail("the session's beginning was not understood");
      session = {
        id: ready.output.session_id,
        url: resumeAt(ready.output.resume_gateway_url, options),
        seq,
      };
      begun = true;
      return options.onReady(data);
    }
    if (session === undefined) return fail("an event came before the session began");
    // A long replay is a beginning as well.
    begun = true;
    const lost = seq > session.seq + 1;
    session = { ...session, seq: Math.max(seq, session.seq) };
    if (name === "RESUMED") options.onResumed();
    return options.onDispatch({ name, data, seq, session: session.id, lost });
  };
  let greeted = false;
  const onFrame = (raw: unknown) => {
    const frame = parseFrame(raw);
    if (frame === undefined) return fail("a frame was not understood");
    options.onHeard();
    switch (frame.op) {
      case op.Hello: {
        const hello = v.safeParse(helloSchema, frame.d);
        if (!hello.success) return fail("the hello was not understood");
        greeted = true;
        void keepAlive(hello.output.heartbeat_interval);
        void greet();
        break;
      }
      case op.Dispatch:
        onEvent(frame.t ?? "", { data: frame.d, seq: frame.s ?? session?.seq ?? 0 });
        break;
      case op.Heartbeat:
        beat();
        break;
      case op.HeartbeatAck:
        acked = true;
        break;
      case op.Reconnect:
        finish({ reason: "Discord asked for a new connection", asked: true }, keepCode);
        break;
      case op.InvalidSession: {
        const resumable = frame.d === true;
        finish({ reason: "the session is over", resumable }, resumable ? keepCode : endCode);
        break;
      }
      default:
        break;
    }
  };

  socket.addEventListener("message", ({ data }) => {
    if (!ended) onFrame(data);
  });
  // Whatever failed, the end of the connection says it as well.
  socket.addEventListener("error", () => undefined);
  socket.addEventListener("close", ({ code }) => {
    const words = greeted ? "the connection broke" : "no connection was made";
    finish(
      {
        code,
        reason: code === 1006 ? words : `Discord closed the connection (${code})`,
        resumable: !sessionEnding.has(code),
      },
      endCode,
    );
  });
  expect("its greeting", () => greeted);

  return {
    ended: end,
    session: () => session,
    close: (keep) => finish({ reason: "it was closed", resumable: keep }, keep ? keepCode : endCode),
  };
}

/** Where a session goes on. The token is sent there: not in the open when the first address was not. */
function resumeAt(told: string, { url, fixed }: SocketOptions): string {
  return fixed || new URL(told).protocol !== new URL(url).protocol ? url : told;
}

/** Version 10 in JSON, whatever the address says beside that. */
function addressOf(url: string): string {
  const address = new URL(url);
  address.searchParams.set("v", "10");
  address.searchParams.set("encoding", "json");
  return address.href;
}

function parseFrame(raw: unknown): v.InferOutput<typeof frameSchema> | undefined {
  if (typeof raw !== "string" || raw.length > limits.socketFrameCharsMax) return undefined;
  try {
    const parsed = v.safeParse(frameSchema, JSON.parse(raw));
    return parsed.success ? parsed.output : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Closes politely, and for good when the other side does not answer: a dead peer never would. */
function hangUp(socket: WebSocket & { terminate?(): void }, { clock, code }: { clock: Clock; code: number }): void {
  if (socket.readyState === WebSocket.CLOSED) return;
  const patience = new AbortController();
  socket.addEventListener("close", () => patience.abort());
  // One that is not open yet is cut as soon as it is.
  socket.addEventListener("open", () => socket.terminate?.());
  socket.close(code);
  const cut = async () => {
    await clock.sleep(limits.socketCloseMs, patience.signal);
    if (!patience.signal.aborted) socket.terminate?.();
  };
  void cut();
}
