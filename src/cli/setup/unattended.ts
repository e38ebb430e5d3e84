// A bot without questions, for `setup --yes`: everything from options and the environment, each step told.
import { Failure } from "../../core/failure.ts";
import { exit } from "../exit.ts";
import type { Io } from "../io.ts";
import { loadLaunchConfig, type Places } from "../places.ts";
import { createAsk } from "./ask.ts";
import { botPatch, inspectBot, keepSettings, platformOf } from "./bots.ts";
import { bringUp, missingStep, waitConnected } from "./bring-up.ts";
import { rehearse } from "./check.ts";
import { type BotFlags, hindrances, remarkText, secretOf } from "./connect.ts";
import { codeText, firstAnswer, hasAnswered, type Meeting, personText, waitPaired, waitReached } from "./pairing.ts";
import type { Talk } from "./prompt.ts";

export interface UnattendedDeps {
  places: Places;
  io: Io;
  flags: BotFlags & { token: NonNullable<BotFlags["token"]> };
  /** The platform is asked about the bot first. */
  check: boolean;
  /** The instance is started or restarted, so that it takes the settings. */
  start: boolean;
  /** Ends only when an answer has arrived. */
  wait: boolean;
  removeWebhook: boolean;
}

/** @returns the exit code. @throws Failure `usage`, or with what stands in the way. */
export async function connectUnattended(deps: UnattendedDeps): Promise<number> {
  const { places, io, flags } = deps;
  const { label, botOf } = platformOf(flags.type);
  const config = await loadLaunchConfig({ "state-dir": places.stateDir });
  const value = secretOf(flags.token, config);
  if (value instanceof Failure) throw value;
  if (botOf(value) === undefined)
    throw new Failure("usage", `Cannot connect ${label}: the token has not the form of one`, {
      hint: "It has digits, a colon, and letters",
    });
  const { adapter, patch } = botPatch({ ...flags, value }, config);
  const rehearsed = await rehearse(places, patch);
  if (deps.check) await checkBot({ ...deps, adapter, inspect: () => inspectBot(rehearsed, { adapter, places }) });
  if (await keepSettings(places.settings, patch)) io.out(`Wrote ${places.settings}\n`);
  if (flags.owner !== undefined) {
    await createAsk(places).makeOwner(adapter, flags.owner);
    io.out(`Its owner is id ${flags.owner}\n`);
  }
  if (!deps.start) {
    const owner = flags.owner === undefined ? "; remoteagent pair prints a code for its owner then" : "";
    io.out(`The instance takes it at its next start${owner}\n`);
    return exit.done;
  }
  const talk = talkOf(io);
  await bringUp(await missingStep(places, adapter), { places, io });
  await waitConnected(talk, { places, adapter });
  return await meet(talk, { ...deps, adapter });
}

async function checkBot(
  deps: UnattendedDeps & { adapter: string; inspect(): ReturnType<typeof inspectBot> },
): Promise<void> {
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
  for (const remark of inspection.remarks) if (remark.level === "warn") io.err(`Note: ${remarkText(remark)}\n`);
}

/** The owner, as far as one is known or waited for. */
async function meet(talk: Talk, deps: UnattendedDeps & { adapter: string }): Promise<number> {
  const { places, adapter, wait, io } = deps;
  const config = await loadLaunchConfig({ "state-dir": places.stateDir });
  const { self } = await inspectBot(config, { adapter, places, listen: false });
  if (self === undefined) throw new Failure("internal", `Cannot ask ${JSON.stringify(adapter)} for its name`);
  const admins = config.settings.adapters[adapter]?.admins ?? [];
  const meeting: Meeting = { adapter, admins, self, ask: createAsk(places), places };
  const owners = await meeting.ask.owners(adapter, admins);
  const [first] = owners;
  if (first === undefined) {
    const code = await meeting.ask.makeCode(adapter);
    io.out(`${codeText(code, self)}\n`);
    if (!wait) return exit.done;
    const owner = await waitPaired(talk, meeting, code);
    if (owner === undefined) throw new Failure("internal", "Nobody paired in time", { hint: again });
    io.out(`${personText(owner)} is the owner now\n`);
    return await converse(talk, { meeting, owner, io });
  }
  io.out(`Go on there, as ${personText(first)}: ${self.link()}\n`);
  if (!wait) return exit.done;
  for (const owner of owners) if (await hasAnswered(meeting, owner)) return exit.done;
  const owner = owners.find(({ direct }) => direct !== undefined) ?? (await waitReached(talk, meeting, first));
  if (owner === undefined) throw new Failure("internal", `${personText(first)} did not come`, { hint: again });
  return await converse(talk, { meeting, owner, io });
}

const again = "What was done is kept: the same command goes on from here, or remoteagent pair";

async function converse(
  talk: Talk,
  { meeting, owner, io }: { meeting: Meeting; owner: Parameters<typeof personText>[0]; io: Io },
): Promise<number> {
  const failure = await firstAnswer(talk, meeting, owner);
  if (failure !== undefined) throw new Failure(failure.code, failure.message, { hint: failure.hint ?? again });
  io.out("An answer has arrived\n");
  return exit.done;
}

/** Says things and asks nothing. */
function talkOf(io: Io): Talk {
  return {
    say: (text) => io.out(`${text}\n`),
    progress: () => undefined,
    during: async (work) => await work(new AbortController().signal),
  };
}
