// One connection of Socket Mode: greeted, watched, ended. Source: docs.slack.dev/apis/events-api/using-socket-mode.
import * as v from "valibot";
import { limits } from "../../core/limits.ts";
import type { Clock } from "../../sys/clock.ts";
import { NetworkError } from "../network.ts";
import { type Envelope, envelopeSchema } from "./payloads.ts";

/** Why a connection is no longer used. */
export type Ending =
  /** Slack will end it soon; another may be opened before. */
  | { why: "refresh" }
  /** Socket Mode was switched off for the app. */
  | { why: "disabled" }
  /** Nothing came for too long, though it was asked for. */
  | { why: "silent"; heardAt: number }
  | { why: "closed"; code: number };

/** An open connection. */
export interface Socket {
  /** Resolves once, with the reason. The connection may still bring something until it is closed. */
  readonly over: Promise<Ending>;
  /** True when the answer was handed to the connection. */
  acknowledge(envelope: string, payload?: object): boolean;
  /** Ends it; what is on the way is read for a moment. */
  close(): Promise<void>;
  /** Monotonic time at which something last came. */
  heardAt(): number;
  isClosed(): boolean;
  /** How many connections the app has, this one among them, as Slack says; 0 where it does not. */
  connections(): number;
}

export interface SocketDeps {
  clock: Clock;
  /** Something came, of whatever kind. */
  onHeard(): void;
  onEnvelope(envelope: Envelope, socket: Socket): void;
  onMalformed(reason: string): void;
}

const frameSchema = v.looseObject({
  type: v.string(),
  reason: v.fallback(v.string(), ""),
  num_connections: v.fallback(v.number(), 0),
});

/** What some runtimes' sockets can beside the standard. */
type Probing = WebSocket & { ping?: () => void; terminate?: () => void };

/**
 * Opens a connection at an address that `apps.connections.open` gave, and waits for Slack's greeting.
 * @throws NetworkError
 */
export async function openSocket(url: string, deps: SocketDeps & { signal: AbortSignal }): Promise<Socket> {
  const { clock, signal } = deps;
  const raw: Probing = new WebSocket(url);
  const socket = wrap(raw, deps);
  const patience = new AbortController();
  const late = clock
    .sleep(limits.socketHelloMs, AbortSignal.any([patience.signal, signal]))
    .then(() => "late" as const);
  const first = await Promise.race([socket.greeted.then(() => "greeted" as const), socket.over, late]);
  patience.abort();
  if (first === "greeted") return socket;
  void socket.close();
  if (signal.aborted) throw new NetworkError("it was given up", false);
  if (first === "late") throw new NetworkError("the socket was not greeted in time", false);
  if (first.why === "disabled") throw new NetworkError("Socket Mode is switched off for the app", false);
  throw new NetworkError("the socket was closed before it was greeted", false);
}

function wrap(raw: Probing, deps: SocketDeps): Socket & { greeted: Promise<void> } {
  const { clock } = deps;
  const greeted = Promise.withResolvers<void>();
  const over = Promise.withResolvers<Ending>();
  const closed = Promise.withResolvers<void>();
  let heardAt = clock.monotonic();
  let connections = 0;
  const heard = () => {
    heardAt = clock.monotonic();
    deps.onHeard();
  };
  const socket: Socket & { greeted: Promise<void> } = {
    greeted: greeted.promise,
    over: over.promise,
    heardAt: () => heardAt,
    connections: () => connections,
    isClosed: () => raw.readyState === WebSocket.CLOSED || raw.readyState === WebSocket.CLOSING,
    acknowledge(envelope, payload) {
      if (raw.readyState !== WebSocket.OPEN) return false;
      raw.send(JSON.stringify({ envelope_id: envelope, ...(payload === undefined ? {} : { payload }) }));
      return true;
    },
    async close() {
      over.resolve({ why: "closed", code: 1000 });
      if (raw.readyState === WebSocket.CLOSED) return;
      raw.close(1000);
      const patience = new AbortController();
      await Promise.race([closed.promise, clock.sleep(limits.socketCloseMs, patience.signal)]);
      patience.abort();
      // A peer that is gone answers no close.
      raw.terminate?.();
    },
  };
  raw.addEventListener("message", ({ data }: MessageEvent) => {
    heard();
    const frame = parseFrame(data);
    if (frame === undefined) return deps.onMalformed("a frame is no JSON, or too long");
    const { type, reason } = frame;
    if (type === "hello") {
      connections = frame.num_connections;
      greeted.resolve();
    } else if (type === "disconnect") over.resolve({ why: reason === "link_disabled" ? "disabled" : "refresh" });
    else {
      const envelope = v.safeParse(envelopeSchema, frame);
      if (envelope.success) deps.onEnvelope(envelope.output, socket);
      else deps.onMalformed(`a frame "${type.slice(0, 40)}" is no envelope`);
    }
  });
  // Bun tells of pings and pongs; where a runtime does not, messages alone count.
  for (const kind of ["ping", "pong"]) raw.addEventListener(kind, heard);
  raw.addEventListener("close", ({ code }: CloseEvent) => {
    closed.resolve();
    over.resolve({ why: "closed", code });
  });
  // The reason comes with the close that follows.
  raw.addEventListener("error", () => undefined);
  void watch(raw, {
    clock,
    heardAt: () => heardAt,
    forgive() {
      heardAt = clock.monotonic();
    },
    closed: closed.promise,
    silent: () => over.resolve({ why: "silent", heardAt }),
  });
  return socket;
}

/** Asks a silent connection for a sign of life, and calls `silent` when none comes. */
async function watch(
  raw: Probing,
  deps: { clock: Clock; heardAt(): number; forgive(): void; closed: Promise<void>; silent(): void },
): Promise<void> {
  const { clock } = deps;
  const end = new AbortController();
  void deps.closed.then(() => end.abort());
  const silentMs = raw.ping === undefined ? limits.socketBlindMs : limits.socketSilentMs;
  while (!end.signal.aborted) {
    const sleptAt = clock.monotonic();
    await clock.sleep(limits.socketProbeMs / 2, end.signal);
    if (end.signal.aborted) return;
    // A process that was busy or asleep has not read what came meanwhile.
    if (clock.monotonic() - sleptAt > limits.socketProbeMs) deps.forgive();
    const quietMs = clock.monotonic() - deps.heardAt();
    if (quietMs >= silentMs) {
      deps.silent();
      return;
    }
    if (quietMs >= limits.socketProbeMs && raw.readyState === WebSocket.OPEN) raw.ping?.();
  }
}

function parseFrame(data: unknown): v.InferOutput<typeof frameSchema> | undefined {
  if (typeof data !== "string" || data.length > limits.socketFrameCharsMax) return undefined;
  try {
    const read = v.safeParse(frameSchema, JSON.parse(data));
    return read.success ? read.output : undefined;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}
