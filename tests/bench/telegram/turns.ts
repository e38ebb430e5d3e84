// One message at a time: from the update to the model's request, and from the model's last word to the final text.
import { plainText } from "../model.ts";
import { timely } from "../programs.ts";
import { type Found, row } from "../row.ts";
import { inTurn, type Pair, type Setup } from "../setup.ts";
import { summarise } from "../statistics.ts";
import { type BotProgram, seededBots, startBot, startBots, stopBots } from "./programs.ts";
import { openBotApi } from "./server.ts";
import { createUpdates, type Updates } from "./updates.ts";

const rounds = { full: 100, quick: 10 };
/** Written before it counts: code gets warm, connections open. */
const warmUp = { full: 25, quick: 5 };
/** A chat with earlier messages gets this many; each makes it longer by two. */
const turnsPerChat = 25;
const toolRounds = { full: 40, quick: 5 };
const restarts = { full: 10, quick: 3 };
/** What a program still does after the final text, such as storing that it arrived, is not to meet the next message. */
const settleMs = 25;
/** After a start, what is done once it is up; a person's first message seldom comes in the same second. */
const upMs = 1_000;
const question = "How is the build today?";

/** One message. Milliseconds. */
interface Taken {
  request: number;
  shown: number;
  whole: number;
}
type Series = Record<keyof Pair, Taken[]>;

const isFinal = (text: string): boolean => text.trimEnd().endsWith(plainText.trimEnd());

/** Kinds of chats: what is earlier there, and whether it is another chat each time. */
const kinds = [
  { name: "short chat", earlier: 0, fresh: false },
  { name: "new chat", earlier: 0, fresh: true },
  { name: "500 earlier", earlier: 500, fresh: false },
  { name: "2000 earlier", earlier: 2_000, fresh: false },
] as const;
type Kind = (typeof kinds)[number];

/** Messages in short, new and long chats. */
export async function measureBotTurns(setup: Setup): Promise<Found> {
  const found: Found = { rows: [], notes: [] };
  for (const kind of kinds) {
    const series = await takeTurns(setup, kind);
    const summary = (of: keyof Taken) => ({
      base: summarise(series.minimal.map((taken) => taken[of])),
      ours: summarise(series.remoteagent.map((taken) => taken[of])),
    });
    // A new chat is one that remoteagent makes folders and bindings for; the minimal bot has none.
    const target = kind.fresh ? {} : { target: { ratio: 2, of: "both" } as const };
    const common = { unit: "ms", against: "minimal bot", ...target } as const;
    found.rows.push(
      row({ ...common, name: `update → request, ${kind.name}`, ...summary("request") }),
      row({ ...common, name: `model's end → final text, ${kind.name}`, ...summary("shown") }),
      row({ ...common, name: `whole message, ${kind.name}`, ...summary("whole") }),
    );
  }
  return found;
}

async function takeTurns(setup: Setup, kind: Kind): Promise<Series> {
  const count = setup.quick ? rounds.quick : rounds.full;
  const before = setup.quick ? warmUp.quick : warmUp.full;
  const chats = Math.ceil((count + before) / turnsPerChat);
  const seeds = Array.from({ length: kind.earlier === 0 ? 0 : chats }, (_, index) => ({
    session: String(index + 1),
    count: kind.earlier,
  }));
  const api = openBotApi();
  const updates = createUpdates();
  const series: Series = { minimal: [], remoteagent: [] };
  try {
    const pair = await startBots(setup, { folder: await seededBots(setup, { api, seeds }), api });
    for (let round = 0; round < count + before; round++) {
      const user = kind.fresh ? round + 1 : Math.floor(round / turnsPerChat) + 1;
      // The first message of a chat reads it from the disk, and is not measured here.
      const first = !kind.fresh && round % turnsPerChat === 0;
      for (const name of inTurn(round)) {
        const taken = await takeMessage(setup, { program: pair[name], updates, user });
        if (round >= before && !first) series[name].push(taken);
      }
    }
    await stopBots(pair);
  } finally {
    await api.close();
  }
  setup.progress(`${count} messages, ${kind.name}`);
  return series;
}

