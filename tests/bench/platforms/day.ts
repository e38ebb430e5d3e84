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
/** Before the day that counts: code gets warm, caches fill, and the heap finds its size. */
const warmHours = { full: 12, quick: 1 };
const strangers = 100;
const settledMs = 400;

const isFinal = (text: string): boolean => text.trimEnd().endsWith(plainText.trimEnd());

/** What was measured in an hour. */
interface Hour {
  /** The least that was resident within the hour: what garbage there was at other times does not count. */
  megabytes: number;
  files: number;
}

export const measureSlackDay = (setup: Setup): Promise<Found> => measureDay(setup, openSlack);
export const measureDiscordDay = (setup: Setup): Promise<Found> => measureDay(setup, openDiscord);

async function measureDay(setup: Setup, open: () => Promise<LiveStage>): Promise<Found> {
  const { model, quick } = setup;
  const stage = await open();
  model.answerTo = (request) => (callsFor(request) ? { command: "true" } : undefined);
  try {
    const program = await startConnected(setup, { stages: [stage], program: buildHasty(setup) });
    const [warm, count] = quick ? [warmHours.quick, hours.quick] : [warmHours.full, hours.full];
    // A place in which nothing was ever said is not looked into after a reconnect.
    for (let person = 0; person < peopleCount; person++) await writeAndWait(stage, { person, text: "Good morning." });
    for (let hour = 0; hour < warm; hour++) await liveThrough({ program, stage, hour });
    setup.progress(`${stage.name}: ${warm} hours before the day`);
    const before = stage.counts();
    const startedAt = performance.now();
    const found: Hour[] = [];
    for (let hour = warm; hour < warm + count; hour++) {
      found.push(await liveThrough({ program, stage, hour }));
      if (found.length % 6 === 0) setup.progress(`${stage.name}: hour ${found.length}, ${found.at(-1)?.megabytes} MB`);
    }
    const minutes = (performance.now() - startedAt) / 60_000;
    const counts = stage.counts();
    await program.stop();
    return report(stage.name, { found, minutes, before, counts });
  } finally {
    model.answerTo = undefined;
    await stage.close();
  }
}

/** The model calls a command when the newest message asks for it. */
function callsFor(request: string): boolean {
  const { messages } = JSON.parse(request) as { messages: { content: unknown }[] };
  const last = JSON.stringify(messages.at(-1)?.content ?? "");
  return last.includes("Run the check") && !last.includes("tool_result");
}

interface Life {
  program: Program;
  stage: LiveStage;
  hour: number;
}

async function liveThrough(life: Life): Promise<Hour> {
  const { program, stage, hour } = life;
  // Long conversations take memory by right: here each lasts an hour.
  for (let person = 0; person < peopleCount; person++) await stage.renew(person);
  let megabytes = Number.POSITIVE_INFINITY;
  const measure = () => {
    megabytes = Math.min(megabytes, residentMegabytes(program.pid));
  };
  for (let index = 0; index < hourly.messages; index++) {
    const person = (hour * hourly.messages + index) % peopleCount;
    const back = falls(index, hourly.reconnects) ? breakLine(life, index) : undefined;
    // When the line was broken just now, this is found after the reconnect.
    const answered = writeAndWait(stage, {
      person,
      text: index < hourly.calls ? "Run the check." : `Question ${index}: how is it?`,
    });
    await Promise.all([answered, back?.()]);
    besides(life, { person, index });
    measure();
  }
  await Bun.sleep(settledMs);
  measure();
  return { megabytes, files: readdirSync(`/proc/${program.pid}/fd`).length };
}

async function writeAndWait(stage: LiveStage, { person, text }: { person: number; text: string }): Promise<void> {
  const shown = stage.shown(person, isFinal);
  stage.write(person, text);
  await timely(shown, `${stage.name} did not show the final text of an answer`);
}

/** Ends the connection in the next of its ways. @returns what waits for the new one. */
function breakLine({ stage, hour }: Life, index: number): () => Promise<void> {
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
function besides({ stage, hour }: Life, { person, index }: { person: number; index: number }): void {
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
  const halves = (what: string, { unit, of }: { unit: "MB" | "files"; of: keyof Hour }): Row => {
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
  const slope = (what: string, { unit, of }: { unit: "MB a day" | "files a day"; of: keyof Hour }): Row => {
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
      slope("memory", { unit: "MB a day", of: "megabytes" }),
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
