// The dialogue from a bot in settings to an answer in its chat: the instance, the owner, the first words.
import type { BotSelf, Inspection } from "../../adapters/inspection.ts";
import type { Config } from "../../config/load.ts";
import { Failure, failureText } from "../../core/failure.ts";
import type { Io } from "../io.ts";
import { loadLaunchConfig, type Places } from "../places.ts";
import { createAsk, type Person } from "./ask.ts";
import { hindrances, inspectBot, keepSettings, platformOf, remarkText } from "./bots.ts";
import { bringUp, installService, mayInstall, missingStep, type Way, waitConnected } from "./bring-up.ts";
import type { BotFlags } from "./options.ts";
import {
  codeText,
  firstAnswer,
  hasAnswered,
  invitationText,
  type Meeting,
  personText,
  reachText,
  waitInvited,
  waitPaired,
  waitReached,
} from "./pairing.ts";
import type { Prompt } from "./prompt.ts";
import { askToken, type ConnectDeps, mend } from "./token.ts";

/**
 * Goes on from a bot in settings to an answer in its chat; what is right already is not done again.
 * @returns what came out: `fine` when all was right before, `done` when it is now, `later` when something is left.
 */
export async function finishBot(prompt: Prompt, { adapter, deps }: { adapter: string; deps: ConnectDeps }) {
  const { places, io } = deps;
  const config = await loadLaunchConfig({ "state-dir": places.stateDir });
  const inspection = await soundBot(prompt, { adapter, config, deps });
  const self = inspection?.self;
  if (inspection === undefined || self === undefined) return "later" as const;
  const step = await missingStep(places, adapter);
  if (step !== "runs" && !(await up(prompt, { step, adapter, places, io }))) return "later" as const;
  await waitConnected(prompt, { places, adapter });
  const admins = config.settings.adapters[adapter]?.admins ?? [];
  const { startsByLink } = platformOf(deps.flags.type);
  const meeting: Meeting = { adapter, admins, self, startsByLink, ask: createAsk(places), places };
  const owners = await ownersOf(meeting, deps.flags);
  for (const owner of owners)
    if (await hasAnswered(meeting, owner)) return sayReady(prompt, { self, owner, fine: step === "runs" });
  if (!(await letIn(prompt, { meeting, inspection }))) return "later" as const;
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
): Promise<Inspection | undefined> {
  let current = config;
  for (;;) {
    const inspection = await prompt.during(() => inspectBot(current, { adapter, places: deps.places, listen: false }));
    const [worst] = hindrances(inspection);
    if (worst === undefined) return inspection;
    prompt.say(`${adapter}: ${remarkText(worst)}`);
    const { type } = config.settings.adapters[adapter] ?? deps.flags;
    const { tokens } = platformOf(type);
    const token = tokens.find(({ key }) => key === worst.token) ?? tokens[0];
    const again = { value: "again", label: "Try again" } as const;
    const anew = { value: "anew", label: `Give the ${token.label} anew` } as const;
    const next = await prompt.choose("What now?", [
      ...(worst.fix === undefined ? [] : [{ value: "fix", label: "Remove the webhook" } as const]),
      ...(worst.about === "token" ? [anew, again] : [again]),
      { value: "later", label: "Leave it so" } as const,
    ]);
    if (next === "later") return undefined;
    if (next === "fix") await mend(prompt, worst);
    if (next !== "anew") continue;
    const ref = await askToken(prompt, { token, config });
    await keepSettings(deps.places.settings, { adapters: { [adapter]: { [token.key]: ref } } });
    deps.note("settings");
    current = await loadLaunchConfig({ "state-dir": deps.places.stateDir });
  }
}

/** Waits until the bot is let in where people can write to it. @returns false when the person does not want it now. */
async function letIn(
  prompt: Prompt,
  { meeting, inspection }: { meeting: Meeting; inspection: Inspection },
): Promise<boolean> {
  const { invitation } = inspection;
  if (invitation === undefined || invitation.accepted) return true;
  prompt.say(invitationText(invitation));
  while (!(await waitInvited(prompt, meeting))) {
    if (!(await prompt.yes("Nobody has let it in yet. Wait on?", true))) return false;
  }
  prompt.say("It is let in");
  return true;
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
    prompt.say(codeText(code, meeting));
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
  prompt.say(reachText(owner, meeting));
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