interface Writing {
  program: BotProgram;
  updates: Updates;
  user: number;
}

/** Writes one message and waits until its answer stands there. */
async function takeMessage({ model }: Setup, { program: { bot }, updates, user }: Writing): Promise<Taken> {
  const asked = model.next();
  const shown = bot.shown(user, isFinal);
  await timely(bot.polled(), "The bot does not poll");
  const handedAt = await bot.push(updates.message({ user }, question).update);
  const { at, ended } = await timely(asked, "The model was not asked");
  const modelEnd = await ended;
  const shownAt = await timely(shown, "The final text was not shown");
  await Bun.sleep(settleMs);
  return { request: at - handedAt, shown: shownAt - modelEnd, whole: shownAt - handedAt };
}

/** A message for which the model calls a command. What bubblewrap is in it of itself stands at the tool's round trip. */
export async function measureBotTool(setup: Setup): Promise<Found> {
  const api = openBotApi();
  const updates = createUpdates();
  const times: Record<keyof Pair, number[]> = { minimal: [], remoteagent: [] };
  try {
    const pair = await startBots(setup, { folder: await seededBots(setup, { api }), api });
    const count = setup.quick ? toolRounds.quick : toolRounds.full;
    const before = setup.quick ? warmUp.quick : warmUp.full;
    for (let round = 0; round < count + before; round++) {
      for (const name of inTurn(round)) {
        setup.model.plan.push({ command: "true" });
        const { whole } = await takeMessage(setup, { program: pair[name], updates, user: 1 });
        if (round >= before) times[name].push(whole);
      }
    }
    await stopBots(pair);
  } finally {
    await api.close();
  }
  const [base, ours] = [summarise(times.minimal), summarise(times.remoteagent)];
  const target = { ratio: 2, of: "both" } as const;
  return {
    rows: [row({ name: "whole message with a tool call", unit: "ms", against: "minimal bot", base, ours, target })],
    notes: [],
  };
}

/** The first message to a bot that has just started, and one that was written while it was away. */
export async function measureBotRestart(setup: Setup): Promise<Found> {
  const api = openBotApi();
  const updates = createUpdates();
  const user = 1;
  const first: Record<keyof Pair, number[]> = { minimal: [], remoteagent: [] };
  const away: Record<keyof Pair, number[]> = { minimal: [], remoteagent: [] };
  try {
    const folder = await seededBots(setup, { api, seeds: [{ session: String(user), count: 500 }] });
    const bots = { minimal: api.bot(1_001), remoteagent: api.bot(1_002) };
    for (let round = 0; round < (setup.quick ? restarts.quick : restarts.full); round++) {
      for (const name of inTurn(round)) {
        const launch = { name, folder, bot: bots[name], api };
        const program = await startBot(setup, launch);
        await Bun.sleep(upMs);
        first[name].push((await takeMessage(setup, { program, updates, user })).request);
        await program.stop();
        const shown = launch.bot.shown(user, isFinal);
        void launch.bot.push(updates.message({ user }, question).update);
        const startedAt = performance.now();
        const again = await startBot(setup, launch);
        away[name].push((await timely(shown, "The final text was not shown")) - startedAt);
        await Bun.sleep(settleMs);
        await again.stop();
      }
    }
  } finally {
    await api.close();
  }
  const line = (name: string, times: Record<keyof Pair, number[]>) => {
    const [base, ours] = [summarise(times.minimal), summarise(times.remoteagent)];
    return row({ name, unit: "ms", against: "minimal bot", base, ours });
  };
  return {
    rows: [
      line("first update after a start → request, 500 earlier", first),
      line("start → final text for what was written meanwhile, 500 earlier", away),
    ],
    notes: [],
  };
}
