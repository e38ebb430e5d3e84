// `pair`: a one-time code that makes whoever sends it to the bot its owner, an admin or a member.
import { Failure } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import { exit } from "./exit.ts";
import { findInstance } from "./instance.ts";
import { askAdmin } from "./offline.ts";
import { findPlaces, loadLaunchConfig } from "./places.ts";
import { localTime } from "./table.ts";
import { jsonArg, verb } from "./verb.ts";

/** A code as the instance, or the store, made it. */
interface Made {
  code: string;
  role: string;
  adapter: string | null;
  expiresAt: number;
}

const minutes = Math.round(limits.pairMs / 60_000);

export const pair = verb({
  name: "pair",
  summary: "Print a code that makes you known to your bot",
  args: {
    role: { type: "string", valueHint: "role", description: "owner (default), admin or member" },
    adapter: { type: "string", valueHint: "name", description: "The code works on this adapter alone" },
    clear: { type: "boolean", description: "Take back every code that still works" },
    ...jsonArg,
  },
  notes: `A code works once and for ${minutes} minutes, in a direct chat with the bot`,
  async run(args, io) {
    const stateDir = args["state-dir"];
    if (args.clear === true) {
      const { cleared } = await ask<{ cleared: number }>("pairings-clear", {}, stateDir);
      io.out(args.json === true ? `${JSON.stringify({ cleared })}\n` : `${clearedText(cleared)}\n`);
      return exit.done;
    }
    const adapters = await adapterNames(args);
    if (args.adapter !== undefined && !adapters.includes(args.adapter))
      throw new Failure("usage", `Cannot pair on ${JSON.stringify(args.adapter)}: settings have no such adapter`, {
        hint: adapters.length === 0 ? "remoteagent setup adds one" : `Known: ${adapters.join(", ")}`,
      });
    const { role, adapter } = args;
    const wanted = { ...(role === undefined ? {} : { role }), ...(adapter === undefined ? {} : { adapter }) };
    const made = await ask<Made>("pairings-create", wanted, stateDir);
    if (args.json === true) {
      io.out(`${JSON.stringify(made, null, 2)}\n`);
      return exit.done;
    }
    const running = (await findInstance(findPlaces(args))).state === "up";
    io.out(madeText(made, { adapters, running }));
    return exit.done;
  },
});

function clearedText(count: number): string {
  return count === 0 ? "No code was open" : `Took back ${count} code${count === 1 ? "" : "s"}`;
}

/** What to do with the code, and what is still missing for that. */
function madeText(
  { code, role, adapter, expiresAt }: Made,
  { adapters, running }: { adapters: readonly string[]; running: boolean },
): string {
  const where = adapter === null ? "your bot" : `your bot on ${adapter}`;
  const lines = [
    "",
    `    ${code}`,
    "",
    ...(role === "owner"
      ? [`Send this to ${where} in a direct chat, and you are its owner.`]
      : [`Give this to the person: who sends it to ${where} in a direct chat is its ${role}.`]),
    `It works once, until ${localTime(expiresAt)}. Whoever has it can use it: show it to nobody${role === "owner" ? "" : " else"}.`,
  ];
  if (adapters.length === 0) lines.push("There is no bot yet: remoteagent setup connects one.");
  else if (!running) lines.push("RemoteAgent is not running, so the bot does not listen: remoteagent start");
  return `${lines.join("\n")}\n`;
}

/** The adapters that settings name. */
async function adapterNames(args: { "state-dir"?: string | undefined }): Promise<string[]> {
  const stateDir = args["state-dir"];
  const config = await loadLaunchConfig(stateDir === undefined ? {} : { "state-dir": stateDir });
  return Object.keys(config.settings.adapters);
}

async function ask<Data>(command: string, args: Record<string, unknown>, stateDir: string | undefined): Promise<Data> {
  const answer = await askAdmin({ id: "1", command, args }, { stateDir });
  if (answer.ok) return answer.data as Data;
  const [sentence = "", ...hint] = answer.error.message.split("\n");
  const code = answer.error.code === "invalid-args" ? "usage" : "internal";
  throw new Failure(code, sentence, hint.length === 0 ? {} : { hint: hint.join("\n") });
}
