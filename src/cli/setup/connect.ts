// The dialogue that connects a bot: its token, tried at once; the instance; the owner; the first answer.
import { resolve } from "node:path";
import type { BotSelf, Inspection, Remark } from "../../adapters/inspection.ts";
import type { Config } from "../../config/load.ts";
import type { SecretRef } from "../../config/secret.ts";
import { Failure, failureData, failureText } from "../../core/failure.ts";
import type { Io } from "../io.ts";
import { loadLaunchConfig, type Places } from "../places.ts";
import { createAsk, type Person } from "./ask.ts";
import { type BotAnswers, botPatch, inspectBot, keepSettings, platformOf } from "./bots.ts";
import { bringUp, installService, mayInstall, missingStep, type Way, waitConnected } from "./bring-up.ts";
import { rehearse } from "./check.ts";
import { codeText, firstAnswer, hasAnswered, type Meeting, personText, waitPaired, waitReached } from "./pairing.ts";
import type { Prompt } from "./prompt.ts";

/** What was said about the bot on the command line. */
export interface BotFlags {
  type: string;
  token?: SecretRef;
  address?: string;
  owner?: string;
}

export interface ConnectDeps {
  places: Places;
  io: Io;
  flags: BotFlags;
  /** The last thing that was done, for whoever leaves. */
  note(step: "settings" | "pairing"): void;
}

/** What stands in the way, worst first; clock and groups are worth a word and hinder nothing. */
export function hindrances({ remarks }: Inspection): Remark[] {
  return remarks.filter(({ level }) => level === "bad");
}

/** A remark with its mend, as lines. */
export function remarkText({ text, mend }: Pick<Remark, "text" | "mend">): string {
  return mend === undefined ? text : `${text}\n${mend}`;
}

/** Asks for a bot until there is one that works, and writes it down. @returns its name in settings. */
export async function askBot(prompt: Prompt, deps: ConnectDeps): Promise<string | undefined> {
  const { places, flags } = deps;
  const { label, guide } = platformOf(flags.type);
  const config = await loadLaunchConfig({ "state-dir": places.stateDir });
  let given = flags.token;
  if (given === undefined) prompt.say([`How to get a ${label} bot:`, ...guide].join("\n"));
  for (;;) {
    const token = given ?? (await askToken(prompt, { type: flags.type, config }));
    given = undefined;
    const value = secretOf(token, config);
    if (value instanceof Failure) {
      prompt.say(failureText(value));
      continue;
    }
    const answers: BotAnswers = { ...flags, token, value };
    const outcome = await tryBot(prompt, { answers, config, deps });
    if (outcome === "later") return undefined;
    if (outcome !== "anew") return outcome.adapter;
  }
}

/** The token, or where it is. */
async function askToken(prompt: Prompt, { type, config }: { type: string; config: Config }): Promise<SecretRef> {
  const { tokenVariable } = platformOf(type);
  if (config.environment(tokenVariable) !== undefined) {
    const source = await prompt.choose("Where is the token?", [
      { value: "found", label: `In ${tokenVariable}, as it is set now` },
      { value: "paste", label: "I paste it here (kept in settings.json, readable by you alone)" },
    ] as const);
    if (source === "found") return { env: tokenVariable };
  }
  return await prompt.secret("Token");
}

