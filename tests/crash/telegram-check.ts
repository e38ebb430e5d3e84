// What must hold after any number of crashes over Telegram: what the store says, and what people see on the platform.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { openDatabase } from "#sqlite";
import { limits } from "../../src/core/limits.ts";
import type { Input, TurnRow } from "../../src/core/session.ts";
import type { Delivery } from "../../src/store/deliveries.ts";
import { createStore, type Store } from "../../src/store/store.ts";
import type { Database } from "../../src/sys/sqlite.ts";
import type { MessageView } from "../adapters/telegram/fake/views.ts";
import { checkCalls, checkFile, checkSessions, processesLeft } from "./check.ts";
import { answered, answerLine } from "./model.ts";
import type { Place } from "./telegram-plan.ts";
import { adapterName, type Sent, type TelegramWorld } from "./telegram-world.ts";

const interrupted = "I was interrupted by a restart and go on from there.";

/** Everything that is looked at. */
interface Facts {
  world: TelegramWorld;
  db: Database;
  store: Store;
  turns: TurnRow[];
  deliveries: Delivery[];
  /** What the agent wrote, as it stands now. */
  shown: (MessageView & { place: Place })[];
}

const places: readonly Place[] = ["ann", "ben", "group"];

/** Reads the store of a world whose program has ended, and says what does not hold. */
export function checkTelegram(world: TelegramWorld): { wrong: string[]; turns: number } {
  const db = openDatabase(join(world.stateDir, "remoteagent.db"));
  try {
    const store = createStore(db);
    const turns = store.turns.list({ limit: 1_000 });
    const deliveries = store.deliveries.list({ limit: 10_000 });
    const shown = places.flatMap((place) =>
      world.platform
        .messages(world.chats[place])
        .filter(({ byBot }) => byBot)
        .map((message) => ({ ...message, place })),
    );
    const facts: Facts = { world, db, store, turns, deliveries, shown };
    const calls = world.calls();
    const wrong = [
      ...checkFile(db),
      ...(world.platform.pending(world.bot).length > 0 ? ["updates are left unconfirmed"] : []),
      ...world.sent.filter(({ kind }) => kind === "message").flatMap((sent) => checkMessage(facts, sent)),
      ...world.sent.flatMap((sent) => checkAnswers(facts, sent)),
      ...world.stops.flatMap((stop) => checkStop(facts, stop)),
      ...turns.flatMap((turn) => checkTurn(facts, turn)),
      ...deliveries.flatMap((row) => checkDelivery(facts, row)),
      ...checkShown(facts),
      ...checkNotices(facts),
      ...checkReplies(facts),
      ...checkCalls(calls),
      ...checkSessions(store, calls),
      ...world.model.violations,
      ...processesLeft(world.home),
    ];
    return { wrong, turns: turns.length };
  } finally {
    db.close();
  }
}

type Row = Pick<Input, "id" | "turn" | "state">;

function rowsOf({ db, world }: Facts, { kind, place, id }: { kind: string; place: Place; id: string }): Row[] {
  return db
    .prepare(
      "SELECT id, turn, state FROM inputs WHERE adapter = ? AND conversation = ? AND kind = ? AND external = ? ORDER BY id",
    )
    .all<Row>(adapterName, String(world.chats[place].id), kind, id);
}

/** What was written is stored once, and was dealt with: answered, corrected, stopped, or given up in words. */
function checkMessage(facts: Facts, sent: Sent): string[] {
  const { world, store } = facts;
  const { place, id, task, order } = sent;
  const rows = rowsOf(facts, { kind: "message", place, id: String(id) });
  const [row] = rows;
  if (row === undefined || rows.length > 1) return [`${task.name} is stored ${rows.length} times`];
  const stopped = world.stops.some((stop) => stop.place === place && stop.order > order);
  if (row.state === "removed") return stopped ? [] : [`${task.name} was removed, and nobody asked for it`];
  if (row.state !== "done" || row.turn === null) return [`${task.name} is ${row.state} at rest, turn ${row.turn}`];
  const turn = store.turns.get(row.turn);
  if (turn?.replyTo.conversation.id !== String(world.chats[place].id)) return [`${task.name} is in a foreign turn`];
  const takes = store.turns
    .events(row.turn)
    .filter(({ event }) => event.type === "taken" && event.inputs.includes(row.id)).length;
  if (takes > 1) return [`${task.name} was taken ${takes} times`];
  if (turn.state === "stopped" && !stopped) return [`${task.name} was stopped, and nobody asked for it`];
  return [...checkAnswered(facts, { sent, turn, takes }), ...checkDocument(facts, { sent, input: row.id })];
}

/** A turn that came to its end has said the words of its messages, or those that they were corrected to. */
function checkAnswered(facts: Facts, { sent, turn, takes }: { sent: Sent; turn: TurnRow; takes: number }): string[] {
  if (turn.state !== "done") return [];
  const { task, id, place } = sent;
  const edits = facts.world.sent.filter((one) => one.kind === "edit" && one.id === id && one.place === place);
  const seen = [sent, ...edits].filter(({ task: { name } }) => markers(facts, name).length > 0);
  if (seen.length === 0 || takes !== 1) return [`${task.name} has no answer: turn ${turn.id}, taken ${takes} times`];
  return [];
}

