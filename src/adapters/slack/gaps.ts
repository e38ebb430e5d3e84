// What was said while nobody listened: asked for after each gap of the line, place by place, oldest first.
import { errorText } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import type { Address, Inbound } from "../../core/message.ts";
import type { AdapterDeps, KnownPlace } from "../adapter.ts";
import { type Client, SlackRefusal } from "./client.ts";
import { platformError, reasonOf, retryAfterOf, scopeProblem } from "./errors.ts";
import { readPage } from "./find.ts";
import type { Facts } from "./inbound.ts";
import { readHistory } from "./inbound.ts";
import type { Intake } from "./intake.ts";
import type { Directory } from "./names.ts";
import { microsOf, type SlackMessage, stampOf } from "./payloads.ts";
import { idsIn } from "./text.ts";

/** Places of a conversation that are asked for at a time, and tries of one call that Slack wants later. */
const parallelMax = 2;
const triesMax = 5;
/** Pages of one place: apps of some kinds get 15 messages a page (docs.slack.dev/reference/methods/conversations.history). */
const gapPagesMax = Math.ceil(limits.gapMessagesMax / 15);
/** How long after a failure what could not be taken is fetched, the longest such wait as a multiple, and the tries: a day. */
const owedMs = 60_000;
const owedGrowthMax = 16;
const owedTriesMax = 100;

export interface GapDeps extends Pick<AdapterDeps, "clock" | "log" | "places"> {
  client: Client;
  intake: Pick<Intake, "hold">;
  directory: Pick<Directory, "prepare">;
  facts(): Facts | undefined;
  receive(inbound: Inbound): Promise<unknown>;
  signal: AbortSignal;
}

/** Where to look, and from where on. */
interface Place {
  conversation: Address["conversation"];
  thread?: string | undefined;
  /** The newest that is known; what came after it is looked for. */
  after: string;
  /** How often that failed. */
  tries: number;
}

/** Places of one conversation, and what lets its lane go. */
interface Group {
  places: Map<string, Place>;
  done(): void;
}

export type Gaps = ReturnType<typeof createGaps>;

