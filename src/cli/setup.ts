// `setup`: from nothing to a model that answers, by questions or by flags, and from older programs' settings.
import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { writeSettings } from "../config/file.ts";
import { Failure, type FailureData } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import { formatModelName } from "../core/model-name.ts";
import { exit } from "./exit.ts";
import { findInstance } from "./instance.ts";
import type { Io } from "./io.ts";
import { loadLaunchConfig, type Places, placesIn } from "./places.ts";
import { type Answers, answersOfFlags, patchOf } from "./setup/answers.ts";
import { keepSettings, platformOf } from "./setup/bots.ts";
import { askModel, rehearse, withoutUnknownAdapters } from "./setup/check.ts";
import { openDraft } from "./setup/draft.ts";
import { guide } from "./setup/guide.ts";
import { importSettings } from "./setup/import.ts";
import { type BotFlags, botsOfFlags, paperOfFlags, platformArgs, tokenOptions } from "./setup/options.ts";
import { paperText } from "./setup/paper.ts";
import { Cancelled, createPrompt } from "./setup/prompt.ts";
import { connectUnattended } from "./setup/unattended.ts";
import { modelsOf } from "./try-model.ts";
import { verb } from "./verb.ts";

export const setup = verb({
  name: "setup",
  summary: "Choose a model, connect a chat platform",
  args: {
    yes: { type: "boolean", alias: "y", description: "Ask nothing; take the options below" },
    provider: {
      type: "string",
      valueHint: "name",
      description: "anthropic, openai, google, …, demo, or a name of your own",
    },
    model: { type: "string", valueHint: "name", description: "The provider's name of the model" },
    "api-key-env": { type: "string", valueHint: "NAME", description: "Variable that holds the key" },
    "api-key-file": { type: "string", valueHint: "path", description: "File that holds the key" },
    "base-url": { type: "string", valueHint: "address", description: "Server of your own, or a proxy" },
    api: {
      type: "string",
      valueHint: "protocol",
      description: "What a server of your own speaks: openai-completions, …",
    },
    owner: { type: "string", valueHint: "id", description: "Id of the one bot's owner, who then needs no code" },
    start: { type: "boolean", default: true, description: "With --yes: do not start or restart the instance" },
    wait: { type: "boolean", description: "With --yes: wait for the owner, and for the first answer in their chat" },
    "remove-webhook": { type: "boolean", description: "With --yes: take the bot from a program that has its webhook" },
    import: { type: "string", valueHint: "path", description: "Take over an older settings.json or config.json" },
    check: { type: "boolean", default: true, description: "Write the settings without asking model and platform" },
    // Their names come from the table of platforms, so that the types know nothing of them.
    ...(platformArgs as object),
  },
  notes: [
    "  remoteagent setup --yes --provider anthropic --api-key-env ANTHROPIC_API_KEY",
    "  remoteagent setup --yes --provider local --base-url http://127.0.0.1:8080/v1 --model qwen3-coder",
    "  remoteagent setup --yes --telegram-token-file ~/keys/bot --owner 123456789",
    "  remoteagent setup --yes --slack-token-file ~/keys/slack-bot --slack-app-token-file ~/keys/slack-app",
    "  remoteagent setup --yes --discord-token-file ~/keys/discord --discord-owner 1300000000000000001",
    "  remoteagent setup --slack-manifest > manifest.json",
    "With --yes, tokens without an option are those of TELEGRAM_BOT_TOKEN, SLACK_BOT_TOKEN and SLACK_APP_TOKEN, DISCORD_BOT_TOKEN, where they are set.",
    "Exit code: 0 when all is done, 1 when something is left to do (what was done is kept), 2 for wrong options",
  ].join("\n"),
  async run(args, io) {
    const paper = paperOfFlags(args);
    if (paper !== undefined) return await printPaper(paper, io);
    // Also refuses to build upon settings that are wrong already, and makes the state folder.
    const config = await loadLaunchConfig({ "state-dir": args["state-dir"] });
    const places = placesIn(config.stateDir);
    if (args.import !== undefined) return await importFile(resolve(args.import), { places, io });
    // Who is asked chooses between a variable and another token.
    const bots = botsOfFlags(args, { environment: config.environment, asks: args.yes !== true });
    if (args.yes === true) return await unattended(args, { places, io, bots });
    if (!io.interactive)
      throw new Failure("usage", "Cannot ask: this is no terminal, and --yes is missing", {
        hint: "With --yes go the options that answer: --provider (with --model and --api-key-env), --telegram-token-file; see --help",
      });
    return await interactive(bots, { places, io });
  },
});

/** Asks for everything. @returns the exit code. */
async function interactive(bots: readonly BotFlags[], { places, io }: { places: Places; io: Io }): Promise<number> {
  const prompt = createPrompt({ input: process.stdin, output: process.stdout });
  let kept: keyof typeof leftText = "nothing";
  try {
    const draft = openDraft(places);
    const known: BotFlags[] = [];
    for (const bot of bots) {
      const all = await draft.flags(bot);
      known.push(all);
      if (all.address !== undefined && bot.address === undefined)
        prompt.say(
          `The ${platformOf(bot.type).label} bot is asked for at ${all.address}, as you said before; --${bot.type}-api changes it`,
        );
    }
    const code = await guide(prompt, {
      places,
      io,
      bots: known,
      draft,
      attempt: (tried) => attempt(places, tried, { ask: true }),
      write: async (answers) => void (await write(answers, { places, io })),
      note: (step) => (kept = step),
    });
    if (code === exit.done) draft.drop();
    return code;
  } catch (error) {
    if (!(error instanceof Cancelled)) throw error;
    io.err(`\n${leftText[kept]}\n`);
    return exit.failed;
  } finally {
    prompt.close();
  }
}

