// Messages on their way in: made fit, stored in their session, and the turn that they start with them.
import type { Admission } from "../../access/admission.ts";
import type { InputId } from "../../core/ids.ts";
import { limits } from "../../core/limits.ts";
import type { FileRef, Inbound, Message, Receipt } from "../../core/message.ts";
import type { Input, ReplyTarget, Session } from "../../core/session.ts";
import { assertUnbroken, type Behind } from "../../core/succession.ts";
import { ago, excerpt } from "../../core/words.ts";
import type { Store } from "../../store/store.ts";
import type { Clock } from "../../sys/clock.ts";
import type { Redactor } from "../../vault/redact.ts";
import type { AdapterTraits } from "../handle.ts";
import { currentInbound } from "../moving.ts";
import type { Queue } from "../queue/queue.ts";
import { filesMissing } from "../queue/ready.ts";
import type { Resolved, SessionBook } from "../sessions.ts";
import { replyTarget } from "../target.ts";
import type { Answering } from "./answering.ts";
import type { Fetching } from "./fetching.ts";

/** What messages are received with. */
export interface ReceiveDeps {
  store: Store;
  clock: Clock;
  redactor: Redactor;
  queue: Queue;
  book: SessionBook;
  answering: Answering;
  fetching: Fetching;
  /** Stores bytes as an attachment of a conversation. */
  keepFile(inbound: Inbound, file: { name: string; bytes: Uint8Array }): Promise<FileRef>;
  /** Somebody is here again: what did not arrive there is told. In the caller's transaction. */
  heard(target: ReplyTarget): void;
  /** The history view; never throws. */
  onInbound(inbound: Inbound): void;
  /** Asks whether a message that nobody addressed to the agent fits the rules; `release` makes it start a turn. */
  consider(input: Input, options: { rules: string; drop: boolean }): void;
}

/** What messages are received with as they come. */
export interface ArrivalDeps extends ReceiveDeps {
  /** In the transaction that stores an inbound: whether it still comes in. */
  enter(inbound: Inbound, traits: AdapterTraits): Admission;
}

/** How it came: by which door, by how much it was missed (milliseconds), if it was, and behind what. */
export interface Arrival {
  traits: AdapterTraits;
  missedMs: number | undefined;
  behind?: Behind | undefined;
}

/** What became of a message inside the transaction. `after` is done once that is committed. */
interface Placed {
  receipt: Receipt;
  after?: () => void;
}

/** Takes a message that was let in and is no command; `known`: as which it was stored before. @throws Failure `store` when it could not be stored. */
export async function receiveMessage(
  deps: ArrivalDeps,
  inbound: Message,
  arrival: Arrival & { known: InputId | undefined },
): Promise<Receipt> {
  const { store } = deps;
  // Nothing is kept for what came before.
  if (arrival.known !== undefined) return { state: "duplicate", input: arrival.known };
  const given = await withinLimits(deps, inbound);
  let message = given;
  // The turn that it starts is stored with it: one commit, and a person waits for each.
  const stored = inOrder(store, arrival.behind, (): Placed => {
    // Its conversation may have got another id since it came.
    message = currentInbound(store, given);
    const admission = deps.enter(message, arrival.traits);
    if (!admission.admitted) return { receipt: { state: "refused", reason: admission.reason } };
    const placed = placeNow(deps, message, arrival);
    if (!arrival.traits.live && placed.receipt.state === "waiting") deps.heard(replyTarget(message));
    return placed;
  });
  arrival.behind?.placed();
  const { receipt, after } = await stored;
  after?.();
  // What waits for its files is written when they are there.
  const later = receipt.state === "waiting" && filesMissing(message);
  if (!later && (receipt.state === "waiting" || receipt.state === "context")) deps.onInbound(message);
  return receipt;
}

/** Stored with others of this moment, and behind one of its own succession that fails not at all. */
async function inOrder(store: Store, behind: Behind | undefined, work: () => Placed): Promise<Placed> {
  if (behind === undefined) return store.grouped(work);
  try {
    return await store.grouped(() => {
      assertUnbroken(behind);
      try {
        return work();
      } catch (error) {
        // Those behind it may be done in the same transaction, before anybody hears of this.
        behind.succession.broken = true;
        throw error;
      }
    });
  } catch (error) {
    behind.succession.broken = true;
    throw error;
  }
}

/** What {@link placeNow} finds out, for a message that was let in late: the caller wakes the session of the receipt. */
export function place(deps: ReceiveDeps, message: Message): Receipt {
  return placeNow(deps, message, undefined).receipt;
}

