// The line to Slack: one socket at a time, its successor opened before it goes, and what is known of them.
import { errorText, Failure, failureText } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import type { AdapterHealth } from "../../gateway/handle.ts";
import { type Clock, within } from "../../sys/clock.ts";
import type { Log } from "../../sys/log.ts";
import { NetworkError } from "../network.ts";
import { type Client, SlackRefusal } from "./client.ts";
import { createDoubt } from "./doubt.ts";
import { isTokenRefused, reasonOf, retryAfterOf, scopeProblem } from "./errors.ts";
import type { Self } from "./inbound.ts";
import { appScope } from "./scopes.ts";
import { selfOf } from "./self.ts";
import { openSocket, type Socket, type SocketDeps } from "./socket.ts";

export interface LineDeps {
  /** Name of the adapter in settings. */
  name: string;
  /** Where the Web API is, for people. */
  host: string;
  clock: Clock;
  log: Log;
  bot: Client;
  app: Client;
  /** Called after the bot's own name was asked for and before the first socket opens; never throws. */
  onGreeted(self: Self): void;
  /** A socket is open. With `gap`, something may have been missed before it was. Never throws. */
  onOpen(gap: boolean): void;
  onEnvelope: SocketDeps["onEnvelope"];
}

/** The open line. */
export interface Line {
  health(): AdapterHealth;
  /** Another call met a refused token: it is looked at anew. */
  doubt(): void;
  /** Something works on without this, which the owner should know: a missing scope. */
  note(problem: string | undefined): void;
  close(): Promise<void>;
}

/** A socket that ended this soon after it was opened did not work. */
const hastyMs = 10_000;

