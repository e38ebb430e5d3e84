// The events of a day on Slack or Discord in some minutes, and whether memory or open files grow with them.
import { readdirSync } from "node:fs";
import { residentMegabytes } from "../life.ts";
import { plainText } from "../model.ts";
import { type Program, timely } from "../programs.ts";
import { type Found, type Row, row } from "../row.ts";
import type { Setup } from "../setup.ts";
import { slopeOf, summarise } from "../statistics.ts";
import { openDiscord } from "./discord.ts";
import { startConnected } from "./programs.ts";
import { openSlack } from "./slack.ts";
import { type Counts, type LiveStage, peopleCount } from "./stage.ts";
import { buildHasty } from "./variants.ts";

/** What happens in each hour. A reconnect is every five minutes, a beat every 41 s. */
const hourly = {
  messages: 60,
  calls: 12,
  edits: 10,
  reactions: 10,
  strangers: 20,
  chatter: 120,
  beats: 88,
  reconnects: 12,
};
const hours = { full: 24, quick: 4 };
/** Before the day that counts: code gets warm, and the heap finds its size. */
const warmHours = { full: 12, quick: 1 };
/** Before that, what adapters remember of the last thousand messages and ten thousand others fills up. */
const fill = { full: 1_000, quick: 20 };
const chatterPerFill = 10;
const strangers = 100;
const settledMs = 400;

const isFinal = (text: string): boolean => text.trimEnd().endsWith(plainText.trimEnd());

/** What was measured in an hour. */
interface Hour {
  /** The least that was resident within the hour: what garbage there was at other times does not count. */
  megabytes: number;
  /** What is left of the heap after a collection that was asked for when the hour was over. */
  heapMegabytes: number;
  thousandObjects: number;
  files: number;
}

export const measureSlackDay = (setup: Setup): Promise<Found> => measureDay(setup, openSlack);
export const measureDiscordDay = (setup: Setup): Promise<Found> => measureDay(setup, openDiscord);

async function measureDay(setup: Setup, open: () => Promise<LiveStage>): Promise<Found> {
  const { model, quick } = setup;
  const stage = await open();
  model.answerTo = (request) => (callsFor(request) ? { command: "true" } : undefined);
  try {
    const life = await startLife(setup, stage);
    const [warm, count] = quick ? [warmHours.quick, hours.quick] : [warmHours.full, hours.full];
    await fillUp(setup, life);
    setup.progress(`${stage.name}: what it remembers is full`);
    for (let hour = 0; hour < warm; hour++) await liveThrough(life, hour);
    setup.progress(`${stage.name}: ${warm} hours before the day`);
    const before = stage.counts();
    const startedAt = performance.now();
    const found: Hour[] = [];
    for (let hour = warm; hour < warm + count; hour++) {
      const now = await liveThrough(life, hour);
      found.push(now);
      if (found.length % 6 === 0) {
        const words = [now.megabytes, now.heapMegabytes, now.thousandObjects].map((value) => value.toFixed(1));
        setup.progress(`${stage.name}: hour ${found.length}: ${words.join(" MB, ")} thousand objects`);
      }
    }
    const minutes = (performance.now() - startedAt) / 60_000;
    const counts = stage.counts();
    await life.program.stop();
    return report(stage.name, { found, minutes, before, counts });
  } finally {
    model.answerTo = undefined;
    await stage.close();
  }
}

interface Life {
  program: Program;
  stage: LiveStage;
  /** Asks the program to collect its garbage. @returns what is left. */
  heap(): Promise<Heap>;
}

interface Heap {
  heapSize: number;
  objectCount: number;
}

async function startLife(setup: Setup, stage: LiveStage): Promise<Life> {
  let told: ((heap: Heap) => void) | undefined;
  const program = await startConnected(setup, {
    stages: [stage],
    program: buildHasty(setup),
    onLine(line) {
      if (line.startsWith('{"heapSize"')) told?.(JSON.parse(line) as Heap);
    },
  });
  return {
    program,
    stage,
    heap() {
      const { promise, resolve } = Promise.withResolvers<Heap>();
      told = resolve;
      process.kill(program.pid, "SIGUSR2");
      return timely(promise, "The program does not say what it holds");
    },
  };
}

/** Everybody writes, so that every place is known: one in which nothing was said is not looked into after a reconnect. */
async function fillUp({ model, quick }: Setup, { stage }: Life): Promise<void> {
  const { pauseMs } = model;
  model.pauseMs = 0;
  for (let round = 0; round < (quick ? fill.quick : fill.full); round++) {
    const person = round % peopleCount;
    await stage.renew(person);
    await writeAndWait(stage, { person, text: "Good morning." });
    for (let each = 0; each < chatterPerFill; each++) stage.chatter(`Line ${each} of round ${round}`);
  }
  model.pauseMs = pauseMs;
}

/** The model calls a command when the newest message asks for it. */
function callsFor(request: string): boolean {
  const { messages } = JSON.parse(request) as { messages: { content: unknown }[] };
  const last = JSON.stringify(messages.at(-1)?.content ?? "");
  return last.includes("Run the check") && !last.includes("tool_result");
}

