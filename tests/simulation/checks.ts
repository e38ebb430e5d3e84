// What must be true when a run has come to rest, whatever happened in it.

import { movedId } from "../../src/core/moved.ts";
import { answerMark } from "./script.ts";
import { adapterName, type Place, type Sent, type World } from "./world.ts";

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
  "what is private is read by one",
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
  const places = world.side.places();
  checkTurns(world, places);
  checkPlaces(world, places);
  checkPrivate(world, places);
  checkFiles(world, places);
  checkStrangers(world, places);
}

/** What is still under way; nothing when all has come to rest. */
export function unsettled({ engine, side, processes, halting }: World): string[] {
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
  found.push(...side.unheard());
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

/** Each message of a known person that the platform was told to forget has a place in the store, and a true one. */
function checkInputs(world: World): void {
  for (const one of world.sent) {
    const { sender, addressed, command } = one;
    if (!world.side.known.includes(sender) || !addressed || command || !world.side.owes(one)) continue;
    const [row] = world.engine.rows<InputRow>(
      `SELECT id, state, turn, body ->> '$.held' AS held FROM inputs
         WHERE adapter = ? AND kind = 'message' AND (conversation, external) IN (VALUES (?, ?), (?, ?))`,
      adapterName,
      one.chat,
      one.id,
      world.side.now(one.chat),
      movedId(one.chat, one.id),
    );
    const wrong = row === undefined ? whyAbsent(world, one) : whyWrong(world, { row, one });
    if (wrong !== undefined) world.violate("no input is lost", `${one.chat}/${one.id} #${one.number}: ${wrong}`);
  }
}

/** What was refused was told: there, or as something that could not be delivered. */
function whyAbsent(world: World, { chat, id }: Sent): string | undefined {
  const receipts = world.received.filter((one) => one.kind === "message" && one.conversation === chat && one.id === id);
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
function wasSaid(world: World, { chat, words }: { chat: string; words: string }): boolean {
  const places = world.side.places().filter(({ id }) => id === chat || id === world.side.now(chat));
  return (
    places.some(({ said }) => said.some(({ forms }) => forms.some((text) => text.includes(words)))) ||
    undelivered(world, chat)
  );
}

function undelivered({ engine, side }: World, chat: string): boolean {
  const sql =
    "SELECT 1 FROM deliveries WHERE conversation IN (?, ?) AND fate IN ('failed', 'unknown', 'dropped') LIMIT 1";
  return engine.rows(sql, chat, side.now(chat)).length > 0;
}

/** It was a part of a turn that says itself that it was stopped. */
function wasStopped({ engine }: World, turn: number | null): boolean {
  return engine.rows("SELECT 1 FROM turns WHERE id = ? AND state IN ('stopped', 'failed')", turn ?? 0).length > 0;
}

/**
 * Somebody removed something there, or deleted it, and the program said so. A stop that a kill came into says "Stopped."
 * or "Nothing is running." when it is made again, and no longer how many waited.
 */
function wasRemoved(world: World, one: Sent): boolean {
  if (world.side.isDeleted(one) || undelivered(world, one.chat)) return true;
  return world.side
    .places()
    .some(({ said }) =>
      said.some(({ forms }) => forms.some((text) => /removed|dropped|stopped|nothing is running/i.test(text))),
    );
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
function checkTurns(world: World, places: readonly Place[]): void {
  const { engine } = world;
  const ended = engine.rows<TurnRow>(
    `SELECT id, state, reply_to ->> '$.conversation.id' AS chat FROM turns WHERE state IN ('done', 'stopped', 'failed')`,
  );
  world.counts.turns += ended.length;
  for (const turn of ended) {
    if (!places.some(({ id }) => id === turn.chat)) continue;
    const parts = engine.rows<Part>(
      "SELECT id, fate, form, ref FROM deliveries WHERE turn = ? AND kind = 'answer' ORDER BY id",
      turn.id,
    );
    checkAnswer(world, { turn, parts, here: places.filter(({ id }) => world.side.now(id) === turn.chat) });
  }
}

/** `here`: its conversation, also under ids that this had before; there nobody can look or change anything any more. */
function checkAnswer(
  world: World,
  { turn, here, parts }: { turn: TurnRow; here: readonly Place[]; parts: readonly Part[] },
): void {
  const mark = answerMark(turn.id);
  const marked = here.flatMap(({ id: place, said }) =>
    said.filter(({ text }) => text.includes(mark)).map((one) => ({ ...one, place })),
  );
  const seen = marked.filter((one) => !one.deleted && one.place === turn.chat);
  if (seen.length > 1)
    world.violate("no final text twice", `turn ${turn.id} in ${seen.map(({ id }) => `${turn.chat}/${id}`).join(", ")}`);
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
    world.violate("every answer is seen", `the text of turn ${turn.id} is not in ${turn.chat}`);
  for (const { id: delivery, ref } of parts) {
    // Its last change was under way when the chat got another id: it stands where that was.
    if (ref === null && here.length > 1 && marked.length > 0) continue;
    const [, before, id = ref] = /^moved:(-?\d+):(\d+)$/.exec(ref ?? "") ?? [];
    const standing = (place: string) => here.find((one) => one.id === place)?.said.find((one) => one.id === id);
    // Its send was answered after the chat got another id: people saw it where it was said.
    const message = standing(before ?? turn.chat) ?? marked.find((one) => before === undefined && one.id === ref);
    if (message === undefined || (message.text === "…" && !message.deleted))
      world.violate("every answer is seen", `delivery ${delivery} of turn ${turn.id} is sent and not there`);
  }
}

/** Whatever names a turn or a message stands in the conversation, and the thread, of that. */
function checkPlaces(world: World, places: readonly Place[]): void {
  const { side } = world;
  const rule = "no reply in a foreign conversation";
  const targets = new Map(
    world.engine
      .rows<{ id: number; chat: string; thread: string | null }>(
        "SELECT id, reply_to ->> '$.conversation.id' AS chat, reply_to ->> '$.thread' AS thread FROM turns",
      )
      .map((row) => [row.id, row]),
  );
  for (const { id: chat, said } of places)
    for (const { id, text, thread } of said) {
      for (const [, turn] of text.matchAll(/(?:ans|beg)(\d+)x/g)) {
        const target = targets.get(Number(turn));
        if (target?.chat !== side.now(chat) || (target.thread ?? undefined) !== thread)
          world.violate(rule, `turn ${turn} in ${chat}/${thread ?? ""}/${id}`);
      }
      for (const [, number] of text.matchAll(/\bno([1-9]\d*)\b/g))
        if (!world.sent.some((one) => one.number === Number(number) && side.now(one.chat) === side.now(chat)))
          world.violate(rule, `#${number} in ${chat}/${id}`);
    }
}

/** What was to be read by one person is read by nobody else: not in the open, and not by another one. */
function checkPrivate(world: World, places: readonly Place[]): void {
  const rows = world.engine.rows<{ id: number; nonce: string; ref: string | null; user: string; chat: string }>(
    `SELECT id, nonce, ref, conversation AS chat, target ->> '$.onlyFor.user' AS user FROM deliveries
       WHERE target ->> '$.onlyFor.user' IS NOT NULL`,
  );
  for (const { id, nonce, ref, user, chat } of rows)
    for (const one of places.find((place) => place.id === chat && chat !== world.side.directOf(user))?.said ?? [])
      if (one.onlyFor !== user && (one.nonce === nonce || one.id === ref))
        world.violate("what is private is read by one", `delivery ${id} for ${user} in ${chat}/${one.id}`);
}

/** A file arrives once, unless a person had it sent again. */
function checkFiles(world: World, places: readonly Place[]): void {
  const again = world.engine.rows(
    "SELECT 1 FROM inputs WHERE kind = 'command' AND body ->> '$.name' = 'resend' LIMIT 1",
  );
  if (again.length > 0) return;
  for (const { id, said } of places) {
    const names = said.flatMap(({ files }) => files);
    for (const name of new Set(names))
      if (names.filter((other) => other === name).length > 1)
        world.violate("no final text twice", `the file ${name} in ${id}`);
  }
}

/** A stranger reaches nothing, and is told so at most once an hour. */
function checkStrangers(world: World, places: readonly Place[]): void {
  const { engine, traits, side } = world;
  if (traits.unknownSender === "public") return;
  for (const user of side.strangers) {
    const direct = side.directOf(user);
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
      direct,
    );
    for (const [n, { at }] of told.entries())
      if (n > 0 && at - (told[n - 1]?.at ?? 0) < strangerTellMs)
        world.violate("strangers are told once an hour", `${user} at ${at}`);
    const said = places.find(({ id }) => id === direct)?.said ?? [];
    const seen = said.filter(({ text }) => /not known here/.test(text));
    if (seen.length > told.length)
      world.violate("strangers are told once an hour", `${user} sees ${seen.length} of ${told.length}`);
  }
}