/** Opens the line; it connects by itself, and again whenever it was lost. */
export function openLine(deps: LineDeps): Line {
  const { clock, log } = deps;
  const closing = new AbortController();
  const status = createStatus(deps);
  const sockets = new Set<Socket>();
  const doubt = createDoubt();

  const open = async (): Promise<Socket> => {
    const { url } = await deps.app.call("apps.connections.open", {}, { signal: closing.signal });
    if (typeof url !== "string" || !/^wss?:\/\//.test(url))
      throw new NetworkError("Slack gave no address for a socket", false);
    const socket = await openSocket(url, {
      clock,
      signal: closing.signal,
      onHeard: status.heard,
      onEnvelope: deps.onEnvelope,
      onMalformed: (reason) => log.warn("A frame was not understood", { reason }),
    });
    sockets.add(socket);
    // Slack hands each event to one of an app's connections: those of another program are lost to us.
    const others = socket.connections() - sockets.size;
    if (others > 0) log.warn("Another program may take a part of the messages with the same app token", { others });
    return socket;
  };
  /** The old one is read for a moment longer: what Slack had put on it is acknowledged there. */
  const retire = async (socket: Socket): Promise<void> => {
    if (!socket.isClosed()) await clock.sleep(limits.socketLingerMs, closing.signal);
    await socket.close();
    sockets.delete(socket);
  };

  /** Asks for the bot's own name, then keeps a socket open until that fails, or somebody doubts the token. */
  const converse = async (): Promise<void> => {
    const self = selfOf(await deps.bot.call("auth.test", {}, { signal: closing.signal }));
    status.greeted(self);
    deps.onGreeted(self);
    let current = await open();
    let gap = true;
    for (let hasty = 0; ; ) {
      status.connected();
      deps.onOpen(gap);
      const openedAt = clock.monotonic();
      const ending = await doubt.or(current.over);
      if (closing.signal.aborted) return;
      if (ending === "doubted") {
        void retire(current);
        return;
      }
      log.info("A socket ends", { why: ending.why, ...(ending.why === "closed" ? { code: ending.code } : {}) });
      if (ending.why === "disabled") throw disabled(deps.name);
      hasty = clock.monotonic() - openedAt < hastyMs ? hasty + 1 : 0;
      if (hasty > 1) await clock.sleep(backoff(clock, hasty - 1), closing.signal);
      const next = await open();
      // A socket that was open until its successor was greeted has missed nothing.
      gap = ending.why !== "refresh" || current.isClosed();
      void retire(current);
      current = next;
    }
  };

  const run = async () => {
    for (let failures = 1; !closing.signal.aborted; failures += 1) {
      const heardBefore = status.heardTick();
      try {
        await converse();
      } catch (error) {
        for (const socket of sockets) void retire(socket);
        if (closing.signal.aborted) return;
        if (status.heardTick() !== heardBefore) failures = 1;
        const { problem, ms } = troubleOf(error, { deps, failures });
        status.lost(problem);
        await clock.sleep(ms, closing.signal);
      }
    }
  };
  const running = run().catch((error: unknown) => log.error("The line ended", { error: errorText(error) }));

  return {
    health: status.health,
    doubt: doubt.raise,
    note: status.note,
    async close() {
      closing.abort();
      doubt.raise();
      await Promise.all([...sockets].map((socket) => socket.close()));
      await within(clock, { work: running, ms: limits.platformCallMs });
    },
  };
}

function disabled(name: string): Failure {
  return new Failure("settings", `Slack has Socket Mode switched off for the app of ${JSON.stringify(name)}`, {
    hint: "api.slack.com/apps, Socket Mode, switches it on",
  });
}

/** A pause that grows with the failures in a row; chance keeps many bots from coming back at once. */
function backoff(clock: Clock, failures: number, { base, cap } = pace): number {
  const [byte = 0] = clock.random(1);
  return Math.min(base * 2 ** Math.min(failures - 1, 20), cap) * (0.5 + byte / 512);
}
const pace: { base: number; cap: number } = { base: limits.reconnectMs, cap: limits.reconnectCapMs };
const slowly = { base: limits.refusedTokenMs, cap: limits.refusedTokenCapMs };

/** What a failed call means for the line, in one sentence with the mend. */
function troubleOf(
  error: unknown,
  { deps, failures }: { deps: LineDeps; failures: number },
): { problem: string; ms: number } {
  const { name, host, clock } = deps;
  const bot = JSON.stringify(name);
  if (error instanceof Failure) return { problem: failureText(error), ms: backoff(clock, failures, slowly) };
  if (error instanceof SlackRefusal) {
    const ofApp = error.method === "apps.connections.open";
    if (ofApp && error.code === "missing_scope") {
      const problem = `The app-level token of ${bot} lacks the scope ${appScope}: make one with it at api.slack.com/apps, Basic Information, for adapters.${name}.appToken`;
      return { problem, ms: backoff(clock, failures, slowly) };
    }
    if (isTokenRefused(error)) {
      const [token, where] = ofApp
        ? [
            "app-level token",
            `Basic Information, App-Level Tokens, shows the right one, which belongs into adapters.${name}.appToken`,
          ]
        : [
            "bot token",
            `OAuth & Permissions shows the right one once the app is installed, which belongs into adapters.${name}.botToken`,
          ];
      const problem = `Slack does not take the ${token} of ${bot} (${error.code}): api.slack.com/apps, ${where}`;
      return { problem, ms: backoff(clock, failures, slowly) };
    }
    const scope = scopeProblem(error);
    if (scope !== undefined) return { problem: scope, ms: backoff(clock, failures, slowly) };
    const asked = retryAfterOf(error);
    if (asked !== undefined) {
      const ms = Math.max(asked, backoff(clock, failures));
      return { problem: `Slack asks ${bot} to wait ${Math.ceil(ms / 1000)} s`, ms };
    }
  }
  return { problem: `Cannot reach Slack at ${host}: ${reasonOf(error)}`, ms: backoff(clock, failures) };
}

/** What is known of the line. */
function createStatus({ clock, log }: LineDeps) {
  let state: AdapterHealth["state"] = "connecting";
  let since = clock.now();
  let heardAt: number | null = null;
  let heardTick = clock.monotonic();
  let problem: string | undefined;
  let noted: string | undefined;
  let self: string | undefined;
  const become = (changed: AdapterHealth["state"]) => {
    if (state === changed) return;
    state = changed;
    since = clock.now();
  };
  return {
    heardTick: () => heardTick,
    greeted(of: Self) {
      self = `@${of.name}`;
    },
    heard() {
      heardAt = clock.now();
      heardTick = clock.monotonic();
    },
    connected() {
      if (state !== "connected") log.info("Connected", { bot: self });
      problem = undefined;
      become("connected");
    },
    lost(what: string) {
      if (problem === what) log.debug("Still not connected", { problem: what });
      else log.warn("Not connected", { problem: what });
      problem = what;
      become("down");
    },
    note(what: string | undefined) {
      noted = what;
    },
    health(): AdapterHealth {
      const known = { since, heardAt, ...(self === undefined ? {} : { self }) };
      const silentMs = clock.monotonic() - heardTick;
      if (state === "connected" && silentMs > limits.socketBlindMs + limits.socketHelloMs) {
        const told = `Nothing came from Slack for ${Math.round(silentMs / 1000)} s`;
        return { ...known, state: "down", since: heardAt ?? since, problem: told };
      }
      const words = state === "connected" ? noted : problem;
      return { ...known, state, ...(words === undefined ? {} : { problem: words }) };
    },
  };
}