function markers({ shown }: Facts, name: string): Facts["shown"] {
  return shown.filter(({ text }) => text.includes(answered(name)));
}

/** Each answer is there at most once, whole, and where it was asked for. */
function checkAnswers(facts: Facts, { task, place, id }: Sent): string[] {
  const { shown } = facts;
  const { name, lines = 0, file = false } = task;
  const wrong: string[] = [];
  const found = markers(facts, name);
  const times = found.reduce((sum, { text }) => sum + text.split(answered(name)).length - 1, 0);
  if (times > 1) wrong.push(`${name} is answered ${times} times`);
  const [answer] = found;
  if (answer !== undefined && answer.place !== place) wrong.push(`${name} is answered in ${answer.place}`);
  if (answer !== undefined && place === "group") wrong.push(...checkThread(facts, { answer, name, id }));
  for (let n = 1; n <= lines; n += 1) {
    const line = answerLine(name, n).trim();
    const count = shown.filter(({ text }) => text.includes(line)).length;
    // Of an answer that was cut off there may be less.
    if (count > 1 || (count === 0 && answer !== undefined && isWhole(facts, answer)))
      wrong.push(`line ${n} of ${name} is there ${count} times`);
  }
  const files = shown.filter(({ file: sent }) => sent?.name === `${name}.txt`);
  if (files.length > 1) wrong.push(`the file of ${name} is there ${files.length} times`);
  if (files.some((one) => one.place !== place || !file)) wrong.push(`the file of ${name} is in a foreign chat`);
  return wrong;
}

/** In a group an answer belongs to the chain of replies in which it was asked for, and its first part stands there. */
function checkThread(
  facts: Facts,
  { answer, name, id }: { answer: Facts["shown"][number]; name: string; id: number },
): string[] {
  const row = rowOf(facts, answer);
  const root = rootOf(facts, id);
  const stands = row?.part !== 1 || rootOf(facts, answer.replyTo ?? 0) === root;
  return row?.root === String(root) && stands ? [] : [`${name} is answered in another thread of the group`];
}

/** Whether the turn behind a message came to its own end. */
function isWhole(facts: Facts, message: Facts["shown"][number]): boolean {
  const turn = rowOf(facts, message)?.turn;
  return turn != null && facts.store.turns.get(turn)?.state === "done";
}

function rowOf({ deliveries, world }: Facts, { id, place }: Facts["shown"][number]): Delivery | undefined {
  const conversation = String(world.chats[place].id);
  return deliveries.find((one) => one.ref === String(id) && one.conversation === conversation);
}

/** The message at the top of a chain of replies; of the agent's own messages its rows know. */
function rootOf(facts: Facts, id: number): number {
  const { platform, chats } = facts.world;
  const all = new Map(platform.messages(chats.group).map((message) => [message.id, message]));
  let root = id;
  for (let up = all.get(root); up !== undefined; ) {
    const row = up.byBot ? rowOf(facts, { ...up, place: "group" }) : undefined;
    if (row?.root != null) return Number(row.root);
    if (up.replyTo === undefined) return root;
    root = up.replyTo;
    up = all.get(root);
  }
  return root;
}

/** What came with a message is kept with the bytes that were sent. */
function checkDocument({ store, world }: Facts, { sent, input }: { sent: Sent; input: number }): string[] {
  if (sent.document === undefined) return [];
  const found = store.inputs.get(input)?.inbound;
  const files = found?.kind === "message" ? (found.files ?? []) : [];
  const [file] = files;
  if (files.length !== 1 || file?.stored === undefined)
    return [`the document of ${sent.task.name} is not there: ${JSON.stringify(files)}`];
  const bytes = readFileSync(join(world.stateDir, "workspace", file.stored));
  return bytes.equals(sent.document) ? [] : [`the document of ${sent.task.name} has other bytes`];
}

/** A stop counts once. A button that its message had no more when it was pressed is none. */
function checkStop(facts: Facts, { place, how, id }: TelegramWorld["stops"][number]): string[] {
  const rows = rowsOf(facts, stopKey({ place, how, id }));
  if (rows.length === 0 && how === "button") return [];
  return rows.length === 1 && rows[0]?.state === "done"
    ? []
    : [`a stop (${how}) in ${place} is stored as ${JSON.stringify(rows)}`];
}

function stopKey({ place, how, id }: Pick<TelegramWorld["stops"][number], "place" | "how" | "id">) {
  return how === "text" ? { kind: "message", place, id } : { kind: "command", place, id: `press:${id}` };
}

