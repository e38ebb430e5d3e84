// The whole dialogue: a model, a bot, a conversation on the phone. Begun again, it goes on where something is missing.
import { type FailureData, failureText } from "../../core/failure.ts";
import { formatModelName } from "../../core/model-name.ts";
import { exit } from "../exit.ts";
import { findInstance } from "../instance.ts";
import type { Io } from "../io.ts";
import { loadLaunchConfig, type Places } from "../places.ts";
import { modelsOf } from "../try-model.ts";
import type { Answers } from "./answers.ts";
import { botNames, platformOf } from "./bots.ts";
import { finishBot } from "./connect.ts";
import type { Draft } from "./draft.ts";
import type { BotFlags } from "./options.ts";
import type { Prompt } from "./prompt.ts";
import { askBot } from "./token.ts";
import { interview } from "./wizard.ts";

export interface GuideDeps {
  places: Places;
  io: Io;
  /** What options say of bots, of each platform that they do not leave out. */
  bots: readonly BotFlags[];
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
  const offered = new Map(deps.bots.map((bot) => [bot.type, bot]));
  const names = botNames(config).filter((name) => offered.has(config.settings.adapters[name]?.type ?? ""));
  // Whoever chose the demo before has chosen.
  const demo = deps.draft.answers()?.kind === "demo";
  const known = config.settings.model !== undefined || names.length > 0 || demo;
  if (known) await checkModel(prompt, deps);
  else await askModel(prompt, deps);
  // Tokens on the command line say what is wanted.
  const wanted = deps.bots.filter(({ tokens }) => Object.keys(tokens).length > 0);
  const ends = new Set<End>();
  for (const bot of wanted) ends.add(await connect(prompt, { deps, bot }));
  for (const adapter of wanted.length > 0 ? [] : names) {
    const flags = offered.get(config.settings.adapters[adapter]?.type ?? "");
    if (flags !== undefined) ends.add(await finishBot(prompt, { adapter, deps: { ...deps, flags } }));
  }
  if (ends.has("later")) return toldLater(prompt);
  if (wanted.length > 0 || ends.has("done")) return said(prompt, farewell);
  return await next(prompt, { deps, bots: names.length, known });
}

type End = Awaited<ReturnType<typeof finishBot>>;

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

/** What else there is to do, once all that was begun is done. `ended`: what came of the bot that was just connected. */
async function next(
  prompt: Prompt,
  { deps, bots, known, ended }: { deps: GuideDeps; bots: number; known: boolean; ended?: "done" | "later" },
): Promise<number> {
  const place = await askPlace(prompt, { deps, known, bots, again: ended !== undefined });
  if (place === "model") {
    await askModel(prompt, deps);
    return await next(prompt, { deps, bots, known: false });
  }
  if (place === "here" || place === "start" || place === "restart") return await leave(prompt, { place, deps });
  if (place === "leave") {
    if (ended === "later") return toldLater(prompt);
    if (ended === "done") return said(prompt, farewell);
    return said(prompt, "Later: remoteagent chat, remoteagent status, remoteagent setup");
  }
  const end = await connect(prompt, { deps, bot: place });
  return await next(prompt, {
    deps,
    bots: bots + 1,
    known,
    ended: ended === "later" || end === "later" ? "later" : "done",
  });
}

/** A bot from its token to an answer in its chat. */
async function connect(prompt: Prompt, { deps, bot }: { deps: GuideDeps; bot: BotFlags }): Promise<End> {
  const own = { ...deps, flags: bot };
  const adapter = await askBot(prompt, own);
  return adapter === undefined ? "later" : await finishBot(prompt, { adapter, deps: own });
}

const farewell = "Setup is done. remoteagent status shows how it is; remoteagent pair lets in another person";

/** Where to go on: a platform, or one of the other things. */
async function askPlace(
  prompt: Prompt,
  { deps, known, bots, again }: { deps: GuideDeps; known: boolean; bots: number; again: boolean },
): Promise<BotFlags | "here" | "model" | "start" | "restart" | "leave"> {
  const question = bots === 0 ? "Where do you want to talk to it?" : "All is set up. What now?";
  const nothing = { value: "leave", label: "Nothing, leave" } as const;
  const { settings } = await loadLaunchConfig({ "state-dir": deps.places.stateDir });
  const there = new Set(Object.values(settings.adapters).map(({ type }) => type));
  // Whoever comes back gives no token twice.
  const others = deps.bots.map((bot) => ({
    value: { ...bot, tokens: {} },
    label: `${there.has(bot.type) ? "With another bot in" : "In"} ${platformOf(bot.type).label}`,
  }));
  if (again)
    return await prompt.choose<BotFlags | "leave">("Where else?", [
      { ...nothing, label: "Nowhere else, leave" },
      ...others,
    ]);
  const found = await findInstance(deps.places);
  const runs = found.state === "up" && !found.status.alone;
  return await prompt.choose<BotFlags | "here" | "model" | "start" | "restart" | "leave">(question, [
    ...(bots === 0 ? [] : [nothing]),
    ...others,
    { value: "here", label: "Here in the terminal" },
    ...(known ? [{ value: "model", label: "Choose another model" } as const] : []),
    runs
      ? { value: "restart", label: "Restart what runs, so that it takes the settings" }
      : { value: "start", label: "Start it in the background, and leave" },
    ...(bots === 0 ? [nothing] : []),
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