/** The token itself, or why there is none. */
export function secretOf(token: SecretRef, config: Pick<Config, "secret">): string | Failure {
  try {
    return config.secret(token).trim();
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
}

/** Tries one token; the settings are written when it works, or when the person wants it so. */
async function tryBot(
  prompt: Prompt,
  { answers, config, deps }: { answers: BotAnswers; config: Config; deps: ConnectDeps },
): Promise<{ adapter: string } | "anew" | "later"> {
  const { places } = deps;
  const { label, botOf } = platformOf(answers.type);
  if (botOf(answers.value) === undefined) {
    prompt.say(`This has not the form of a token of ${label}: digits, a colon, and letters`);
    return "anew";
  }
  const { adapter, patch } = botPatch(answers, config);
  for (;;) {
    prompt.progress(`Asking ${label} …`);
    const inspection = await prompt.during(async () => inspectBot(await rehearse(places, patch), { adapter, places }));
    prompt.progress(undefined);
    const keep = async () => {
      await keepSettings(places.settings, patch);
      deps.note("settings");
      prompt.say(`Wrote ${places.settings}`);
      return { adapter };
    };
    const [worst] = hindrances(inspection);
    if (worst === undefined) {
      if (inspection.self !== undefined) prompt.say(`This is ${inspection.self.name}: ${inspection.self.link()}`);
      sayNotes(prompt, inspection);
      return await keep();
    }
    prompt.say(remarkText(worst));
    const again = { value: "again", label: "Try again" } as const;
    const anew = { value: "anew", label: "Give another token" } as const;
    const next = await prompt.choose("What now?", [
      ...(worst.fix === undefined ? [] : [{ value: "fix", label: "Remove the webhook" } as const]),
      // The same wrong token is as wrong again: what helps stands first.
      ...(worst.about === "token" ? [anew, again] : [again, anew]),
      ...(worst.about === "token" ? [] : [{ value: "keep", label: "Keep it as it is, and go on" } as const]),
      { value: "later", label: "Do without it now" } as const,
    ]);
    if (next === "anew" || next === "later") return next;
    if (next === "keep") return await keep();
    if (next === "fix") await mend(prompt, worst);
  }
}

/** What is worth a word and hinders nothing. */
function sayNotes(prompt: Prompt, { remarks }: Inspection): void {
  for (const remark of remarks) if (remark.level === "warn") prompt.say(`Note: ${remarkText(remark)}`);
}

async function mend(prompt: Prompt, { fix }: Remark): Promise<void> {
  try {
    const done = await fix?.();
    if (done !== undefined) prompt.say(`Done: ${done}`);
  } catch (error) {
    prompt.say(failureText(failureData(error)));
  }
}

/**
 * Goes on from a bot in settings to an answer in its chat; what is right already is not done again.
 * @returns what came out: `fine` when all was right before, `done` when it is now, `later` when something is left.
 */
export async function finishBot(prompt: Prompt, { adapter, deps }: { adapter: string; deps: ConnectDeps }) {
  const { places, io } = deps;
  const config = await loadLaunchConfig({ "state-dir": places.stateDir });
  const self = await soundBot(prompt, { adapter, config, deps });
  if (self === undefined) return "later" as const;
  const step = await missingStep(places, adapter);
  if (step !== "runs" && !(await up(prompt, { step, adapter, places, io }))) return "later" as const;
  await waitConnected(prompt, { places, adapter });
  const admins = config.settings.adapters[adapter]?.admins ?? [];
  const meeting: Meeting = { adapter, admins, self, ask: createAsk(places), places };
  const owners = await ownersOf(meeting, deps.flags);
  for (const owner of owners)
    if (await hasAnswered(meeting, owner)) return sayReady(prompt, { self, owner, fine: step === "runs" });
  const owner =
    owners.length === 0 ? await pairOwner(prompt, { meeting, deps }) : await reachOwner(prompt, { meeting, owners });
  if (owner === undefined) return "later" as const;
  return await converse(prompt, { meeting, owner });
}

/** Who owns the bot; whom the options name does when nobody else does yet. */
async function ownersOf({ ask, adapter, admins }: Meeting, { owner }: BotFlags): Promise<Person[]> {
  const owners = await ask.owners(adapter, admins);
  if (owners.length > 0 || owner === undefined) return owners;
  await ask.makeOwner(adapter, owner);
  return await ask.owners(adapter, admins);
}

function sayReady(prompt: Prompt, { self, owner, fine }: { self: BotSelf; owner: Person; fine: boolean }) {
  prompt.say(`${self.name} is connected and answers ${personText(owner)}: ${self.link()}`);
  return fine ? ("fine" as const) : ("done" as const);
}

/** The bot in settings, mended until nothing stands in its way. */
async function soundBot(
  prompt: Prompt,
  { adapter, config, deps }: { adapter: string; config: Config; deps: ConnectDeps },
): Promise<BotSelf | undefined> {
  let current = config;
  for (;;) {
    const inspection = await prompt.during(() => inspectBot(current, { adapter, places: deps.places, listen: false }));
    const [worst] = hindrances(inspection);
    if (worst === undefined) return inspection.self;
    prompt.say(`${adapter}: ${remarkText(worst)}`);
    const next = await prompt.choose("What now?", [
      ...(worst.fix === undefined ? [] : [{ value: "fix", label: "Remove the webhook" } as const]),
      { value: "again", label: "Try again" } as const,
      ...(worst.about === "token" ? [{ value: "anew", label: "Give the token anew" } as const] : []),
      { value: "later", label: "Leave it so" } as const,
    ]);
    if (next === "later") return undefined;
    if (next === "fix") await mend(prompt, worst);
    if (next !== "anew") continue;
    const { type } = config.settings.adapters[adapter] ?? deps.flags;
    const token = await askToken(prompt, { type, config });
    await keepSettings(deps.places.settings, { adapters: { [adapter]: { [platformOf(type).tokenKey]: token } } });
    deps.note("settings");
    current = await loadLaunchConfig({ "state-dir": deps.places.stateDir });
  }
}

/** Has the instance run with the settings. @returns false when the person does not want it now. */
async function up(
  prompt: Prompt,
  { step, adapter, places, io }: { step: Way; adapter: string; places: Places; io: Io },
): Promise<boolean> {
  if (step === "restart" && !(await prompt.yes("Restart the running instance, so that it takes the settings?", true))) {
    prompt.say("It takes them at: remoteagent restart");
    return false;
  }
  if (step !== "start" || !(await mayInstall(places))) {
    await bringUp(step, { places, io });
    return true;
  }
  const how = await prompt.choose("How shall it run?", [
    { value: "service", label: "As a service: from boot on, and again after a crash" },
    { value: "start", label: "In the background, until the next boot" },
  ] as const);
  try {
    if (how === "service") await installService({ places, io });
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    prompt.say(
      `${failureText(error)}\nSo it runs in the background; a service may come later: remoteagent service install`,
    );
  }
  await bringUp(await missingStep(places, adapter), { places, io });
  return true;
}

/** Prints codes until somebody has paired. */
async function pairOwner(
  prompt: Prompt,
  { meeting, deps }: { meeting: Meeting; deps: ConnectDeps },
): Promise<Person | undefined> {
  for (;;) {
    const code = await makeCode(prompt, meeting);
    if (code === undefined) return undefined;
    deps.note("pairing");
    prompt.say(codeText(code, meeting.self));
    const owner = await waitPaired(prompt, meeting, code);
    if (owner !== undefined) {
      deps.note("settings");
      prompt.say(`${personText(owner)} is the owner now`);
      return owner;
    }
    if (!(await prompt.yes("Nobody paired, and the code works no more. Make another one?", true))) return undefined;
  }
}

async function makeCode(prompt: Prompt, { ask, adapter }: Meeting) {
  try {
    return await ask.makeCode(adapter);
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== "usage") throw error;
    prompt.say(error.message);
    if (!(await prompt.yes("Take them back and make a new one?", true))) return undefined;
    await ask.clearCodes();
    return await ask.makeCode(adapter);
  }
}