/** Each stop has one answer, the one by button perhaps in a note alone; nobody else has one: the rest is said by turns. */
function checkReplies(facts: Facts): string[] {
  const { world, deliveries, shown } = facts;
  return places.flatMap((place) => {
    const stops = world.stops.filter((stop) => stop.place === place && rowsOf(facts, stopKey(stop)).length > 0);
    const replies = deliveries
      .filter(({ kind, conversation }) => kind === "reply" && conversation === String(world.chats[place].id))
      .map(({ ref }) => shown.find((one) => one.place === place && String(one.id) === ref)?.text ?? "")
      .filter((text) => !text.startsWith("Place "));
    const least = stops.filter(({ how }) => how === "text").length;
    return replies.length >= least && replies.length <= stops.length
      ? []
      : [`${stops.length} stops in ${place} were answered: ${replies.join(" | ")}`];
  });
}

/** A turn has ended, once; it was told of each interruption, and went on by itself at most twice. */
function checkTurn({ store, world, deliveries }: Facts, turn: TurnRow): string[] {
  const events = store.turns.events(turn.id).map(({ event }) => event);
  const wrong: string[] = [];
  const name = `turn ${turn.id}`;
  const ends = events.filter((event) => event.type === "ended").length;
  if (turn.endedAt === null || ends !== 1 || events.at(-1)?.type !== "ended")
    wrong.push(`${name} is ${turn.state} with ${ends} ends`);
  if (turn.attempts > limits.resumesMax + 1) wrong.push(`${name} was started ${turn.attempts} times`);
  const told = events.filter((event) => event.type === "notice" && event.text === interrupted).length;
  // An orderly end is told, and is no attempt that failed.
  if (told < turn.attempts - 1 || told > turn.attempts - 1 + world.ends)
    wrong.push(`${name} was interrupted ${turn.attempts - 1} times and told ${told} times`);
  // Given up after its last start, or by the brake on crash loops; nothing else makes a turn fail here.
  const spent = turn.attempts === limits.resumesMax + 1 || turn.error?.message.startsWith("The program ended") === true;
  if (turn.state === "failed" && !(turn.error?.code === "turn.interrupted" && spent))
    wrong.push(`${name} failed after ${turn.attempts} starts with ${JSON.stringify(turn.error)}`);
  // A turn that was given up says so in its answer, one that was done has it: both have arrived.
  const answers = deliveries.filter((row) => row.turn === turn.id && row.kind === "answer" && row.part === 1);
  if (answers.length !== 1 || answers[0]?.fate !== "sent")
    wrong.push(
      `${name} has as its answer ${JSON.stringify(answers.map(({ id, fate, form }) => ({ id, fate, form })))}`,
    );
  return wrong;
}

/** Each row has its fate, and what may not have arrived was told. */
function checkDelivery({ shown, world }: Facts, row: Delivery): string[] {
  const name = `delivery ${row.id} (${row.kind})`;
  if (row.fate === "dropped") return row.kind === "answer" ? [] : [`${name} was dropped`];
  if (row.fate === "unknown" && row.kind === "file")
    return row.toldAt === null ? [`${name} may not have arrived, and nobody was told`] : [];
  if (row.fate !== "sent") return [`${name} is ${row.fate}: ${row.error}`];
  const there = shown.filter(
    ({ id, place }) => String(id) === row.ref && String(world.chats[place].id) === row.conversation,
  );
  return there.length === 1 ? [] : [`${name} is there ${there.length} times as ${row.ref}`];
}

/**
 * Of what stands in the chats each belongs to one row, save for places that were made and then lost: of each chat at most
 * one for each kill or fault, since a chat has one call at a time.
 */
function checkShown({ world, deliveries, shown }: Facts): string[] {
  const wrong: string[] = [];
  const orphans = { ann: 0, ben: 0, group: 0 };
  for (const { id, text, place, file } of shown) {
    const conversation = String(world.chats[place].id);
    const rows = deliveries.filter((row) => row.conversation === conversation && row.ref === String(id));
    if (rows.length === 1) continue;
    const unknown = deliveries.some(({ fate, file: sent }) => fate === "unknown" && sent?.name === file?.name);
    if (rows.length > 1) wrong.push(`message ${id} in ${place} belongs to ${rows.length} rows`);
    else if (file === undefined ? text !== "…" : !unknown) wrong.push(`message ${id} in ${place} is nobody's: ${text}`);
    else orphans[place] += 1;
  }
  const faults = Object.values(world.platform.faults.counts()).reduce((sum, count) => sum + count, 0);
  const most = world.kills + world.ends + faults;
  for (const place of places)
    if (orphans[place] > most) wrong.push(`${orphans[place]} places in ${place} without a text after ${most} troubles`);
  return wrong;
}

/** Every sentence that a turn says beside its answer is there as often as it was said. */
function checkNotices({ world, store, turns, shown }: Facts): string[] {
  return places.flatMap((place) => {
    const conversation = String(world.chats[place].id);
    const said = turns
      .filter(({ replyTo }) => replyTo.conversation.id === conversation)
      .flatMap(({ id }) => store.turns.events(id))
      .filter(({ event }) => event.type === "notice" && event.text === interrupted).length;
    const seen = shown.filter((message) => message.place === place && message.text === interrupted).length;
    return said === seen ? [] : [`in ${place} ${said} interruptions were told ${seen} times`];
  });
}
