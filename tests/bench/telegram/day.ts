// The events of a day in some minutes, and whether memory or open files grow with them: remoteagent alone.
import { readdirSync } from "node:fs";
import { residentMegabytes } from "../life.ts";
import { plainText } from "../model.ts";
import { timely } from "../programs.ts";
import { type Found, type Note, row } from "../row.ts";
import type { Setup } from "../setup.ts";
import { slopeOf, summarise } from "../statistics.ts";
import { type BotProgram, people, seededBots, startBot } from "./programs.ts";
import { type Break, openBotApi } from "./server.ts";
import { createUpdates, type Updates } from "./updates.ts";

/** What happens in each hour. Long polls that end without anything have 50 s: with the other events there are more. */
const hourly = { messages: 60, calls: 12, edits: 10, reactions: 10, buttons: 3, strangers: 20, breaks: 2, expiries: 2 };
const hours = { full: 24, quick: 4 };
/** Before the day that counts: code gets warm, caches fill, and the heap finds its size. */
const warmHours = { full: 12, quick: 1 };
const chats = 20;
const strangersFrom = 10_000;
const strangers = 100;
const pauseMs = { betweenMessages: 10, settled: 500 };
const breaks: readonly Break[] = ["reset", "bad gateway", "half", "too many"];

const isFinal = (text: string): boolean => text.trimEnd().endsWith(plainText.trimEnd());

/** What was measured at the end of an hour. */
interface Hour {
  /** The least that was resident within the hour: what garbage there was at other times does not count. */
  megabytes: number;
  files: number;
}

/** Sends the events of a day as fast as they are answered, and measures hour by hour. */
export async function measureBotDay(setup: Setup): Promise<Found> {
  const { model } = setup;
  const api = openBotApi();
  const count = setup.quick ? hours.quick : hours.full;
  const found: Hour[] = [];
  model.answerTo = (request) => (callsFor(request) ? { command: "true" } : undefined);
  try {
    const folder = await seededBots(setup, { api });
    const bot = api.bot(1_002);
    const program = await startBot(setup, { name: "remoteagent", folder, bot, api });
    const updates = createUpdates();
    const warm = setup.quick ? warmHours.quick : warmHours.full;
    for (let hour = 0; hour < warm; hour++) await liveThrough({ program, updates, hour });
    setup.progress(`${warm} hours before the day`);
    const before = { ...bot.counts };
    for (let hour = warm; hour < warm + count; hour++) {
      found.push(await liveThrough({ program, updates, hour }));
      if (found.length % 6 === 0) setup.progress(`hour ${found.length}`);
    }
    const { polls, calls, confirmed } = bot.counts;
    await program.stop();
    return report(found, [
      { name: "updates of the day", value: confirmed - before.confirmed, unit: "events" },
      { name: "polls of the day", value: polls - before.polls, unit: "events" },
      { name: "other calls of the day", value: calls - before.calls, unit: "events" },
    ]);
  } finally {
    model.answerTo = undefined;
    await api.close();
  }
}

/** The model calls a command when the newest message asks for it. */
function callsFor(request: string): boolean {
  const { messages } = JSON.parse(request) as { messages: { content: unknown }[] };
  const last = JSON.stringify(messages.at(-1)?.content ?? "");
  return last.includes("Run the check") && !last.includes("tool_result");
}

interface Life {
  program: BotProgram;
  updates: Updates;
  hour: number;
}

async function liveThrough(life: Life): Promise<Hour> {
  const { program, hour } = life;
  const { bot, pid } = program;
  await beginAnew(life);
  let megabytes = Number.POSITIVE_INFINITY;
  for (let index = 0; index < hourly.messages; index++) {
    const user = people[(hour * hourly.messages + index) % chats] ?? 1;
    await writeAndWait(life, { user, text: index < hourly.calls ? "Run the check." : `Question ${index}: how is it?` });
    for (const update of besides(life, index)) {
      await bot.polled();
      await bot.push(update);
    }
    if (index < hourly.breaks) await bot.break(breaks[(hour * hourly.breaks + index) % breaks.length] ?? "reset");
    else if (index < hourly.breaks + hourly.expiries) bot.expire();
    megabytes = Math.min(megabytes, residentMegabytes(pid));
    await Bun.sleep(pauseMs.betweenMessages);
  }
  await Bun.sleep(pauseMs.settled);
  await timely(bot.polled(), "The bot does not poll");
  return { megabytes: Math.min(megabytes, residentMegabytes(pid)), files: readdirSync(`/proc/${pid}/fd`).length };
}

/** Long conversations take memory by right: here each lasts an hour. */
async function beginAnew({ program: { bot }, updates }: Life): Promise<void> {
  for (const user of people.slice(0, chats)) {
    const answered = bot.shown(user, (text) => text !== "…");
    await timely(bot.polled(), "The bot does not poll");
    void bot.push(updates.message({ user }, "/new").update);
    await timely(answered, "The command was not answered");
  }
}

async function writeAndWait({ program: { bot }, updates }: Life, { user, text }: { user: number; text: string }) {
  const shown = bot.shown(user, isFinal);
  await timely(bot.polled(), "The bot does not poll");
  void bot.push(updates.message({ user }, text).update);
  await timely(shown, "The final text was not shown");
}

/** What else happens around a message: so much of each kind as the hour has. */
function besides({ updates, hour }: Life, index: number): object[] {
  const user = people[index % chats] ?? 1;
  const stranger = { user: strangersFrom + ((hour * hourly.strangers + index) % strangers) };
  return [
    ...(index < hourly.edits ? [updates.edit({ user }, { id: index + 1, text: `Changed in hour ${hour}` })] : []),
    ...(index < hourly.reactions ? [updates.reaction({ user }, { id: index + 1, emoji: "👍" })] : []),
    ...(index < hourly.buttons ? [updates.button({ user }, { id: index + 1, data: `${hour * 100 + 1}:0` })] : []),
    ...(index < hourly.strangers ? [updates.message(stranger, "Hello, who are you?").update] : []),
  ];
}

function report(found: readonly Hour[], notes: readonly Note[]): Found {
  const half = Math.floor(found.length / 2);
  const line = (name: string, { unit, of }: { unit: "MB" | "files"; of: keyof Hour }) => {
    const base = summarise(found.slice(0, half).map((hour) => hour[of]));
    const ours = summarise(found.slice(-half).map((hour) => hour[of]));
    return row({ name, unit, against: "itself", base, ours, target: { ratio: 1.1, of: "median" } });
  };
  const slopes = (["megabytes", "files"] as const).flatMap((of): Note[] => {
    const { slope, error } = slopeOf(found.map((hour) => hour[of]));
    const unit = of === "megabytes" ? "MB a day" : "files a day";
    const name = of === "megabytes" ? "memory" : "open files";
    return [
      { name: `slope of ${name} over a day's events`, value: slope * hours.full, unit },
      { name: "twice its standard error", value: 2 * error * hours.full, unit },
    ];
  });
  return {
    rows: [
      line("resident memory, later half of a day beside the earlier", { unit: "MB", of: "megabytes" }),
      line("open files, later half of a day beside the earlier", { unit: "files", of: "files" }),
    ],
    notes: [...notes, ...slopes],
  };
}
