// What must be true when a run has come to rest, whatever happened in it.

import { movedId } from "../../src/core/moved.ts";
import type { Chat, Message } from "../adapters/telegram/fake/world.ts";
import { answerMark } from "./script.ts";
import { adapterName, type Sent, type World } from "./world.ts";

const dayMs = 24 * 60 * 60_000;
const strangerTellMs = 60 * 60_000;

/** Every rule that is looked at; those of the machine are looked at while it runs. */
export const rules = [
  "no input is lost",
  "no input in two turns",
  "no call starts twice",
  "a call is stored before it starts",
  "no final text twice",
  "every answer is seen",
  "no reply in a foreign conversation",
  "no tool without a grant",
  "strangers reach no session",
  "strangers are told once an hour",
  "the queue drains",
  "stopped is said after death",
  "the program does not break",
] as const;

/** Looks at everything, and notes what is wrong. */
export function check(world: World): void {
  for (const text of unsettled(world)) world.violate("the queue drains", text);
  checkInputs(world);
  checkTaken(world);
  checkTurns(world);
  checkPlaces(world);
  checkFiles(world);
  checkStrangers(world);
}

/** What is still under way; nothing when all has come to rest. */
export function unsettled({ engine, bot, processes, halting }: World): string[] {
  const found: string[] = [];
  const waiting = engine.rows<{ id: number; session: number }>(
    `SELECT id, session FROM inputs WHERE state = 'waiting'
       AND session NOT IN (SELECT session FROM turns WHERE state = 'waiting')`,
  );
  for (const { id, session } of waiting) found.push(`input ${id} waits in session ${session}`);
  for (const { id, state } of engine.rows<{ id: number; state: string }>(
    "SELECT id, state FROM turns WHERE state IN ('running', 'interrupted')",
  ))
    found.push(`turn ${id} is ${state}`);
  for (const { id, kind, fate } of engine.rows<{ id: number; kind: string; fate: string }>(
    `SELECT id, kind, fate FROM deliveries WHERE fate IN ('pending', 'sending', 'placed')
       AND NOT (form = 'forming' AND turn IN (SELECT id FROM turns WHERE state = 'waiting'))`,
  ))
    found.push(`delivery ${id} (${kind}) is ${fate}`);
  if (bot.queue.length > 0) found.push(`${bot.queue.length} updates are not confirmed`);
  if (halting.size > 0) found.push("something is being killed");
  for (const [call, { alive }] of processes) if (alive) found.push(`${call} still runs`);
  return found;
}

interface InputRow {
  id: number;
  state: string;
  turn: number | null;
  held: string | null;
}

function isKnown(world: World, sender: number): boolean {
  return world.known.some(({ id }) => id === sender);
}

/** Each message of a known person that the platform was told to forget has a place in the store, and a true one. */
function checkInputs(world: World): void {
  for (const one of world.sent) {
    const { queued, confirmedAt, sender, addressed, command } = one;
    if (!isKnown(world, sender) || !addressed || command) continue;
    if (queued === undefined || confirmedAt === undefined || confirmedAt - one.at >= dayMs) continue;
    const [row] = world.engine.rows<InputRow>(
      `SELECT id, state, turn, body ->> '$.held' AS held FROM inputs
         WHERE adapter = ? AND kind = 'message' AND (conversation, external) IN (VALUES (?, ?), (?, ?))`,
      adapterName,
      String(one.chat),
      String(one.id),
      String(world.now(one.chat)),
      movedId(String(one.chat), String(one.id)),
    );
    const wrong = row === undefined ? whyAbsent(world, one) : whyWrong(world, { row, one });
    if (wrong !== undefined) world.violate("no input is lost", `${one.chat}/${one.id} #${one.number}: ${wrong}`);
  }
}

/** What was refused was told: there, or as something that could not be delivered. */
function whyAbsent(world: World, { chat, id }: Sent): string | undefined {
  const receipts = world.received.filter(
    (one) => one.kind === "message" && one.conversation === String(chat) && one.id === String(id),
  );
  const refused = receipts.map(({ receipt }) => receipt).find(({ state }) => state === "refused");
  if (refused?.state !== "refused") return "it is not stored";
  if (refused.quiet === true) return `it was refused without a word: ${refused.reason}`;
  return wasSaid(world, { chat, words: refused.reason }) ? undefined : `nobody was told: ${refused.reason}`;
}

function whyWrong(world: World, { row, one }: { row: InputRow; one: Sent }): string | undefined {
  const { id, state, turn, held } = row;
  if (state === "removed")
    return wasStopped(world, turn) || wasRemoved(world, one) ? undefined : "it was removed, and nobody was told";
  if (state === "held") return held === null ? "it is held for nothing" : undefined;
  if (state === "context") return "it is kept as context only";
  if (state === "waiting") return undefined;
  if (turn === null) return "it is done without a turn";
  const count = takenBy(world, id).length;
  const [found] = world.engine.rows<{ state: string; code: string | null }>(
    "SELECT state, error ->> '$.code' AS code FROM turns WHERE id = ?",
    turn,
  );
  // A turn that was given up takes what started it along, and says so.
  if (count === 0 && found?.code === "turn.interrupted") return undefined;
  if (count === 0) return `turn ${turn} never took it`;
  return state === "taken" && found?.state !== "waiting" ? `it is taken by a turn that is ${found?.state}` : undefined;
}

