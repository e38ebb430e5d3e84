// Socket Mode without sockets: tickets, connections, envelopes, acknowledgements, and what is sent again.
// Source: docs.slack.dev/apis/events-api/using-socket-mode and docs.slack.dev/apis/events-api#error-handling (retries).
import type { Faults } from "./faults.ts";
import { object, text } from "./params.ts";
import { type App, type Json, newId, type Outgoing, type World, word } from "./world.ts";

/** "You can have up to 10 open WebSocket connections at the same time." */
const connectionsMax = 10;

/** "Acknowledge within three seconds." */
const ackMs = 3000;

/** Waits before a failed event is sent again: almost at once, after a minute, after five. */
const retriesMs = [0, 60_000, 300_000];

/** Seconds that a connection is said to live. */
const lifetimeS = 18_060;

const envelopesKept = 100_000;

export type DisconnectReason = "warning" | "refresh_requested" | "link_disabled" | "too_many_websockets";

/** The transport of one connection, as the server lends it. */
export interface Wire {
  send(frame: string): void;
  /** A close frame, then the end. */
  close(code: number, reason: string): void;
  /** The end without a close frame. */
  destroy(): void;
  /** Half open from now on: nothing is sent, what comes in is thrown away. */
  mute(): void;
}

/** One open connection. */
export interface Link {
  readonly id: string;
  readonly app: App;
  /** A text frame of the app. */
  receive(frame: string): void;
  /** The connection is gone. */
  gone(): void;
}

/** What became of an envelope. */
export interface Sent {
  id: string;
  app: string;
  type: Outgoing["type"];
  payload: Json;
  attempts: { at: number; link: string | undefined }[];
  ackedAt?: number;
  ack?: Json;
  /** All attempts were in vain. */
  lost: boolean;
}

export interface Hub {
  /** A ticket for one connection. */
  ticket(app: App): string;
  /** Uses a ticket up; undefined for one that was never given out or is used. */
  redeem(ticket: string): App | undefined;
  /** A connection is open; it is greeted, or refused when there are too many. */
  attach(app: App, wire: Wire): Link;
  deliver(app: App, envelope: Outgoing): void;
  /** Sends a `disconnect` frame to all connections of an app, or to one; `end` (default true) ends them after it. */
  disconnect(app: App, options: { reason: DisconnectReason; link?: string; end?: boolean }): void;
  /** Ends connections without a word, or with a close code. */
  cut(app: App, options?: { code?: number; reason?: string; link?: string }): void;
  /** Makes connections half open. */
  mute(app: App, options?: { link?: string }): void;
  /** Ids of the open connections of an app, oldest first. */
  links(app: App): string[];
  /** Envelopes that may still be acknowledged or sent again. A test that moves the clock by seconds waits for none first. */
  pending(): Sent[];
  /** Every envelope, oldest first. */
  readonly envelopes: Sent[];
  /** Ends all waiting for acknowledgements. */
  close(): void;
}

interface Connection {
  id: string;
  app: App;
  wire: Wire;
  held?: string;
}