/** The first of those who are owners already to whom the bot may write. */
async function reachOwner(
  prompt: Prompt,
  { meeting, owners }: { meeting: Meeting; owners: readonly Person[] },
): Promise<Person | undefined> {
  const owner = owners.find(({ direct }) => direct !== undefined) ?? owners[0];
  if (owner === undefined || owner.direct !== undefined) return owner;
  prompt.say(`Open ${meeting.self.link()} as ${personText(owner)} and press Start`);
  const reached = await waitReached(prompt, meeting, owner);
  if (reached === undefined) prompt.say(`${personText(owner)} did not come; remoteagent setup goes on from here`);
  return reached;
}

/** The agent's first word, tried until it has arrived or the person has enough. */
async function converse(prompt: Prompt, { meeting, owner }: { meeting: Meeting; owner: Person }) {
  for (;;) {
    const failure = await firstAnswer(prompt, meeting, owner);
    if (failure === undefined) {
      prompt.say(`An answer has arrived. Go on there: ${meeting.self.link()}`);
      return "done" as const;
    }
    prompt.say(failureText(failure));
    if (!(await prompt.yes("Try again?", true))) return "later" as const;
  }
}

/** The token that options or the environment give; undefined when they give none. @throws Failure `usage`. */
export function tokenOfFlags(
  { token, file, variable }: { token: string | undefined; file: string | undefined; variable: string },
  environment: Config["environment"],
): SecretRef | undefined {
  if (token !== undefined && file !== undefined)
    throw new Failure("usage", "Cannot take a token both from the command line and from a file");
  if (token !== undefined) return token.trim();
  if (file !== undefined) return { file: resolve(file) };
  return environment(variable) === undefined ? undefined : { env: variable };
}
