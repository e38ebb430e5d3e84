// The line to Telegram: long polls, one after the other, for as long as the adapter is open, and what is known of them.
import { setImmediate } from "node:timers/promises";
import type { Api } from "grammy";
import { GrammyError } from "grammy";
import * as v from "valibot";
import { errorText, Failure, failureText } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import type { AdapterHealth } from "../../gateway/handle.ts";
import { type Clock, within } from "../../sys/clock.ts";
import type { Log } from "../../sys/log.ts";
import type { AdapterDeps } from "../adapter.ts";
import { librarySignal } from "./client.ts";
import type { Self } from "./entities.ts";
import { isTokenRefused, reasonOf, retryAfterOf } from "./errors.ts";
import { createIntake, type IntakeDeps } from "./intake.ts";
import { updateKinds } from "./updates.ts";

export interface LineDeps {
  /** Name of the adapter in settings. */
  name: string;
  /** Where the Bot API is, for people. */
  host: string;
  clock: Clock;
  log: Log;
  memory: AdapterDeps["memory"];
  /** The client with the token as it is in settings now. @throws Failure when there is none. */
  api(): Api;
  read: IntakeDeps["read"];
  /** Called each time after the bot's own name was asked for and before the first poll; never throws. */
  onGreeted(self: Self): void;
}

/** The open line. */
export interface Line {
  health(): AdapterHealth;
  /** Another call met a refused token: the poll, which may be open for long, is left and the token looked at. */
  doubt(): void;
  /** Ends the poll at once, and waits for what is being taken. */
  close(): Promise<void>;
}

/** Why the line is down, and how long to wait. */
interface Trouble {
  problem: string;
  ms: number;
}

const selfSchema = v.looseObject({
  id: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  username: v.pipe(v.string(), v.nonEmpty()),
  can_read_all_group_messages: v.fallback(v.optional(v.boolean()), undefined),
});

/** Opens the line; it connects by itself, and again whenever it was lost. */
export function openLine(deps: LineDeps): Line {
  const { clock, log } = deps;
  const closing = new AbortController();
  const status = createStatus(deps);
  const intake = createIntake(deps);
  const offset = createOffset(deps);
  /** Ends the poll that is open: at the end, and when the token is doubted. */
  let asked = new AbortController();

  const poll = async (api: Api, timeoutMs: number): Promise<readonly unknown[]> => {
    const from = offset.next();
    const updates: unknown = await api.getUpdates(
      {
        ...(from === undefined ? {} : { offset: from }),
        timeout: timeoutMs / 1000,
        allowed_updates: updateKinds,
      },
      librarySignal(asked.signal),
    );
    if (!Array.isArray(updates)) throw new Failure("internal", "Telegram answered a poll with something else");
    status.heard();
    return updates;
  };

  /** Asks for the bot's own name, then polls until something fails. The first poll is answered at once. */
  const converse = async (): Promise<never> => {
    const api = deps.api();
    const self = v.parse(selfSchema, await api.getMe(librarySignal(closing.signal)));
    offset.of(self.id);
    status.greeted(`@${self.username}${self.can_read_all_group_messages === true ? " (reads all of its groups)" : ""}`);
    deps.onGreeted({ id: self.id, username: self.username });
    let timeoutMs = 0;
    let failures = 0;
    for (;;) {
      closing.signal.throwIfAborted();
      const askedAt = clock.monotonic();
      const updates = await poll(api, timeoutMs);
      // A server that does not wait must not make us spin.
      const hasty = timeoutMs > 0 && updates.length === 0 && clock.monotonic() - askedAt < limits.receiveSlowMs;
      const taken = await intake.take(updates);
      offset.set(taken.offset);
      failures = taken.failed ? failures + 1 : 0;
      timeoutMs = taken.busy || taken.failed ? 0 : limits.pollMs;
      if (taken.failed) await clock.sleep(backoff(clock, failures), closing.signal);
      else if (taken.busy || hasty) await clock.sleep(limits.receiveSlowMs, closing.signal);
      // What came is worked on first: a poll takes its time on the same thread.
      else if (updates.length > 0) await setImmediate();
    }
  };

  const run = async () => {
    let failures = 0;
    while (!closing.signal.aborted) {
      const heardBefore = status.heardAt();
      try {
        await converse();
      } catch (error) {
        if (closing.signal.aborted) return;
        if (asked.signal.aborted) {
          asked = new AbortController();
          continue;
        }
        failures = status.heardAt() === heardBefore ? failures + 1 : 1;
        const held = isHeld(error) ? status.contested() : 0;
        const { problem, ms } = troubleOf(error, { deps, failures });
        // The poll of a life before may still be open: the first conflict is only a reason to ask again.
        const passing = held === 1 && !isWebhook(error);
        if (!passing) status.lost(problem);
        await clock.sleep(held > 0 && !passing ? limits.heldLineMs : ms, closing.signal);
      }
    }
  };
  const running = run().catch((error) => log.error("The line ended", { error: errorText(error) }));

  return {
    health: status.health,
    doubt() {
      if (status.health().state === "connected") asked.abort();
    },
    async close() {
      closing.abort();
      asked.abort();
      const settled = running.then(() => intake.settled()).then((taken) => offset.set(taken));
      await within(clock, { work: settled, ms: limits.platformCallMs });
      offset.note();
    },
  };
}

/** A pause that grows with the failures in a row; chance keeps many bots from coming back at once. */
function backoff(clock: Clock, failures: number, { base, cap } = pace): number {
  const [byte = 0] = clock.random(1);
  return Math.min(base * 2 ** Math.min(failures - 1, 20), cap) * (0.5 + byte / 512);
}