/** Inside the transaction: finds the session of a message and stores it there. Without an arrival no turn begins. */
function placeNow(deps: ReceiveDeps, message: Message, arrival: Arrival | undefined): Placed {
  const { store, book, answering } = deps;
  const resolved = book.resolve(message);
  const refuse = (reason: string): Placed => ({ receipt: answering.refuse(message, arrival?.traits, reason) });
  if (resolved === undefined) return refuse("No agent answers here");
  const base = book.base(resolved);
  if (base?.options.batch?.includes(message.sender.id) === true) return collect(deps, { message, base, arrival });
  const rules = message.conversation.kind === "shared" ? base?.options.autoReply?.rules : undefined;
  const triggers =
    message.addressed || resolved.wiring.trigger === "all" || rules === "" || goesOn(store, message, resolved);
  if (!triggers) return beside(deps, { message, resolved, rules });
  const session = message.fresh === true ? book.apart(resolved, message) : book.ensure(resolved);
  if (arrival?.missedMs !== undefined) return placeMissed(deps, { message, session, arrival });
  if (store.inputs.waitingCount(session.id) >= limits.waitingMax)
    return refuse(`${limits.waitingMax} messages wait already; /queue shows them, /stop ends the turn`);
  return start(deps, { message, session, arrival });
}

/** An answer in a thread that has a session is meant for it, also without a mention. */
function goesOn(store: Store, message: Message, { session }: Resolved): boolean {
  if (session === undefined || message.conversation.kind !== "shared") return false;
  if (message.root !== undefined) return message.root !== message.id;
  if (message.thread === undefined) return false;
  // Some platforms say of all in a thread that it answers the thread's first message.
  if (message.replyTo === undefined || message.replyTo === message.thread) return true;
  const { adapter, conversation, replyTo } = message;
  const said = store.messages.byExternal(adapter, conversation.id, replyTo);
  return said === undefined || said.session === session.id;
}

/** A message that starts nothing: kept as context where the wiring says so, or until the rules of the place are asked. */
function beside(
  deps: ReceiveDeps,
  { message, resolved, rules }: { message: Message; resolved: Resolved; rules: string | undefined },
): Placed {
  const keeps = resolved.wiring.unmatched === "accumulate";
  if (!keeps && rules === undefined) return { receipt: { state: "refused", reason: "The agent was not addressed" } };
  const { input, fresh } = store(deps, { message, state: "context", session: resolved.session });
  if (!fresh) return { receipt: { state: "duplicate", input: input.id } };
  return {
    receipt: { state: "context", input: input.id },
    ...(rules === undefined ? {} : { after: () => deps.consider(input, { rules, drop: !keeps }) }),
  };
}

/** A message of somebody who collects a batch. */
function collect(
  deps: ReceiveDeps,
  { message, base, arrival }: { message: Message; base: Session; arrival: Arrival | undefined },
): Placed {
  const mine = heldOf(deps.store, { session: base.id, why: "batch", user: message.sender.id });
  if (mine.length >= limits.batchMax) {
    const reason = `A batch has at most ${limits.batchMax} messages; /batch send sends it, /batch cancel drops it`;
    return { receipt: deps.answering.refuse(message, arrival?.traits, reason) };
  }
  const held: Message = { ...message, held: "batch" };
  const { input, fresh } = store(deps, { message: held, state: "held", session: base });
  return { receipt: { state: fresh ? "context" : "duplicate", input: input.id } };
}

/** A message that starts or joins a turn. */
function start(
  deps: ReceiveDeps,
  { message, session, arrival }: { message: Message; session: Session; arrival: Arrival | undefined },
): Placed {
  const { queue, answering } = deps;
  const { input, fresh } = store(deps, { message, state: "waiting", session });
  if (!fresh) return { receipt: { state: "duplicate", input: input.id } };
  const place = deps.store.inputs.waitingCount(session.id);
  const begun = arrival === undefined ? undefined : queue.begin(session.id);
  // What it begins itself is not in its way.
  const meets = begun === undefined ? queue.meets(input) : "nothing";
  if (meets === "waits" && arrival?.traits.live === false && queue.tellOnce(session.id))
    answering.reply(message, arrival.traits, {
      markdown: `Place ${place} in the queue: a turn is running. /queue shows what waits, /stop ends the turn.`,
      choices: [
        { value: "/queue", label: "Queue" },
        { value: "/stop", label: "Stop" },
      ],
    });
  const after = () => {
    begun?.();
    deps.fetching.begin(input);
    if (meets === "ends") queue.supersede(session.id);
  };
  return { receipt: { state: "waiting", input: input.id, session: session.id, place }, after };
}