function takenBy({ engine }: World, input: number): number[] {
  return engine
    .rows<{ turn: number }>(
      "SELECT turn FROM events WHERE type = 'taken' AND EXISTS (SELECT 1 FROM json_each(body, '$.inputs') WHERE value = ?)",
      input,
    )
    .map(({ turn }) => turn);
}

/** True when the words stand in the chat, or something for the chat could not be delivered and is listed. */
function wasSaid(world: World, { chat, words }: { chat: number; words: string }): boolean {
  const places = world.chats().filter(({ id }) => id === chat || id === world.now(chat));
  const isSaid = (place: Chat) =>
    botMessages(world, place).some(({ forms }) => forms.some(({ text }) => text.includes(words)));
  return places.some(isSaid) || undelivered(world, chat);
}

function undelivered({ engine, now }: World, chat: number): boolean {
  const sql =
    "SELECT 1 FROM deliveries WHERE conversation IN (?, ?) AND fate IN ('failed', 'unknown', 'dropped') LIMIT 1";
  return engine.rows(sql, String(chat), String(now(chat))).length > 0;
}

/** It was a part of a turn that says itself that it was stopped. */
function wasStopped({ engine }: World, turn: number | null): boolean {
  return engine.rows("SELECT 1 FROM turns WHERE id = ? AND state IN ('stopped', 'failed')", turn ?? 0).length > 0;
}

/**
 * Somebody removed something there, or deleted it, and the program said so. A stop that a kill came into says "Stopped."
 * or "Nothing is running." when it is made again, and no longer how many waited.
 */
function wasRemoved(world: World, { chat, id }: Sent): boolean {
  const place = world.chats().find((found) => found.id === chat);
  if (place === undefined) return false;
  if (place.messages.get(id)?.deleted === true || undelivered(world, chat)) return true;
  return world
    .chats()
    .some((found) =>
      botMessages(world, found).some(({ forms }) =>
        forms.some(({ text }) => /removed|dropped|stopped|nothing is running/i.test(text)),
      ),
    );
}

function botMessages({ bot }: World, chat: Chat): Message[] {
  return [...chat.messages.values()].filter(({ from, service }) => from === bot.id && service === undefined);
}

