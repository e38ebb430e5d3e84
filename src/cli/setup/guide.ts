// The whole dialogue: a model, a bot, a conversation on the phone. Begun again, it goes on where something is missing.
import { platforms } from "../../adapters/index.ts";
import { type FailureData, failureText } from "../../core/failure.ts";
import { formatModelName } from "../../core/model-name.ts";
import { exit } from "../exit.ts";
import { findInstance } from "../instance.ts";
import type { Io } from "../io.ts";
import { loadLaunchConfig, type Places } from "../places.ts";
import { modelsOf } from "../try-model.ts";
import type { Answers } from "./answers.ts";
import { botNames } from "./bots.ts";
import { askBot, type BotFlags, finishBot } from "./connect.ts";
import type { Draft } from "./draft.ts";
import type { Prompt } from "./prompt.ts";
import { interview } from "./wizard.ts";

export interface GuideDeps {
  places: Places;
  io: Io;
  /** What options say of a bot; undefined when they leave bots out. */
  bot: BotFlags | undefined;
  /** What an earlier run left. */
  draft: Draft;
  /** Tries a model; undefined when it answers. */
  attempt(answers: Answers): Promise<FailureData | undefined>;
  write(answers: Answers): Promise<void>;
  note(step: "settings" | "pairing"): void;
}

/** Runs it to its end. @returns the exit code. @throws Cancelled when the person leaves. */
export async function guide(prompt: Prompt, deps: GuideDeps): Promise<number> {
  const { places } = deps;
  const config = await loadLaunchConfig({ "state-dir": places.stateDir });
  const bots = deps.bot === undefined ? [] : botNames(config);
  // Whoever chose the demo before has chosen.
  const demo = deps.draft.answers()?.kind === "demo";
  const known = config.settings.model !== undefined || bots.length > 0 || demo;
  if (known) await checkModel(prompt, deps);
  else await askModel(prompt, deps);
  // A token on the command line says what is wanted.
  if (deps.bot?.token !== undefined) return await connect(prompt, { deps, bot: deps.bot });
  const ends = new Set<Awaited<ReturnType<typeof finishBot>>>();
  for (const adapter of bots) {
    const { type } = config.settings.adapters[adapter] ?? {};
    const flags = { ...deps.bot, type: type ?? "" };
    ends.add(await finishBot(prompt, { adapter, deps: { ...deps, flags } }));
  }
  if (ends.has("later")) return toldLater(prompt);
  if (ends.has("done")) return said(prompt, farewell);
  return await next(prompt, { deps, bots: bots.length, known });
}

/** The model that is chosen already; asked for anew only when it does not answer. */
async function checkModel(prompt: Prompt, deps: GuideDeps): Promise<void> {
  const config = await loadLaunchConfig({ "state-dir": deps.places.stateDir });
  const name = formatModelName(await modelsOf(config).fallback());
  if (config.settings.model === undefined) return prompt.say(`The model is ${name}`);
  prompt.say(`Asking ${name} for one word …`);
  const failure = await prompt.during(() => deps.attempt({ kind: "same" }));
  if (failure === undefined) return prompt.say("It answers");
  prompt.say(failureText(failure));
  if (await prompt.yes("Choose the model or its key anew?", true)) await askModel(prompt, deps);
}

async function askModel(prompt: Prompt, deps: GuideDeps): Promise<void> {
  const { environment } = await loadLaunchConfig({ "state-dir": deps.places.stateDir });
  const { draft, attempt } = deps;
  await deps.write(await interview(prompt, { environment, attempt, before: draft.answers(), keep: draft.choose }));
  deps.note("settings");
}

/** What else there is to do, once all that was begun is done. */
async function next(
  prompt: Prompt,
  { deps, bots, known }: { deps: GuideDeps; bots: number; known: boolean },
): Promise<number> {
  const offered = deps.bot === undefined ? [] : Object.entries(platforms);
  const place = await askPlace(prompt, { offered, known, bots, places: deps.places });
  if (place === "model") {
    await askModel(prompt, deps);
    return await next(prompt, { deps, bots, known: false });
  }
  if (place === "here" || place === "start" || place === "restart") return await leave(prompt, { place, deps });
  if (place === "leave") return said(prompt, "Later: remoteagent chat, remoteagent status, remoteagent setup");
  return await connect(prompt, { deps, bot: { ...deps.bot, type: place } });
}

/** A bot from its token to an answer in its chat. */
async function connect(prompt: Prompt, { deps, bot }: { deps: GuideDeps; bot: BotFlags }): Promise<number> {
  const own = { ...deps, flags: bot };
  const adapter = await askBot(prompt, own);
  const end = adapter === undefined ? "later" : await finishBot(prompt, { adapter, deps: own });
  return end === "later" ? toldLater(prompt) : said(prompt, farewell);
}

const farewell = "Setup is done. remoteagent status shows how it is; remoteagent pair lets in another person";

async function askPlace(
  prompt: Prompt,
  {
    offered,
    known,
    bots,
    places,
  }: { offered: [string, { label: string }][]; known: boolean; bots: number; places: Places },
): Promise<string> {
  const found = await findInstance(places);
  const runs = found.state === "up" && !found.status.alone;
  const question = bots === 0 ? "Where do you want to talk to it?" : "All is set up. What now?";
  return await prompt.choose<string>(question, [
    ...(bots === 0 ? [] : [{ value: "leave", label: "Nothing, leave" }]),
    ...offered.map(([value, { label }]) => ({
      value,
      label: bots === 0 ? `In ${label}, on your phone` : `Connect another bot in ${label}`,
    })),
    { value: "here", label: "Here in the terminal" },
    ...(known ? [{ value: "model", label: "Choose another model" }] : []),
    ...(runs
      ? [{ value: "restart", label: "Restart what runs, so that it takes the settings" }]
      : [{ value: "start", label: "Start it in the background, and leave" }]),
    ...(bots === 0 ? [{ value: "leave", label: "Nothing, leave" }] : []),
  ]);
}

/** Hands the terminal to another verb. */
async function leave(
  prompt: Prompt,
  { place, deps: { places, io } }: { place: "here" | "start" | "restart"; deps: GuideDeps },
): Promise<number> {
  prompt.close();
  const flags = [`--state-dir=${places.stateDir}`];
  if (place === "restart") return await (await import("../restart.ts")).restart.run(flags, io);
  if (place === "start") return await (await import("../start.ts")).start.run(flags, io);
  return await (await import("../chat.ts")).chat.run(flags, io);
}

function toldLater(prompt: Prompt): number {
  prompt.say("Something is left to do. What was done is kept: remoteagent setup goes on from here");
  return exit.failed;
}

function said(prompt: Prompt, text: string): number {
  prompt.say(text);
  return exit.done;
}
