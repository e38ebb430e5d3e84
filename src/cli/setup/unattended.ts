// Bots without questions, for `setup --yes`: everything from options and the environment, each step told.
import type { Inspection } from "../../adapters/inspection.ts";
import { Failure } from "../../core/failure.ts";
import { exit } from "../exit.ts";
import type { Io } from "../io.ts";
import { loadLaunchConfig, type Places } from "../places.ts";
import { createAsk } from "./ask.ts";
import { botPatch, hindrances, inspectBot, keepSettings, notes, platformOf, secretOf } from "./bots.ts";
import { bringUp, missingStep, waitConnected } from "./bring-up.ts";
import { rehearse } from "./check.ts";
import { type BotFlags, tokenOptions } from "./options.ts";
import {
  codeText,
  firstAnswer,
  hasAnswered,
  invitationText,
  type Meeting,
  personText,
  waitInvited,
  waitPaired,
  waitReached,
} from "./pairing.ts";
import type { Talk } from "./prompt.ts";

export interface UnattendedDeps {
  places: Places;
  io: Io;
  /** The platform is asked about the bot first. */
  check: boolean;
  /** The instance is started or restarted, so that it takes the settings. */
  start: boolean;
  /** Ends only when an answer has arrived. */
  wait: boolean;
  removeWebhook: boolean;
}

/** @returns the exit code. @throws Failure `usage`, or with what stands in the way. */
export async function connectUnattended(bots: readonly BotFlags[], deps: UnattendedDeps): Promise<number> {
  const { places, io } = deps;
  // What is missing is said before anything is written.
  for (const flags of bots) await tokensOf(flags, places);
  const ready: { flags: BotFlags; adapter: string }[] = [];
  for (const flags of bots) ready.push({ flags, adapter: await prepare(flags, deps) });
  if (!deps.start) {
    const owned = ready.every(({ flags }) => flags.owner !== undefined);
    const owner = owned ? "" : "; remoteagent pair prints a code for its owner then";
    io.out(`The instance takes it at its next start${owner}\n`);
    return exit.done;
  }
  const talk = talkOf(io);
  await bringUp(await missingStep(places, ...ready.map(({ adapter }) => adapter)), { places, io });
  for (const { adapter } of ready) await waitConnected(talk, { places, adapter });
  for (const one of ready) await meet(talk, { ...deps, ...one });
  return exit.done;
}

/** The bot's own token itself, once all that it needs is there and looks right. @throws Failure */
async function tokensOf({ type, tokens }: BotFlags, places: Places): Promise<string> {
  const platform = platformOf(type);
  const config = await loadLaunchConfig({ "state-dir": places.stateDir });
  const values = platform.tokens.map((token) => {
    const ref = tokens[token.key];
    if (ref === undefined)
      throw new Failure("usage", `Cannot connect ${platform.label}: its ${token.label} is missing`, {
        hint: `Give it with ${tokenOptions(type, token)}`,
      });
    const value = secretOf(ref, config);
    if (value instanceof Failure) throw value;
    if (token.fits(value)) return value;
    throw new Failure("usage", `Cannot connect ${platform.label}: the ${token.label} has not the form of one`, {
      hint: `It has ${token.form}`,
    });
  });
  return values[0] ?? "";
}

/** Looks at a bot, and writes it down with its owner. @returns its name in settings. */
async function prepare(flags: BotFlags, deps: UnattendedDeps): Promise<string> {
  const { places, io } = deps;
  const value = await tokensOf(flags, places);
  const config = await loadLaunchConfig({ "state-dir": places.stateDir });
  const { adapter, patch } = botPatch({ ...flags, value }, config);
  const rehearsed = await rehearse(places, patch);
  if (deps.check) await checkBot({ ...deps, inspect: () => inspectBot(rehearsed, { adapter, places }) });
  if (await keepSettings(places.settings, patch)) io.out(`Wrote ${places.settings}\n`);
  if (flags.owner !== undefined) {
    await createAsk(places).makeOwner(adapter, flags.owner);
    io.out(`Its owner is id ${flags.owner}\n`);
  }
  return adapter;
}

async function checkBot(deps: UnattendedDeps & { inspect(): Promise<Inspection> }): Promise<void> {
  const { io, removeWebhook } = deps;
  let inspection = await deps.inspect();
  const [webhook] = hindrances(inspection).filter(({ about }) => about === "webhook");
  if (removeWebhook && webhook?.fix !== undefined) {
    io.out(`Done: ${await webhook.fix()}\n`);
    inspection = await deps.inspect();
  }
  const [worst] = hindrances(inspection);
  if (worst !== undefined) {
    const mend = worst.about === "webhook" ? "If no other program needs it, add --remove-webhook" : worst.mend;
    throw new Failure("internal", worst.text, mend === undefined ? {} : { hint: mend });
  }
  if (inspection.self !== undefined) io.out(`This is ${inspection.self.name}: ${inspection.self.link()}\n`);
  for (const note of notes(inspection)) io.err(`${note}\n`);
}

/** The owner, as far as one is known or waited for. @throws Failure when they, or the answer, did not come. */
async function meet(talk: Talk, deps: UnattendedDeps & { flags: BotFlags; adapter: string }): Promise<void> {
  const { places, adapter, wait, io, flags } = deps;
  const config = await loadLaunchConfig({ "state-dir": places.stateDir });
  const { self, invitation } = await inspectBot(config, { adapter, places, listen: false });
  if (self === undefined) throw new Failure("internal", `Cannot ask ${JSON.stringify(adapter)} for its name`);
  const admins = config.settings.adapters[adapter]?.admins ?? [];
  const { startsByLink } = platformOf(flags.type);
  const meeting: Meeting = { adapter, admins, self, startsByLink, ask: createAsk(places), places };
  const owners = await meeting.ask.owners(adapter, admins);
  if (wait) for (const owner of owners) if (await hasAnswered(meeting, owner)) return;
  if (invitation?.accepted === false) {
    io.out(`${invitationText(invitation)}\n`);
    if (wait && !(await waitInvited(talk, meeting)))
      throw new Failure("internal", "Nobody let the bot in in time", { hint: again });
  }
  const [first] = owners;
  if (first === undefined) {
    const code = await meeting.ask.makeCode(adapter);
    io.out(`${codeText(code, meeting)}\n`);
    if (!wait) return;
    const owner = await waitPaired(talk, meeting, code);
    if (owner === undefined) throw new Failure("internal", "Nobody paired in time", { hint: again });
    io.out(`${personText(owner)} is the owner now\n`);
    return await converse(talk, { meeting, owner, io });
  }
  io.out(`Go on there, as ${personText(first)}: ${self.link()}\n`);
  if (!wait) return;
  const owner = owners.find(({ direct }) => direct !== undefined) ?? (await waitReached(talk, meeting, first));
  if (owner === undefined) throw new Failure("internal", `${personText(first)} did not come`, { hint: again });
  await converse(talk, { meeting, owner, io });
}

const again = "What was done is kept: the same command goes on from here, or remoteagent pair";

async function converse(
  talk: Talk,
  { meeting, owner, io }: { meeting: Meeting; owner: Parameters<typeof personText>[0]; io: Io },
): Promise<void> {
  const failure = await firstAnswer(talk, meeting, owner);
  if (failure !== undefined) throw new Failure(failure.code, failure.message, { hint: failure.hint ?? again });
  io.out("An answer has arrived\n");
}

/** Says things and asks nothing. */
function talkOf(io: Io): Talk {
  return {
    say: (text) => io.out(`${text}\n`),
    progress: () => undefined,
    during: async (work) => await work(new AbortController().signal),
  };
}
