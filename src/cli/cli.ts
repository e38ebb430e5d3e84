// argv → one verb → an exit code. Errors become one sentence and its hint here, and nowhere else.

import { closest } from "../core/closest.ts";
import { Failure, failureText } from "../core/failure.ts";
import { exit, exitCode, runExitCode } from "./exit.ts";
import { type Io, processIo } from "./io.ts";
import type { Verb } from "./verb.ts";
import { nouns, verbs } from "./verbs.ts";

/** Runs the command line and gives the exit code. Never throws. */
export async function main(argv: string[], io: Io = processIo()): Promise<number> {
  const { name, rest } = split(argv);
  try {
    return await dispatch(name, { rest, io });
  } catch (error) {
    io.err(`${sentence(error)}\n`);
    if (rest.includes("--verbose") && error instanceof Error) io.err(`${trace(error)}\n`);
    return name === "run" ? runExitCode(error) : exitCode(error);
  }
}

async function dispatch(name: string | undefined, { rest, io }: { rest: string[]; io: Io }): Promise<number> {
  const options = rest.slice(0, rest.includes("--") ? rest.indexOf("--") : rest.length);
  const wantsHelp = options.includes("--help") || options.includes("-h");
  if (name === undefined || name === "help") return await showHelp(name === undefined ? undefined : rest[0], io);
  if (Object.hasOwn(nouns, name)) {
    const { runNoun } = await import("./noun.ts");
    return await runNoun(name, { argv: wantsHelp ? ["help"] : rest, io });
  }
  const verb = await loadVerb(name);
  if (wantsHelp) return await showHelp(name, io);
  return await verb.run(rest, io);
}

/** The verb by its name, with the options that all verbs take. @throws Failure `usage` with the nearest name. */
async function loadVerb(name: string): Promise<Verb> {
  const entry = Object.hasOwn(verbs, name) ? verbs[name] : undefined;
  if (entry === undefined) {
    const [near] = closest(name, [...Object.keys(verbs), ...Object.keys(nouns), "help"], { max: 1 });
    throw new Failure("usage", `Unknown command ${JSON.stringify(name)}`, {
      hint: near === undefined ? "remoteagent help lists the commands" : `Did you mean remoteagent ${near}?`,
    });
  }
  return await entry.load();
}

async function showHelp(name: string | undefined, io: Io): Promise<number> {
  const { overview, verbHelp } = await import("./help.ts");
  const { proseCells } = await import("./hang.ts");
  if (name === undefined || name.startsWith("-")) {
    io.out(`${overview(proseCells(io.columns))}\n`);
    return exit.done;
  }
  if (Object.hasOwn(nouns, name)) {
    const { runNoun } = await import("./noun.ts");
    return await runNoun(name, { argv: ["help"], io });
  }
  io.out(`${verbHelp(await loadVerb(name), proseCells(io.columns))}\n`);
  return exit.done;
}

/** The verb's name, and everything else in its order: options that all verbs take may stand before the name. */
function split(argv: string[]): { name: string | undefined; rest: string[] } {
  let at = 0;
  while (argv[at]?.startsWith("-") === true && argv[at] !== "--help" && argv[at] !== "-h")
    at += argv[at] === "--state-dir" ? 2 : 1;
  const name = argv[at];
  if (name === undefined || name === "--help" || name === "-h") {
    const [odd] = argv;
    return odd === undefined || name !== undefined ? { name: undefined, rest: [] } : { name: odd, rest: [] };
  }
  return { name, rest: [...argv.slice(0, at), ...argv.slice(at + 1)] };
}

function sentence(error: unknown): string {
  if (error instanceof Failure) return failureText(error);
  const words = error instanceof Error ? error.message : String(error);
  return `Something went wrong inside remoteagent: ${words}\nThe same command with --verbose shows where`;
}

/** The stack, with what a failure kept for the log and the causes below it. */
function trace(error: Error): string {
  const lines = [error.stack ?? error.message];
  if (error instanceof Failure && error.detail !== undefined) lines.push(`Detail: ${error.detail}`);
  if (error.cause instanceof Error) lines.push(`Cause: ${error.cause.stack ?? error.cause.message}`);
  return lines.join("\n");
}