const leftText = {
  nothing: "Left; no settings were changed. remoteagent setup goes on from here",
  settings: "Left. What was done is kept: remoteagent setup goes on from here",
  pairing: "Left. The bot is connected, and the code works until its time is over: remoteagent setup goes on from here",
} as const;

/** What one pastes at a platform to make a bot there. */
async function printPaper(type: string, io: Io): Promise<number> {
  const { paper } = platformOf(type);
  if (paper !== undefined) io.out(await paperText(paper));
  return exit.done;
}

/** `--yes`: first the model, then the bots; each is written as soon as it works. */
async function unattended(
  args: Parameters<typeof answersOfFlags>[0] & {
    check: boolean;
    start: boolean;
    wait?: boolean | undefined;
    "remove-webhook"?: boolean | undefined;
  },
  { places, io, bots }: { places: Places; io: Io; bots: readonly BotFlags[] },
): Promise<number> {
  const wanted = bots.filter(({ tokens }) => Object.keys(tokens).length > 0);
  const lost = bots.find((bot) => bot.named && !wanted.includes(bot));
  if (lost !== undefined || (wanted.length === 0 && args.wait === true))
    throw new Failure("usage", "Cannot connect a bot: its token is missing", {
      hint:
        lost === undefined
          ? "Give it with --telegram-token-file, for one; see --help"
          : `Give it with ${tokenOptions(lost.type, platformOf(lost.type).tokens[0])}`,
    });
  const answers = answersOfFlags({ ...args, ...absoluteKeyFile(args["api-key-file"]) });
  const failure = await attempt(places, answers, { ask: args.check });
  if (failure !== undefined) throw new Failure(failure.code, failure.message, { hint: failure.hint });
  const { model, asked } = await write(answers, { places, io });
  io.out(args.check && asked ? `It answers: ${model}, which new sessions use\n` : `New sessions use ${model}\n`);
  if (wanted.length === 0) {
    const running = await findInstance(places);
    if (running.state === "up") io.out(`${takesItAt(running.status)}\n`);
    return exit.done;
  }
  const { check, start, wait = false, "remove-webhook": removeWebhook = false } = args;
  return await connectUnattended(wanted, { places, io, check, start, wait, removeWebhook });
}

/** What would go wrong with a choice; undefined when nothing does. @throws Failure for settings of a wrong shape. */
async function attempt(places: Places, answers: Answers, { ask }: { ask: boolean }): Promise<FailureData | undefined> {
  const config = await rehearse(places, patchOf(answers));
  return ask && answers.kind !== "demo" ? await askModel(config) : undefined;
}

/** A relative path in settings is below the state folder; on the command line it is below the current one. */
function absoluteKeyFile(path: string | undefined): { "api-key-file"?: string } {
  return path === undefined ? {} : { "api-key-file": resolve(path) };
}

/** Gives the model of new sessions, and whether it is the settings' own choice, which alone a trial asks. */
async function write(
  answers: Answers,
  { places, io }: { places: Places; io: Io },
): Promise<{ model: string; asked: boolean }> {
  if (await keepSettings(places.settings, patchOf(answers))) io.out(`Wrote ${places.settings}\n`);
  const config = await loadLaunchConfig({ "state-dir": places.stateDir });
  const asked = config.settings.model !== undefined;
  return { model: formatModelName(await modelsOf(config).fallback()), asked };
}

function takesItAt({ alone }: { alone: boolean }): string {
  return alone
    ? "The running chat takes it when it is begun again"
    : "The running instance takes it at: remoteagent restart";
}

async function importFile(path: string, { places, io }: { places: Places; io: Io }): Promise<number> {
  const { form, settings, notes } = await withoutUnknownAdapters(importSettings(readOld(path)));
  if (Object.keys(settings).length === 0) {
    for (const note of notes) io.err(`${note}\n`);
    throw new Failure("settings", `Cannot import ${JSON.stringify(path)}: nothing in it has a place here`);
  }
  await rehearse(places, settings);
  await writeSettings(places.settings, settings);
  io.out(`Took over ${Object.keys(settings).join(", ")} from ${path} (${form}) into ${places.settings}\n`);
  for (const note of notes) io.err(`${note}\n`);
  return exit.done;
}

function readOld(path: string): string {
  try {
    const { size } = statSync(path);
    if (size > limits.settingsBytesMax)
      throw new Failure(
        "settings",
        `Cannot import ${JSON.stringify(path)}: it has more than ${limits.settingsBytesMax} bytes`,
      );
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Failure) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new Failure("settings", `Cannot import ${JSON.stringify(path)}: ${reasons[code] ?? code}`, { cause: error });
  }
}

const reasons: Record<string, string> = {
  ENOENT: "there is no such file",
  EISDIR: "it is a folder",
  EACCES: "permission denied",
};
