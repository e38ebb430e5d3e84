// Many at once: 200 updates over 50 chats, until the last one is answered; and what memory is held before and after.
import { residentMegabytes } from "../life.ts";
import { type Found, row } from "../row.ts";
import { inTurn, names, type Pair, type Setup } from "../setup.ts";
import { summarise } from "../statistics.ts";
import { type BotPair, type BotProgram, seededBots, startBots, stopBots } from "./programs.ts";
import { openBotApi } from "./server.ts";
import { createUpdates, type Updates } from "./updates.ts";

const updatesAtOnce = 200;
const chats = 50;
const rounds = { full: 8, quick: 2 };
const idleMs = { full: 60_000, quick: 3_000 };
const afterMs = { full: 20_000, quick: 2_000 };
const waitMsMax = 60_000;
const lastWords = "That is all.";

/** Memory when nothing happens, 200 updates in one moment, and memory some seconds after them. */
export async function measureBotCrowd(setup: Setup): Promise<Found> {
  const { model } = setup;
  const api = openBotApi();
  const updates = createUpdates();
  const times: Record<keyof Pair, number[]> = { minimal: [], remoteagent: [] };
  const { pauseMs } = model;
  try {
    const pair = await startBots(setup, { folder: await seededBots(setup, { api }), api });
    await Bun.sleep(setup.quick ? idleMs.quick : idleMs.full);
    const idle = memoryOf(pair);
    model.pauseMs = 0;
    // The first round warms up.
    for (let round = 0; round <= (setup.quick ? rounds.quick : rounds.full); round++) {
      model.answerTo = (request) => ({ text: answerTo(request, round) });
      for (const name of inTurn(round)) {
        const ms = await askAll({ program: pair[name], updates, round });
        if (round > 0) times[name].push(ms);
        await Bun.sleep(setup.quick ? 100 : 500);
      }
    }
    await Bun.sleep(setup.quick ? afterMs.quick : afterMs.full);
    const after = memoryOf(pair);
    await stopBots(pair);
    const common = { unit: "MB", against: "minimal bot" } as const;
    const [base, ours] = [summarise(times.minimal), summarise(times.remoteagent)];
    return {
      rows: [
        row({
          name: `${updatesAtOnce} updates over ${chats} chats, all answered`,
          unit: "ms",
          against: "minimal bot",
          base,
          ours,
          target: { ratio: 4, of: "median" },
        }),
        row({ ...common, name: "resident memory, connected and idle", ...idle, target: { ratio: 2, of: "median" } }),
        row({ ...common, name: `resident memory after ${updatesAtOnce} at once`, ...after }),
      ],
      notes: [],
    };
  } finally {
    model.pauseMs = pauseMs;
    model.answerTo = undefined;
    await api.close();
  }
}

function memoryOf(pair: BotPair) {
  const [base, ours] = names.map((name) => summarise([residentMegabytes(pair[name].pid)]));
  return { base: base ?? summarise([]), ours: ours ?? summarise([]) };
}

/** The model says which questions of this round it was asked: what it says is seen in the chat. */
function answerTo(request: string, round: number): string {
  const asked = [...request.matchAll(/Question (\d+)\.(\d+):/g)].filter(([, of]) => Number(of) === round);
  return `${[...new Set(asked.map(([, , number]) => `[${number}]`))].join(" ")} ${lastWords}`;
}

/** Sends all in one moment. @returns how long until every one of them was answered in its own chat, in milliseconds. */
async function askAll({
  program: { bot },
  updates,
  round,
}: {
  program: BotProgram;
  updates: Updates;
  round: number;
}): Promise<number> {
  const open = new Map(Array.from({ length: updatesAtOnce }, (_, index) => [index, (index % chats) + 1]));
  const all = Promise.withResolvers<number>();
  bot.onCall = ({ chat, text, at }) => {
    if (!text.trimEnd().endsWith(lastWords)) return;
    for (const [, number] of text.matchAll(/\[(\d+)\]/g))
      if (open.get(Number(number)) === chat) open.delete(Number(number));
    if (open.size === 0) all.resolve(at);
  };
  const late = setTimeout(() => {
    all.reject(new Error(`Only ${updatesAtOnce - open.size} of ${updatesAtOnce} updates were answered in time`));
  }, waitMsMax);
  const all200 = [...open].map(
    ([index, user]) => updates.message({ user }, `Question ${round}.${index}: how is the build?`).update,
  );
  try {
    await bot.polled();
    const startedAt = performance.now();
    bot.pushAll(all200);
    return (await all.promise) - startedAt;
  } finally {
    clearTimeout(late);
    bot.onCall = undefined;
  }
}