const pace: { base: number; cap: number } = { base: limits.reconnectMs, cap: limits.reconnectCapMs };

/** What a failed call means for the line, in one sentence with the mend. */
function troubleOf(error: unknown, { deps, failures }: { deps: LineDeps; failures: number }): Trouble {
  const { name, host, clock } = deps;
  const wait = backoff(clock, failures);
  const bot = JSON.stringify(name);
  if (error instanceof Failure) return { problem: failureText(error), ms: wait };
  if (isTokenRefused(error)) {
    return {
      problem: `Telegram does not know the bot token of ${bot}; @BotFather shows the right one (/token), which belongs into adapters.${name}.botToken`,
      ms: backoff(clock, failures, { base: limits.refusedTokenMs, cap: limits.refusedTokenCapMs }),
    };
  }
  if (isWebhook(error)) {
    return {
      problem: `A webhook takes the messages of ${bot} away; if no other program needs it, remoteagent doctor --fix removes it`,
      ms: wait,
    };
  }
  if (isHeld(error)) {
    return {
      problem: `Another program takes the messages of ${bot} with the same token: another remoteagent or an older bot; stop it, or get a new token from @BotFather`,
      ms: wait,
    };
  }
  const asked = retryAfterOf(error);
  if (asked !== undefined) return { problem: `Telegram asks ${bot} to wait ${Math.ceil(asked / 1000)} s`, ms: asked };
  return { problem: `Cannot reach Telegram at ${host}: ${reasonOf(error)}`, ms: wait };
}

/** Whether another takes the bot's updates: two polls, or a webhook. */
function isHeld(error: unknown): error is GrammyError {
  return error instanceof GrammyError && error.error_code === 409;
}

function isWebhook(error: unknown): boolean {
  return isHeld(error) && /webhook/i.test(error.description);
}

/** What is known of the line. */
function createStatus({ clock, log }: LineDeps) {
  let state: AdapterHealth["state"] = "connecting";
  let since = clock.now();
  let heardAt: number | null = null;
  let heardTick = clock.monotonic();
  let problem: string | undefined;
  let self: string | undefined;
  const become = (changed: AdapterHealth["state"]) => {
    if (state === changed) return;
    state = changed;
    since = clock.now();
  };
  const silentMs = () => clock.monotonic() - heardTick;
  let conflicts = 0;
  let conflictTick = 0;
  const isContested = () => conflicts > 0 && clock.monotonic() - conflictTick < 2 * limits.heldLineMs;
  return {
    heardAt: () => heardTick,
    greeted(name: string) {
      self = name;
    },
    heard() {
      heardAt = clock.now();
      heardTick = clock.monotonic();
      // Between two conflicts each of the two hears something.
      if (state === "down" && isContested()) return;
      conflicts = isContested() ? conflicts : 0;
      if (state !== "connected") log.info("Connected", { bot: self });
      problem = undefined;
      become("connected");
    },
    /** Another took the line. @returns how often in a row. */
    contested(): number {
      conflicts = isContested() ? conflicts + 1 : 1;
      conflictTick = clock.monotonic();
      return conflicts;
    },
    lost(what: string) {
      if (problem === what) log.debug("Still not connected", { problem: what });
      else log.warn("Not connected", { problem: what });
      problem = what;
      become("down");
    },
    health(): AdapterHealth {
      const known = { since, heardAt, ...(self === undefined ? {} : { self }) };
      const silent = state === "connected" && silentMs() > limits.pollMs + 2 * limits.pollMarginMs;
      if (silent) {
        const told = `Nothing came from Telegram for ${Math.round(silentMs() / 1000)} s`;
        return { ...known, state: "down", since: heardAt ?? since, problem: told };
      }
      return { ...known, state, ...(problem === undefined ? {} : { problem }) };
    },
  };
}

const noteSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ offset: v.pipe(v.number(), v.safeInteger(), v.minValue(1)), at: v.number() }),
);

/**
 * Where reading stopped. Telegram keeps it too, from poll to poll; the note spares a restart what the last poll had
 * brought. After a week of silence the numbers begin anew, and Telegram keeps nothing longer than a day: an old one
 * is not used.
 */
function createOffset({ clock, log, memory }: LineDeps) {
  let key: string | undefined;
  let offset: number | undefined;
  let movedAt = clock.now();
  let notedAt = clock.now();
  let noted: number | undefined;
  const note = () => {
    if (key === undefined || offset === undefined || offset === noted) return;
    try {
      memory.set(key, JSON.stringify({ offset, at: movedAt }));
      noted = offset;
      notedAt = clock.now();
    } catch (error) {
      // The store is full, perhaps: what came last comes again after a restart, and is known then.
      log.warn("Cannot note where reading stopped", { error: errorText(error) });
    }
  };
  const isFresh = (at: number) => Math.abs(clock.now() - at) < limits.offsetOldMs;
  return {
    /** The bot is known: its note is looked up once. */
    of(bot: number) {
      if (key === `offset-${bot}`) return;
      key = `offset-${bot}`;
      const found = v.safeParse(noteSchema, memory.get(key));
      offset = found.success && isFresh(found.output.at) ? found.output.offset : undefined;
      movedAt = found.success ? found.output.at : clock.now();
      noted = offset;
    },
    next: () => (isFresh(movedAt) ? offset : undefined),
    set(changed: number | undefined) {
      if (changed === undefined || changed === offset) return;
      offset = changed;
      movedAt = clock.now();
      if (clock.now() - notedAt >= limits.offsetNoteMs) note();
    },
    note,
  };
}