export function createHub(world: World, faults: Faults): Hub {
  const tickets = new Map<string, App>();
  const connections = new Map<string, Connection>();
  const envelopes: Sent[] = [];
  const waiting = new Map<string, { sent: Sent; answered?: Outgoing["answered"]; over: AbortController }>();
  const closing = new AbortController();
  let turn = 0;

  const of = (app: App, link?: string) =>
    [...connections.values()].filter((one) => one.app === app && (link === undefined || one.id === link));

  /** One attempt. Resolves with whether it was acknowledged in time. */
  const attempt = async (app: App, { sent, frame }: { sent: Sent; frame: string }): Promise<boolean> => {
    const open = of(app);
    const chosen = open[turn % Math.max(1, open.length)];
    turn += 1;
    sent.attempts.push({ at: world.clock.now(), link: chosen?.id });
    if (chosen === undefined) return false;
    push(world, faults, { connection: chosen, frame });
    const patience = new AbortController();
    const over = waiting.get(sent.id)?.over.signal;
    await world.clock.sleep(ackMs, AbortSignal.any([patience.signal, closing.signal, ...(over ? [over] : [])]));
    patience.abort();
    return sent.ackedAt !== undefined;
  };

  const deliver = async (app: App, envelope: Outgoing): Promise<void> => {
    const { type, payload } = envelope;
    const sent: Sent = { id: newId(world, "env-"), app: app.id, type, payload, attempts: [], lost: false };
    envelopes.push(sent);
    if (envelopes.length > envelopesKept) envelopes.shift();
    waiting.set(sent.id, { sent, answered: envelope.answered, over: new AbortController() });
    const frame = (retry: number) =>
      JSON.stringify({
        envelope_id: sent.id,
        payload,
        type,
        accepts_response_payload: envelope.acceptsPayload,
        ...(type === "events_api" ? { retry_attempt: retry, retry_reason: retry === 0 ? "" : "timeout" } : {}),
      });
    // People wait in front of what is interactive: it is never sent again (docs.slack.dev/interactivity/handling-user-interaction).
    const waits = type === "events_api" ? retriesMs : [];
    let acked = await attempt(app, { sent, frame: frame(0) });
    for (const [index, ms] of waits.entries()) {
      if (ms > 0 && !acked) await world.clock.sleep(ms, closing.signal);
      // An acknowledgement that came late ends it too.
      if (sent.ackedAt !== undefined || closing.signal.aborted) return;
      acked = await attempt(app, { sent, frame: frame(index + 1) });
    }
    if (sent.ackedAt !== undefined || closing.signal.aborted) return;
    sent.lost = true;
    waiting.delete(sent.id);
    envelope.failed?.();
  };

  const acknowledge = (frame: string): void => {
    const read = object(parsed(frame));
    const known = waiting.get(text(read?.envelope_id));
    if (known === undefined || known.sent.ackedAt !== undefined) return;
    if (faults.next({ method: "ack", params: read ?? {} })?.kind === "swallow") return;
    known.sent.ackedAt = world.clock.now();
    const payload = object(read?.payload);
    if (payload !== undefined) known.sent.ack = payload;
    known.over.abort();
    waiting.delete(known.sent.id);
    known.answered?.(payload);
  };

  return {
    ticket(app) {
      const ticket = word(world, 24);
      tickets.set(ticket, app);
      return ticket;
    },
    redeem(ticket) {
      const app = tickets.get(ticket);
      tickets.delete(ticket);
      return app;
    },
    attach(app, wire) {
      const id = newId(world, "link-");
      const debug = { host: `applink-${id}` };
      const link: Link = { id, app, receive: acknowledge, gone: () => void connections.delete(id) };
      if (of(app).length >= connectionsMax) {
        wire.send(JSON.stringify({ type: "disconnect", reason: "too_many_websockets", debug_info: debug }));
        wire.close(1000, "");
        return link;
      }
      connections.set(id, { id, app, wire });
      const info = { ...debug, build_number: 1, approximate_connection_time: lifetimeS };
      const hello = {
        type: "hello",
        num_connections: of(app).length,
        debug_info: info,
        connection_info: { app_id: app.id },
      };
      wire.send(JSON.stringify(hello));
      return link;
    },
    deliver: (app, envelope) => void deliver(app, envelope),
    disconnect(app, { reason, link, end = true }) {
      for (const { id, wire } of of(app, link)) {
        wire.send(JSON.stringify({ type: "disconnect", reason, debug_info: { host: `applink-${id}` } }));
        if (end) {
          connections.delete(id);
          wire.close(1000, "");
        }
      }
    },
    cut(app, { code, reason = "", link } = {}) {
      for (const { id, wire } of of(app, link)) {
        connections.delete(id);
        if (code === undefined) wire.destroy();
        else wire.close(code, reason);
      }
    },
    mute(app, { link } = {}) {
      for (const { wire } of of(app, link)) wire.mute();
    },
    links: (app) => of(app).map(({ id }) => id),
    pending: () => [...waiting.values()].map(({ sent }) => sent),
    envelopes,
    close: () => closing.abort(),
  };
}

/** Puts a frame on a connection, under the faults. */
function push(world: World, faults: Faults, { connection, frame }: { connection: Connection; frame: string }): void {
  const fault = faults.next({ method: "envelope", params: JSON.parse(frame) });
  const { wire } = connection;
  const held = connection.held;
  connection.held = undefined;
  switch (fault?.kind) {
    case "swallow":
      break;
    case "reorder":
      connection.held = frame;
      break;
    case "close":
      wire.close(fault.code, fault.reason ?? "");
      break;
    case "drop":
      wire.destroy();
      break;
    case "mute":
      wire.mute();
      break;
    case "delay":
      void world.clock.sleep(fault.ms).then(() => wire.send(frame));
      break;
    case "duplicate":
      wire.send(frame);
      wire.send(frame);
      break;
    default:
      wire.send(frame);
  }
  if (held !== undefined) wire.send(held);
}

function parsed(frame: string): unknown {
  try {
    return JSON.parse(frame);
  } catch {
    return undefined;
  }
}