/** No input is taken by two turns, and no message comes in as two inputs. */
function checkTaken(world: World): void {
  const turns = new Map<number, Set<number>>();
  const events = world.engine.rows<{ turn: number; inputs: string; text: string }>(
    "SELECT turn, body ->> '$.inputs' AS inputs, body ->> '$.text' AS text FROM events WHERE type = 'taken'",
  );
  const owners = new Map<number, number>();
  for (const { turn, inputs, text } of events) {
    for (const input of JSON.parse(inputs) as number[]) {
      if (owners.has(input)) world.violate("no input in two turns", `input ${input}: ${owners.get(input)} and ${turn}`);
      owners.set(input, turn);
    }
    const number = Number(/#(\d+)/.exec(text)?.[1] ?? 0);
    turns.set(number, (turns.get(number) ?? new Set()).add(turn));
  }
  for (const [number, found] of turns) {
    const sent = world.sent.filter((one) => one.number === number).length;
    if (sent === 1 && !world.edited.has(number) && found.size > 1)
      world.violate("no input in two turns", `#${number} in turns ${[...found].join(", ")}`);
  }
}

interface TurnRow {
  id: number;
  state: string;
  chat: string;
}

interface Part {
  id: number;
  fate: string;
  form: string;
  ref: string | null;
}

/** Every turn that ended has its answer where it belongs, once; or it is listed as undelivered. */
function checkTurns(world: World): void {
  const { engine } = world;
  const ended = engine.rows<TurnRow>(
    `SELECT id, state, reply_to ->> '$.conversation.id' AS chat FROM turns WHERE state IN ('done', 'stopped', 'failed')`,
  );
  world.counts.turns += ended.length;
  for (const turn of ended) {
    const chat = world.chats().find(({ id }) => String(id) === turn.chat);
    if (chat === undefined) continue;
    const parts = engine.rows<Part>(
      "SELECT id, fate, form, ref FROM deliveries WHERE turn = ? AND kind = 'answer' ORDER BY id",
      turn.id,
    );
    checkAnswer(world, { turn, chat, parts });
  }
}

function checkAnswer(world: World, { turn, chat, parts }: { turn: TurnRow; chat: Chat; parts: readonly Part[] }): void {
  const mark = answerMark(turn.id);
  // It may stand where the chat was before it got another id; there nobody can look or change it any more.
  const here = world.chats().filter(({ id }) => world.now(id) === chat.id);
  const marked = here.flatMap((one) => botMessages(world, one).filter(({ text }) => text.includes(mark)));
  const seen = marked.filter((one) => !one.deleted && one.chat === chat);
  if (seen.length > 1)
    world.violate("no final text twice", `turn ${turn.id} in ${seen.map(({ id }) => `${chat.id}/${id}`).join(", ")}`);
  if (parts.some(({ fate }) => fate === "failed" || fate === "unknown" || fate === "dropped")) return;
  const [said] = world.engine.rows<{ text: string | null }>(
    "SELECT group_concat(body ->> '$.text') AS text FROM events WHERE turn = ? AND type = 'message'",
    turn.id,
  );
  const text = said?.text ?? "";
  if (turn.state === "done" && text.trim() === "") return;
  if (parts.length === 0) {
    world.violate("every answer is seen", `turn ${turn.id} (${turn.state}) has no answer`);
    return;
  }
  if (text.includes(mark) && marked.length === 0)
    world.violate("every answer is seen", `the text of turn ${turn.id} is not in ${chat.id}`);
  for (const { id: delivery, ref } of parts) {
    // Its last change was under way when the chat got another id: it stands where that was.
    if (ref === null && here.length > 1 && marked.length > 0) continue;
    const [, before, id = ref] = /^moved:(-?\d+):(\d+)$/.exec(ref ?? "") ?? [];
    const message = here.find((one) => one.id === Number(before ?? chat.id))?.messages.get(Number(id));
    if (message === undefined || (message.text === "…" && !message.deleted))
      world.violate("every answer is seen", `delivery ${delivery} of turn ${turn.id} is sent and not there`);
  }
}

/** Whatever names a turn or a message stands in the conversation, and the topic, of that. */
function checkPlaces(world: World): void {
  const places = new Map(
    world.engine
      .rows<{ id: number; chat: string; thread: string | null }>(
        "SELECT id, reply_to ->> '$.conversation.id' AS chat, reply_to ->> '$.thread' AS thread FROM turns",
      )
      .map((row) => [row.id, row]),
  );
  for (const chat of world.chats())
    for (const { id, text, thread, isTopic } of botMessages(world, chat)) {
      for (const [, turn] of text.matchAll(/(?:ans|beg)(\d+)x/g)) {
        const place = places.get(Number(turn));
        const right = place?.chat === String(world.now(chat.id)) && (!isTopic || place.thread === String(thread));
        if (!right) world.violate("no reply in a foreign conversation", `turn ${turn} in ${chat.id}/${id}`);
      }
      for (const [, number] of text.matchAll(/\bno([1-9]\d*)\b/g))
        if (!world.sent.some((one) => one.number === Number(number) && world.now(one.chat) === world.now(chat.id)))
          world.violate("no reply in a foreign conversation", `#${number} in ${chat.id}/${id}`);
    }
}

/** A file arrives once, unless a person had it sent again. */
function checkFiles(world: World): void {
  const again = world.engine.rows(
    "SELECT 1 FROM inputs WHERE kind = 'command' AND body ->> '$.name' = 'resend' LIMIT 1",
  );
  if (again.length > 0) return;
  for (const chat of world.chats()) {
    const names = botMessages(world, chat).flatMap(({ media }) => media?.name ?? []);
    for (const name of new Set(names))
      if (names.filter((other) => other === name).length > 1)
        world.violate("no final text twice", `the file ${name} in ${chat.id}`);
  }
}

/** A stranger reaches nothing, and is told so at most once an hour. */
function checkStrangers(world: World): void {
  const { engine, traits } = world;
  if (traits.unknownSender === "public") return;
  for (const { id } of world.strangers) {
    const user = String(id);
    const let_in = engine.rows("SELECT 1 FROM roles WHERE adapter = ? AND user = ?", adapterName, user);
    if (let_in.length > 0) continue;
    const reached = engine.rows<{ id: number }>(
      "SELECT id FROM inputs WHERE body ->> '$.sender.id' = ? AND (session IS NOT NULL OR turn IS NOT NULL)",
      user,
    );
    for (const input of reached) world.violate("strangers reach no session", `input ${input.id} of ${user}`);
    if (world.taken.some(({ sender }) => sender === user))
      world.violate("strangers reach no session", `a turn was given words of ${user}`);
    const told = engine.rows<{ at: number }>(
      "SELECT created_at AS at FROM deliveries WHERE conversation = ? AND kind = 'reply' ORDER BY created_at",
      user,
    );
    for (const [n, { at }] of told.entries())
      if (n > 0 && at - (told[n - 1]?.at ?? 0) < strangerTellMs)
        world.violate("strangers are told once an hour", `${user} at ${at}`);
    const chat = world.chats().find((one) => one.id === id);
    const seen = chat === undefined ? [] : botMessages(world, chat).filter(({ text }) => /not known here/.test(text));
    if (seen.length > told.length)
      world.violate("strangers are told once an hour", `${user} sees ${seen.length} of ${told.length}`);
  }
}
