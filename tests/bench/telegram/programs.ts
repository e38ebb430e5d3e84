// The two bots that are compared, started in the same way.
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Seed, seedMinimal, seedProgram } from "../history.ts";
import { databaseOf, modelName, plainEnvironment, startProgram, timely } from "../programs.ts";
import { launchOf, names, type Pair, type Setup } from "../setup.ts";
import type { Bot, BotApi } from "./server.ts";

/** Name of the adapter in remoteagent's settings. */
export const adapterName = "tg";

/** People whom remoteagent knows: whoever else writes is a stranger. The minimal bot knows everybody. */
export const people = Array.from({ length: 250 }, (_, index) => index + 1);

/** A bot that runs and polls. */
export interface BotProgram {
  pid: number;
  bot: Bot;
  stop(): Promise<void>;
}
export type BotPair = Record<keyof Pair, BotProgram>;

/** How a bot is started; `folder` holds what it stores. */
export interface BotLaunch {
  name: keyof Pair;
  folder: string;
  bot: Bot;
  api: BotApi;
}

/** Starts one of them. @returns when it has greeted and a poll of its waits. */
export async function startBot(setup: Setup, launch: BotLaunch): Promise<BotProgram> {
  const { name, bot } = launch;
  const child = name === "minimal" ? startMinimalBot(setup, launch) : await startAdapter(setup, launch);
  await timely(bot.polled(), `${name} does not poll`);
  return {
    pid: child.pid,
    bot,
    async stop() {
      await child.stop();
      // The poll that it left behind is nobody's.
      bot.expire();
    },
  };
}

function startMinimalBot(setup: Setup, { folder, bot, api }: BotLaunch): Pick<BotProgram, "pid" | "stop"> {
  const argv = [setup.programs.minimalBot, databaseOf.minimal(folder), setup.model.url, modelName, api.url, bot.token];
  const child = Bun.spawn(argv, {
    env: plainEnvironment(folder),
    signal: setup.signal,
    stdin: "ignore",
    stdout: "ignore",
    stderr: "inherit",
  });
  return {
    pid: child.pid,
    async stop() {
      child.kill();
      await child.exited;
    },
  };
}

async function startAdapter(setup: Setup, { folder, bot, api }: BotLaunch) {
  const state = join(folder, "state");
  mkdirSync(state, { recursive: true, mode: 0o700 });
  const telegram = { type: "telegram", botToken: bot.token, apiRoot: api.url, admins: people.map(String) };
  const settings = JSON.stringify({ adapters: { [adapterName]: telegram } });
  writeFileSync(join(state, "settings.json"), settings, { mode: 0o600 });
  return await startProgram(launchOf(setup, { name: "remoteagent", folder }));
}

/** Both, each with a bot of its own. */
export async function startBots(setup: Setup, { folder, api }: { folder: string; api: BotApi }): Promise<BotPair> {
  const [minimal, remoteagent] = [api.bot(1_001), api.bot(1_002)];
  return {
    minimal: await startBot(setup, { name: "minimal", folder, bot: minimal, api }),
    remoteagent: await startBot(setup, { name: "remoteagent", folder, bot: remoteagent, api }),
  };
}

export async function stopBots(pair: BotPair): Promise<void> {
  await Promise.all(names.map((name) => pair[name].stop()));
}

/** A fresh folder in which both have the same chats; their menus are set and their databases made. */
export async function seededBots(
  setup: Setup,
  { api, seeds = [] }: { api: BotApi; seeds?: readonly Seed[] },
): Promise<string> {
  const folder = mkdtempSync(join(setup.folder, "run-"));
  await stopBots(await startBots(setup, { folder, api }));
  if (seeds.length > 0) {
    seedMinimal(databaseOf.minimal(folder), seeds);
    seedProgram(databaseOf.remoteagent(folder), { seeds, adapter: adapterName });
  }
  return folder;
}