export function createGaps(deps: GapDeps) {
  const { clock, log, client, signal } = deps;
  /** Places in which something could not be taken, from the oldest of it on, and when they are looked into (monotonic). */
  const owed = new Map<string, Place & { dueAt: number }>();
  /** Conversations that are still to be looked into, by their ids. */
  const queue = new Map<string, Group>();
  let workers = 0;
  let working: Promise<void> = Promise.resolve();
  let waiting = false;
  const failed = (error: unknown) => log.warn("What was missed cannot be fetched", { error: errorText(error) });

  /** All of a place that is newer than `after`, oldest first, within the bound. */
  const missedIn = async ({ conversation, thread, after }: Place): Promise<SlackMessage[]> => {
    const found: SlackMessage[] = [];
    let cursor = "";
    // Some workspaces give few messages a page, and a page may hold none.
    for (let pages = 0; pages < gapPagesMax && found.length < limits.gapMessagesMax; pages += 1) {
      const page = await patiently(deps, () =>
        readPage(client, {
          channel: conversation.id,
          thread,
          oldest: after,
          limit: limits.gapPageMessages,
          ...(cursor === "" ? {} : { cursor }),
        }),
      );
      // A thread's first message comes with each page.
      found.push(...page.messages.filter(({ ts }) => microsOf(ts) > microsOf(after)));
      if (page.next === "") break;
      cursor = page.next;
    }
    return found.toSorted((one, other) => microsOf(one.ts) - microsOf(other.ts)).slice(-limits.gapMessagesMax);
  };

  const fillOne = async (place: Place): Promise<void> => {
    const { conversation } = place;
    const messages = await missedIn(place);
    const users = [
      ...new Set(
        messages.flatMap(({ user, text }) => [...(user === undefined ? [] : [user]), ...idsIn(text ?? "").users]),
      ),
    ];
    await deps.directory.prepare({ users: users.slice(0, limits.namesPerTextMax) });
    for (const message of messages) {
      const facts = deps.facts();
      if (signal.aborted || facts === undefined) return;
      const reading = readHistory(message, { channel: conversation.id, shared: conversation.kind === "shared" }, facts);
      if (reading.kind === "inbound") await deps.receive(reading.inbound);
      // A thread that began meanwhile is no place yet.
      if (place.thread === undefined && (message.reply_count ?? 0) > 0)
        await fillOne({ conversation, thread: message.ts, after: message.ts, tries: 0 });
    }
    if (messages.length > 0)
      log.info("What was missed was fetched", {
        conversation: conversation.id,
        thread: place.thread,
        messages: messages.length,
      });
  };

  const fillConversation = async (places: readonly Place[]): Promise<void> => {
    for (const place of places) {
      if (signal.aborted) return;
      try {
        await fillOne(place);
      } catch (error) {
        if (signal.aborted) return;
        const scope = scopeProblem(error);
        log[scope === undefined ? "info" : "debug"]("What was missed cannot be fetched", {
          conversation: place.conversation.id,
          error: scope ?? (error instanceof SlackRefusal ? reasonOf(error) : errorText(error)),
        });
        // A store that is full, a server that is away: what was missed there may be older than what comes next.
        if (platformError(error, "change").fate === "later") owe({ ...place, tries: place.tries + 1 });
      }
    }
  };

  /** What is queued already is asked for once, from the older end on. Each conversation holds its own lane until it is done. */
  const enqueue = (places: readonly Place[]): void => {
    for (const place of places) {
      const { conversation, thread = "", after } = place;
      const group = queue.get(conversation.id) ?? { places: new Map(), done: holdLane(deps, conversation.id) };
      queue.set(conversation.id, group);
      const known = group.places.get(thread);
      if (known === undefined || microsOf(after) < microsOf(known.after)) group.places.set(thread, place);
    }
    while (workers < parallelMax && queue.size > 0) {
      workers += 1;
      working = Promise.all([working, work().catch(failed)]).then(() => undefined);
    }
  };
  const work = async (): Promise<void> => {
    for (const [id, { places, done }] of queue) {
      queue.delete(id);
      await fillConversation([...places.values()]);
      done();
    }
    workers -= 1;
  };

  const owe = (place: Place): void => {
    const key = `${place.conversation.id}:${place.thread ?? ""}`;
    const known = owed.get(key);
    if (known !== undefined && microsOf(known.after) <= microsOf(place.after)) return;
    if (place.tries > owedTriesMax || (known === undefined && owed.size >= limits.adapterNotesMax)) {
      log.warn("What was missed is given up", { conversation: place.conversation.id, thread: place.thread });
      return;
    }
    const waitMs = owedMs * Math.min(2 ** Math.max(0, place.tries - 1), owedGrowthMax);
    owed.set(key, { ...place, dueAt: clock.monotonic() + waitMs });
    if (waiting) return;
    waiting = true;
    working = Promise.all([working, settle().catch(failed)]).then(() => undefined);
  };
  /** Looks after what is owed until nothing is. */
  const settle = async (): Promise<void> => {
    while (owed.size > 0 && !signal.aborted) {
      await clock.sleep(owedMs, signal);
      const due = [...owed].filter(([, { dueAt }]) => dueAt <= clock.monotonic());
      for (const [key] of due) owed.delete(key);
      if (!signal.aborted) enqueue(due.map(([, place]) => place));
    }
    waiting = false;
  };

  return {
    /** After a gap of the line: looks into every place that is known. Holds its lanes before it returns. Never throws. */
    fill(): void {
      try {
        const places = deps.places().toSorted((one, other) => other.newest.sentAt - one.newest.sentAt);
        enqueue(places.slice(0, limits.gapPlacesMax).map(placeOf));
      } catch (error) {
        failed(error);
      }
    },
    /** A message could not be taken: should Slack not send it again, it is fetched. */
    owe({ conversation, thread, id }: Pick<Inbound, "conversation" | "thread" | "id">): void {
      const after = stampBefore(id);
      if (after !== undefined) owe({ conversation, thread, after, tries: 0 });
    },
    settled: () => working,
  };
}

function placeOf({ conversation, thread, newest }: KnownPlace): Place {
  // Commands and buttons have ids of their own.
  const after = /^\d{1,12}\.\d{1,6}$/.test(newest.id) ? newest.id : stampOf(newest.sentAt);
  return { conversation, thread, after, tries: 0 };
}

function stampBefore(id: string): string | undefined {
  if (!/^\d{1,12}\.\d{6}$/.test(id)) return undefined;
  const micros = microsOf(id) - 1;
  return `${Math.floor(micros / 1_000_000)}.${String(micros % 1_000_000).padStart(6, "0")}`;
}

/** Keeps what comes in a lane back. @returns the function that lets it go. */
function holdLane({ intake }: GapDeps, lane: string): () => void {
  const held = Promise.withResolvers<void>();
  intake.hold(lane, held.promise);
  return held.resolve;
}

/** A call that Slack wants later is made later. */
async function patiently<Result>(
  { clock, signal }: Pick<GapDeps, "clock" | "signal">,
  call: () => Promise<Result>,
): Promise<Result> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await call();
    } catch (error) {
      const wait = retryAfterOf(error);
      if (wait === undefined || tries >= triesMax || signal.aborted) throw error;
      await clock.sleep(wait, signal);
    }
  }
}
