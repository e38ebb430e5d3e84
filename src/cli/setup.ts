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
import { askModel, rehearse, withoutUnknownAdapters } from "./setup/check.ts";
import { importSettings } from "./setup/import.ts";
import { Cancelled, createPrompt, type Prompt } from "./setup/prompt.ts";
import { interview } from "./setup/wizard.ts";
import { modelsOf } from "./try-model.ts";
import { verb } from "./verb.ts";

export const setup = verb({
  name: "setup",
  summary: "Choose a model and write the settings",
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
    import: { type: "string", valueHint: "path", description: "Take over an older settings.json or config.json" },
    check: { type: "boolean", default: true, description: "Write the settings without asking the model" },
  },
  notes: [
    "  remoteagent setup --yes --provider anthropic --api-key-env ANTHROPIC_API_KEY",
    "  remoteagent setup --yes --provider local --base-url http://127.0.0.1:8080/v1 --model qwen3-coder",
    "Exit code: 0 when the settings are written, 1 when the model does not answer or you left; then nothing changed",
  ].join("\n"),
  async run(args, io) {
    // Also refuses to build upon settings that are wrong already, and makes the state folder.
    const config = await loadLaunchConfig({ "state-dir": args["state-dir"] });
    const places = placesIn(config.stateDir);
    if (args.import !== undefined) return await importFile(resolve(args.import), { places, io });
    if (args.yes === true) {
      const answers = answersOfFlags({ ...args, ...absoluteKeyFile(args["api-key-file"]) });
      const failure = await attempt(places, answers, { ask: args.check });
      if (failure !== undefined) throw new Failure(failure.code, failure.message, { hint: failure.hint });
      const { model, asked } = await write(answers, { places, io });
      io.out(args.check && asked ? `It answers: ${model}, which new sessions use\n` : `New sessions use ${model}\n`);
      const running = await findInstance(places);
      if (running.state === "up") io.out(`${takesItAt(running.status)}\n`);
      return exit.done;
    }
    if (!io.interactive)
      throw new Failure("usage", "Cannot ask: this is no terminal", { hint: "Use --yes with options; see --help" });
    const prompt = createPrompt({ input: process.stdin, output: process.stdout });
    let written = false;
    try {
      const answers = await interview(prompt, {
        environment: config.environment,
        attempt: (tried) => attempt(places, tried, { ask: true }),
      });
      await write(answers, { places, io });
      written = true;
      return await offer(prompt, { io, places });
    } catch (error) {
      if (!(error instanceof Cancelled)) throw error;
      io.err(written ? "\n" : "\nLeft; nothing was changed\n");
      return written ? exit.done : exit.failed;
    } finally {
      prompt.close();
    }
  },
});

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
  await writeSettings(places.settings, patchOf(answers));
  io.out(`Wrote ${places.settings}\n`);
  const config = await loadLaunchConfig({ "state-dir": places.stateDir });
  const asked = config.settings.model !== undefined;
  return { model: formatModelName(await modelsOf(config).fallback()), asked };
}

function takesItAt({ alone }: { alone: boolean }): string {
  return alone
    ? "The running chat takes it when it is begun again"
    : "The running instance takes it at: remoteagent restart";
}

/** What to do next: go into the background, or talk. */
async function offer(prompt: Prompt, { io, places }: { io: Io; places: Places }): Promise<number> {
  const running = await findInstance(places);
  const up = running.state === "up";
  if (up) prompt.say(takesItAt(running.status));
  const restarts = up && !running.status.alone;
  const next = await prompt.choose("What now?", [
    ...(restarts ? [{ value: "restart", label: "Restart it now" } as const] : []),
    { value: "chat", label: "Talk to it here" } as const,
    ...(up ? [] : [{ value: "start", label: "Start it in the background" } as const]),
    { value: "leave", label: "Nothing, leave" } as const,
  ]);
  prompt.close();
  const flags = [`--state-dir=${places.stateDir}`];
  if (next === "restart") return await (await import("./restart.ts")).restart.run(flags, io);
  if (next === "chat") return await (await import("./chat.ts")).chat.run(flags, io);
  if (next === "start") return await (await import("./start.ts")).start.run(flags, io);
  io.out(`Later: remoteagent chat, or remoteagent ${restarts ? "restart" : "start"}\n`);
  return exit.done;
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