/** A message that was sent while nobody was here: it goes on by itself when it is fresh and there are few of them. */
function placeMissed(
  deps: ReceiveDeps,
  { message, session, arrival }: { message: Message; session: Session; arrival: Arrival },
): Placed {
  const { inputs } = deps.store;
  const noted: Message = { ...message, missed: true };
  const held = heldOf(deps.store, { session: session.id, why: "missed" });
  const waiting = inputs.waiting(session.id, limits.missedHeldMax).filter(isMissed);
  const old = (arrival.missedMs ?? 0) > limits.missedAskMs;
  if (!old && held.length === 0 && waiting.length < limits.missedMax)
    return start(deps, { message: noted, session, arrival });
  if (held.length >= limits.missedHeldMax)
    return { receipt: { state: "refused", reason: "Too many messages were sent while I was away" } };
  const { input, fresh } = store(deps, { message: { ...noted, held: "missed" }, state: "held", session });
  if (!fresh) return { receipt: { state: "duplicate", input: input.id } };
  // With so many of them the person is asked about all.
  for (const { id, inbound, turn } of waiting)
    if (inbound.kind === "message" && turn === null) inputs.hold(id, { ...inbound, held: "missed" });
  if (held.length === 0)
    deps.answering.reply(message, arrival.traits, {
      markdown: `Messages were sent here while I was away, the oldest ${ago(arrival.missedMs ?? 0)}. Go on with them?`,
      choices: [
        { value: "/queue missed go", label: "Go on" },
        { value: "/queue missed drop", label: "Drop them" },
      ],
    });
  return { receipt: { state: "context", input: input.id } };
}

function isMissed({ inbound }: Input): boolean {
  return inbound.kind === "message" && inbound.missed === true;
}

/** What is held in a session for a reason, of one person if `user` is given; oldest first. */
export function heldOf(
  { inputs }: Store,
  { session, why, user }: { session: number; why: "missed" | "batch"; user?: string },
): Input[] {
  return inputs
    .held(session, limits.missedHeldMax)
    .filter(({ inbound }) => inbound.kind === "message" && inbound.held === why)
    .filter(({ inbound }) => user === undefined || inbound.sender.id === user);
}

/** Inside the transaction: the input and, with it, the message for search. */
function store(
  { store, clock, redactor }: ReceiveDeps,
  { message, state, session }: { message: Message; state: Input["state"]; session: Session | undefined },
): { input: Input; fresh: boolean } {
  const at = clock.now();
  const { input, fresh } = store.inputs.add(message, { state, session: session?.id ?? null, at });
  if (!fresh) return { input, fresh };
  const text = redactor.exact(message.text);
  store.messages.add({
    adapter: message.adapter,
    conversation: message.conversation.id,
    external: message.id,
    session: session?.id ?? null,
    turn: null,
    direction: "in",
    sender: message.sender.name,
    at: message.sentAt,
    text,
    root: message.root,
  });
  if (session !== undefined && state === "waiting") store.sessions.touch(session.id, { at, title: excerpt(text, 60) });
  return { input, fresh };
}

/**
 * What was held or kept as context starts a turn after all, in the caller's transaction; `session` is where, else the
 * place of each. @returns what is to be done once that is committed.
 */
export function releaseInputs(
  deps: Pick<ReceiveDeps, "store" | "book" | "queue" | "fetching" | "clock" | "redactor">,
  inputs: readonly Input[],
): () => void {
  const { store, book, queue } = deps;
  const sessions = new Set<number>();
  const released: Input[] = [];
  for (const { id, inbound } of inputs) {
    if (inbound.kind !== "message") continue;
    const { held: _held, ...message } = inbound;
    const resolved = book.resolve(message);
    if (resolved === undefined) continue;
    const session = book.ensure(resolved);
    if (!store.inputs.release(id, { session: session.id, inbound: message })) continue;
    const { adapter, conversation, root } = message;
    store.messages.setSession(message.id, { adapter, conversation: conversation.id, session: session.id, root });
    const title = excerpt(deps.redactor.exact(message.text), 60);
    store.sessions.touch(session.id, { at: deps.clock.now(), title });
    sessions.add(session.id);
    const input = store.inputs.get(id);
    if (input !== undefined) released.push(input);
  }
  return () => {
    for (const input of released) deps.fetching.begin(input);
    for (const session of sessions) queue.wake(session);
  };
}

/** Text without halves of characters and without NUL, which no part further in would take. */
export function cleanText(text: string): string {
  return text.toWellFormed().replaceAll("\u0000", "");
}

/** A text beyond the limit becomes a file that the agent can read, with its beginning in the message. */
async function withinLimits(deps: ReceiveDeps, inbound: Message): Promise<Message> {
  const text = cleanText(inbound.text);
  if (text.length <= limits.inputCharsMax) return { ...inbound, text };
  const file = await deps.keepFile(inbound, { name: "message.txt", bytes: new TextEncoder().encode(text) });
  const head = text.slice(0, limits.inputHeadChars).toWellFormed();
  return {
    ...inbound,
    text: `${head}…\n\n[The message has ${text.length} characters; all of it is in the attached file.]`,
    files: [...(inbound.files ?? []), file],
  };
}
