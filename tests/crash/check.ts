// What must hold in the store after any number of crashes: the rules of "once", read from the tables themselves.
import { readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { openDatabase } from "#sqlite";
import type { TurnEvent } from "../../src/core/event.ts";
import { limits } from "../../src/core/limits.ts";
import type { Input, TurnRow } from "../../src/core/session.ts";
import type { Entry } from "../../src/core/transcript.ts";
import { createStore, type Store } from "../../src/store/store.ts";
import type { Database } from "../../src/sys/sqlite.ts";
import { answered, taskText } from "./model.ts";
import type { Said, World } from "./world.ts";

/** Reads the store of a world whose program has ended, and says what does not hold. */
export function checkStore(world: World): { wrong: string[]; turns: number } {
  const db = openDatabase(join(world.stateDir, "remoteagent.db"));
  try {
    const store = createStore(db);
    const turns = store.turns.list({ limit: 1_000 });
    const calls = world.calls();
    const wrong = [
      ...checkFile(db),
      ...world.said.flatMap((said) => checkSaid(said, { db, store })),
      ...turns.flatMap((turn) => checkTurn(turn, { store, stops: world.stops })),
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

/** The file itself is whole. */
export function checkFile(db: Database): string[] {
  const rows = db.prepare("PRAGMA integrity_check").all<{ integrity_check: string }>();
  const broken = rows.map((row) => row.integrity_check).filter((line) => line !== "ok");
  const dangling = db.prepare("PRAGMA foreign_key_check").all<{ table: string }>();
  return [...broken, ...dangling.map((row) => `a row of ${row.table} refers to nothing`)];
}

/** What was said is there once, acknowledged or not; what was acknowledged was answered, or its turn says why not. */
function checkSaid({ task, input }: Said, { db, store }: { db: Database; store: Store }): string[] {
  const text = taskText(task);
  const rows = db
    .prepare("SELECT id, turn, state FROM inputs WHERE body ->> '$.text' = ?")
    .all<Pick<Input, "id" | "turn" | "state">>(text);
  const kept = db.prepare("SELECT id FROM messages WHERE direction = 'in' AND text = ?").all(text).length;
  const [row] = rows;
  if (rows.length > 1 || kept > 1) return [`${task.name} is stored ${rows.length} times, for search ${kept} times`];
  if (input === null) return row === undefined ? [] : [`${task.name} was refused and is stored`];
  if (row === undefined || row.id !== input || kept !== 1) return [`${task.name} was acknowledged and is lost`];
  if (row.state !== "done" || row.turn === null) return [`${task.name} is ${row.state} at rest, turn ${row.turn}`];
  const turn = store.turns.get(row.turn);
  const events = store.turns.events(row.turn).map(({ event }) => event);
  const takes = events.filter((event) => event.type === "taken" && event.inputs.includes(row.id)).length;
  if (takes > 1) return [`${task.name} was taken ${takes} times`];
  if (turn?.state === "failed") return [];
  const said = events.some((event) => event.type === "message" && event.text.includes(answered(task.name)));
  return turn?.state === "done" && takes === 1 && said ? [] : [`${task.name} has no answer: turn ${turn?.state}`];
}

/** A turn has ended, once; it was told of each interruption, and went on by itself at most twice. */
function checkTurn(turn: TurnRow, { store, stops }: { store: Store; stops: number }): string[] {
  const events = store.turns.events(turn.id).map(({ event }) => event);
  const wrong: string[] = [];
  const name = `turn ${turn.id}`;
  if (turn.state !== "done" && turn.state !== "failed") wrong.push(`${name} is ${turn.state} at rest`);
  const ends = events.filter((event) => event.type === "ended").length;
  if (ends !== 1 || events.at(-1)?.type !== "ended") wrong.push(`${name} has ${ends} ends`);
  if (turn.attempts > limits.resumesMax + 1) wrong.push(`${name} was started ${turn.attempts} times`);
  const told = events.filter((event) => event.type === "notice" && event.text.includes("interrupted")).length;
  // A stop of the program is told, and is no attempt that failed.
  if (told < turn.attempts - 1 || told > turn.attempts - 1 + stops)
    wrong.push(`${name} was interrupted ${turn.attempts - 1} times and told ${told} times`);
  if (turn.state === "failed") wrong.push(...checkOffer(turn, events));
  return wrong;
}

function checkOffer(turn: TurnRow, events: TurnEvent[]): string[] {
  const [last] = events.slice(-1);
  const error = last?.type === "ended" ? last.error : undefined;
  const offered = error?.code === "turn.interrupted" && error.hint?.includes("go on") === true;
  if (!offered) return [`turn ${turn.id} failed with ${JSON.stringify(error)}`];
  return turn.attempts === limits.resumesMax + 1 ? [] : [`turn ${turn.id} was given up after ${turn.attempts} starts`];
}

/** No call was started twice: each writes under an id of its own. */
export function checkCalls(lines: string[]): string[] {
  const begun = lines.filter((line) => line.startsWith("begun "));
  return begun
    .filter((line, index) => begun.indexOf(line) !== index)
    .map((line) => `a call was started twice: ${line}`);
}

/** What the sessions hold, each from its head to its root. */
export function checkSessions(store: Store, lines: string[]): string[] {
  return store.sessions
    .list()
    .flatMap(({ head }) => checkBranch(store.entries.branch(head, { whole: true }), { lines, store }));
}

/** Each call of the branch has exactly one result, right behind its message, which says what really happened. */
function checkBranch(entries: Entry[], { lines, store }: { lines: string[]; store: Store }): string[] {
  const wrong: string[] = [];
  const open = new Set<string>();
  for (const [index, { parent, id, body }] of entries.entries()) {
    if (parent !== (entries[index - 1]?.id ?? null)) wrong.push(`entry ${id} does not follow the one before`);
    if (body.kind !== "message") continue;
    const { message } = body;
    if (message.role === "toolResult") {
      if (!open.delete(message.toolCallId)) wrong.push(`result of ${message.toolCallId} without an open call`);
      // Whether a file could be sent is seen where it arrives.
      if (message.toolCallId.endsWith("_file")) continue;
      const text = message.content.map((part) => (part.type === "text" ? part.text : "")).join("");
      wrong.push(...checkResult({ call: message.toolCallId, text }, lines));
      continue;
    }
    if (open.size > 0) wrong.push(`calls without a result: ${[...open].join(", ")}`);
    if (message.role === "assistant")
      for (const part of message.content) if (part.type === "toolCall") open.add(part.id);
  }
  // Of a turn that was given up or stopped the next turn tells what is known of its calls; here none came.
  if (open.size > 0 && !isCutOff(store, entries.at(-1)?.turn))
    wrong.push(`calls without a result at the end: ${[...open].join(", ")}`);
  return wrong;
}

function isCutOff(store: Store, turn: number | null | undefined): boolean {
  const state = store.turns.get(turn ?? 0)?.state;
  return state === "failed" || state === "stopped";
}

function checkResult({ call, text }: { call: string; text: string }, lines: string[]): string[] {
  const begun = lines.includes(`begun ${call}`);
  const ended = lines.includes(`ended ${call}`);
  if (text.startsWith("Not started") && begun) return [`${call} has begun and its result says: ${text}`];
  if (text.includes(`${call} is done`) && !ended) return [`${call} has not ended and its result says: ${text}`];
  const known = [
    `${call} is done`,
    "Not started",
    "Interrupted, outcome unknown",
    "Stopped before",
    "aborted",
    "killed",
  ];
  return known.some((words) => text.includes(words)) ? [] : [`${call} has a result that says something else: ${text}`];
}

/** Nothing that a call started lives on: no process has its folder in there. */
export function processesLeft(home: string): string[] {
  return readdirSync("/proc")
    .filter((pid) => /^\d+$/.test(pid))
    .filter((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/cwd`).startsWith(home);
      } catch {
        // It has ended meanwhile, or is the kernel's.
        return false;
      }
    })
    .map((pid) => `process ${pid} lives on in the world's folder`);
}