async function liveThrough(life: Life, hour: number): Promise<Hour> {
  const { program, stage, heap } = life;
  // Long conversations take memory by right: here each lasts an hour.
  for (let person = 0; person < peopleCount; person++) await stage.renew(person);
  let megabytes = Number.POSITIVE_INFINITY;
  const measure = () => {
    megabytes = Math.min(megabytes, residentMegabytes(program.pid));
  };
  for (let index = 0; index < hourly.messages; index++) {
    const person = (hour * hourly.messages + index) % peopleCount;
    const back = falls(index, hourly.reconnects) ? breakLine(stage, { hour, index }) : undefined;
    // When the line was broken just now, this is found after the reconnect.
    const text = index < hourly.calls ? "Run the check." : `Question ${index}: how is it?`;
    await Promise.all([writeAndWait(stage, { person, text }), back?.()]);
    besides(stage, { hour, person, index });
    measure();
  }
  await Bun.sleep(settledMs);
  measure();
  const files = readdirSync(`/proc/${program.pid}/fd`).length;
  const { heapSize, objectCount } = await heap();
  return { megabytes, heapMegabytes: heapSize / 1e6, thousandObjects: objectCount / 1e3, files };
}

async function writeAndWait(stage: LiveStage, { person, text }: { person: number; text: string }): Promise<void> {
  const shown = stage.shown(person, isFinal);
  stage.write(person, text);
  await timely(shown, `${stage.name} did not show the final text of an answer`);
}

/** Ends the connection in the next of its ways. @returns what waits for the new one. */
function breakLine(stage: LiveStage, { hour, index }: { hour: number; index: number }): () => Promise<void> {
  const back = stage.reconnected();
  const turn = hour * hourly.reconnects + Math.floor((index * hourly.reconnects) / hourly.messages);
  stage.breaks[turn % stage.breaks.length]?.run();
  return back;
}

/** Whether one of `count` things, spread over the hour, comes with this message; some come more often than messages. */
function times(index: number, count: number): number {
  return Math.floor(((index + 1) * count) / hourly.messages) - Math.floor((index * count) / hourly.messages);
}
const falls = (index: number, count: number): boolean => times(index, count) > 0;

/** What else happens around a message: so much of each kind as the hour has. */
function besides(stage: LiveStage, { hour, person, index }: { hour: number; person: number; index: number }): void {
  if (falls(index, hourly.edits)) stage.edit(person, `Changed in hour ${hour}`);
  if (falls(index, hourly.reactions)) stage.react(person, hour);
  if (falls(index, hourly.strangers)) stage.stranger((hour * hourly.strangers + index) % strangers);
  for (let each = 0; each < times(index, hourly.chatter); each++) stage.chatter(`Line ${index} of hour ${hour}`);
  for (let each = 0; each < times(index, hourly.beats); each++) stage.beat();
}

function report(
  name: string,
  { found, minutes, before, counts }: { found: readonly Hour[]; minutes: number; before: Counts; counts: Counts },
): Found {
  const half = Math.floor(found.length / 2);
  const halves = (what: string, { unit, of }: { unit: Row["unit"]; of: keyof Hour }): Row => {
    const base = summarise(found.slice(0, half).map((hour) => hour[of]));
    const ours = summarise(found.slice(-half).map((hour) => hour[of]));
    const target = { ratio: 1.1, of: "median" } as const;
    return row({
      name: `${name}: ${what}, later half of a day beside the earlier`,
      unit,
      against: "itself",
      base,
      ours,
      target,
    });
  };
  const slope = (what: string, { unit, of }: { unit: Row["unit"]; of: keyof Hour }): Row => {
    const { slope: rise, error } = slopeOf(found.map((hour) => hour[of]));
    const [base, ours] = [summarise([2 * error * hours.full]), summarise([rise * hours.full])];
    const title = `${name}: slope of ${what} over a day's events`;
    return row({ name: title, unit, against: "its noise", base, ours, target: { more: 0 } });
  };
  const note = (what: string, of: keyof Counts) =>
    ({ name: `${name}: ${what}`, value: counts[of] - before[of], unit: "events" }) as const;
  return {
    rows: [
      halves("resident memory", { unit: "MB", of: "megabytes" }),
      slope("resident memory", { unit: "MB a day", of: "megabytes" }),
      halves("heap after a collection", { unit: "MB", of: "heapMegabytes" }),
      slope("the heap after a collection", { unit: "MB a day", of: "heapMegabytes" }),
      slope("objects after a collection", { unit: "thousand a day", of: "thousandObjects" }),
      halves("open files", { unit: "files", of: "files" }),
      slope("open files", { unit: "files a day", of: "files" }),
    ],
    notes: [
      note("events of the day", "events"),
      note("calls of the day", "calls"),
      note("reconnects of the day", "connections"),
      { name: `${name}: the day took`, value: minutes, unit: "minutes" },
    ],
  };
}
