// `chat`: the terminal's screen over the running instance, or over one that this process is itself meanwhile.
import { join, resolve } from "node:path";
import { systemEnvironment } from "../config/load.ts";
import { Failure } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import { systemClock } from "../sys/clock.ts";
import { createUnixClient } from "../sys/unix-client.ts";
import { guardAgainstCrashes } from "./crash.ts";
import type { Embodied } from "./embody.ts";
import { reportLines } from "./halt.ts";
import { alreadyRunning, findInstance, waitFor } from "./instance.ts";
import type { Io } from "./io.ts";
import { findPlaces, type LaunchArgs, loadLaunchConfig, type Places, settingsArgs } from "./places.ts";
import { type Prelude, withPrelude } from "./prelude.ts";
import { connectChat } from "./terminal/connection.ts";
import { processSignals } from "./terminal/port.ts";
import { runChat } from "./terminal/run.ts";
import { jsonArg, verb } from "./verb.ts";

export const chat = verb({
  name: "chat",
  summary: "Talk to the agent in this terminal",
  rest: "message",
  args: {
    session: { type: "string", alias: "s", valueHint: "name", description: "Conversation by its name (main)" },
    new: { type: "boolean", description: "Begin a new session in it" },
    folder: { type: "string", valueHint: "folder", description: "A folder of yours to work in, such as ." },
    print: { type: "boolean", alias: "p", description: "No screen: print the answer and leave" },
    ...jsonArg,
    ...settingsArgs,
  },
  notes: [
    "Uses the running instance, else works alone until you leave. What follows is said at once:",
    '  remoteagent chat "what changed in this folder?" --folder .',
    "  git diff | remoteagent chat --print review this",
    "Exit code: 0, 1 when the turn failed or was stopped, 2 for an unknown command, 3 when the instance is gone",
  ].join("\n"),
  async run(args, io) {
    const places = findPlaces(args);
    let alone: Embodied | undefined;
    let restore: (() => void) | null = null;
    const guard = guardAgainstCrashes({ log: () => alone?.log, restore: () => restore?.() });
    try {
      alone = await aloneIfNeeded(places, args);
      return await runChat({
        connect: () => connect(places, args),
        input: process.stdin,
        output: process.stdout,
        errors: process.stderr,
        signals: processSignals,
        clock: systemClock,
        onRestore: (given) => {
          restore = given;
        },
        options: {
          conversation: args.session ?? "main",
          json: args.json === true,
          plain: args.print === true,
          historyPath: join(places.stateDir, "history"),
          ...look(systemEnvironment()),
          ...(args.folder === undefined ? {} : { folder: resolve(args.folder) }),
          ...(args._.length === 0 ? {} : { message: args._.join(" ") }),
        },
      });
    } finally {
      if (alone !== undefined) await leave(alone, io);
      guard.release();
    }
  },
});

/** Undefined when an instance answers; else this process has become one. */
async function aloneIfNeeded(places: Places, args: LaunchArgs): Promise<Embodied | undefined> {
  let found = await findInstance(places);
  if (found.state === "deaf") {
    // Most likely it is just starting.
    const look = async () => {
      const again = await findInstance(places);
      return again.state === "deaf" ? undefined : again;
    };
    found = (await waitFor(look, { ms: limits.holderGraceMs })) ?? found;
  }
  if (found.state === "deaf") throw alreadyRunning(found.holder);
  if (found.state === "up") {
    const fixed = (["sandbox", "isolation"] as const).find((name) => args[name] !== undefined);
    if (fixed !== undefined)
      throw new Failure("usage", `Cannot change --${fixed}: process ${found.status.pid} is running with its own`, {
        hint: "Change it in settings.json, then remoteagent restart",
      });
    return undefined;
  }
  const config = await loadLaunchConfig(args);
  const { embody } = await import("./embody.ts");
  return await embody(config, { alone: true, foreground: false });
}

async function leave({ app, ended }: Embodied, io: Io): Promise<void> {
  const report = await app.stop({ drainMs: 0, reason: "stop" });
  await ended;
  for (const line of reportLines({ ...report, drained: [] })) io.err(`${line}\n`);
}

function connect(places: Places, args: { session?: string; folder?: string; new?: boolean; model?: string }) {
  const client = createUnixClient(places.socket);
  const connection = connectChat({
    client,
    clock: systemClock,
    conversation: args.session ?? "main",
    ...(args.folder === undefined ? {} : { folder: resolve(args.folder) }),
  });
  const first: Prelude[] = [];
  if (args.new === true) first.push({ name: "new", args: "" });
  if (args.model !== undefined) first.push({ name: "model", args: args.model });
  return withPrelude({ ...connection, close: () => closeBoth(connection, client) }, first);
}

function closeBoth(...parts: { close(): void }[]): void {
  for (const part of parts) part.close();
}

/** What the terminal can do, by what it says of itself. */
function look(env: Readonly<Record<string, string>>): { color: boolean; links: boolean } {
  const color = process.stdout.isTTY && env.NO_COLOR === undefined && env.TERM !== "dumb";
  const program = env.TERM_PROGRAM ?? "";
  const known = ["iTerm.app", "WezTerm", "vscode", "ghostty"].includes(program);
  return { color, links: color && (known || Number(env.VTE_VERSION ?? 0) >= 5000 || env.TERM === "xterm-kitty") };
}
