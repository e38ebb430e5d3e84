// One shell command as the bash tool starts it, and how its end is told.
import { Failure } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import type { Exit, Running } from "../sandbox/sandbox.ts";
import type { Clock } from "../sys/clock.ts";
import { oneLine } from "../workspace/names.ts";
import { type Collected, createCollector } from "./output.ts";
import { bytesText, secondsText } from "./quantity.ts";
import { type ToolContext, type ToolResult, textResult } from "./tool.ts";

/** Bounds of one command and of all that it starts. */
export interface CommandBounds {
  memoryBytes: number;
  processes: number;
}

/** What commands are run with. */
export interface CommandDeps {
  clock: Pick<Clock, "sleep">;
  bounds: CommandBounds;
}

/** @throws Failure `tool` for what bash could not even be given. */
export function checkCommand(command: string): void {
  if (command.trim() === "") throw new Failure("tool", "Cannot run a command: `command` is empty");
  if (command.includes("\0")) throw new Failure("tool", "Cannot run the command: it contains a NUL character");
  const bytes = Buffer.byteLength(command);
  if (bytes <= limits.commandBytesMax) return;
  throw new Failure("tool", `Cannot run the command: it has ${bytes} bytes and ${limits.commandBytesMax} are allowed`, {
    hint: "Write it to a file and run that",
  });
}

/**
 * The argument vector of a command whose outputs go where `redirection` says. It stands on the command's own
 * first line, so that the line numbers in bash's errors are right.
 */
export function shellArgv(redirection: string, command: string): string[] {
  return ["bash", "--norc", "--noprofile", "-c", `exec ${redirection}; ${command}`];
}

/** Why a command ended, when it did not end well. */
export function endingText(
  exit: Exit,
  { timeMs, bounds }: { timeMs: number; bounds: CommandBounds },
): string | undefined {
  if ("code" in exit) return exit.code === 0 ? undefined : `Command exited with code ${exit.code}`;
  if ("signal" in exit) return `Command was killed by ${exit.signal}`;
  switch (exit.limit) {
    case "time":
      return `Command timed out after ${secondsText(timeMs)}`;
    case "output":
      return `Command was stopped: it printed more than ${bytesText(limits.outputBytesMax)}`;
    case "memory":
      return `Command was stopped: it used more than ${bytesText(bounds.memoryBytes)} of memory`;
    case "processes":
      return `Command was stopped: it started more than ${bounds.processes} processes`;
  }
}

/** A command that is waited for. */
export interface Foreground {
  command: string;
  timeMs: number;
  context: ToolContext;
}

/** Runs a command to its end and tells what it printed. Standard error goes into the same pipe, so that lines keep their order. */
export async function runCommand(deps: CommandDeps, { command, timeMs, context }: Foreground): Promise<ToolResult> {
  if (context.signal.aborted) return textResult("Command aborted", false);
  const running = await context.sandbox.spawn({
    argv: shellArgv("2>&1", command),
    scope: context.scope,
    stdin: null,
    limits: {
      timeMs,
      outputBytes: limits.outputBytesMax,
      memoryBytes: deps.bounds.memoryBytes,
      processes: deps.bounds.processes,
    },
  });
  const abort = killOnAbort(running, context);
  try {
    const collector = createCollector(context);
    const drained = Promise.all([collector.drain(running.stdout), collector.drain(running.stderr)]);
    const exit = await running.done;
    await closePipes(running, { drained, clock: deps.clock });
    const collected = await collector.finish();
    const finishedWell = "code" in exit && exit.code === 0;
    const aborted = finishedWell ? undefined : await abort.report();
    const ending = aborted ?? endingText(exit, { timeMs, bounds: deps.bounds });
    return textResult(resultText(collected, ending), ending === undefined);
  } finally {
    abort.dispose();
  }
}

/** Kills the turn's trees when it is stopped; `report` then says so, and what would not die. */
function killOnAbort(running: Running, { sandbox, scope, signal }: ToolContext) {
  let killing: Promise<string> | undefined;
  const kill = async (): Promise<string> => {
    const { survivors } = await sandbox.kill(scope);
    const alive = survivors.map((one) => `${one.pid} (${oneLine(one.command, 60)})`).join(", ");
    return alive === "" ? "Command aborted" : `Command aborted; still alive: ${alive}`;
  };
  const onAbort = () => {
    killing = kill().catch(() => {
      running.signal("SIGKILL");
      return "Command aborted";
    });
  };
  signal.addEventListener("abort", onAbort, { once: true });
  // Stopped while it was being started.
  if (signal.aborted) onAbort();
  return {
    report: async (): Promise<string | undefined> => await killing,
    dispose: () => signal.removeEventListener("abort", onAbort),
  };
}

/** A child that goes on (`sleep 100 &`) holds the pipe open: the command's own output is read, the rest is not waited for. */
async function closePipes(
  running: Running,
  { drained, clock }: { drained: Promise<unknown>; clock: Pick<Clock, "sleep"> },
): Promise<void> {
  const patience = new AbortController();
  const late = clock.sleep(limits.pipeGraceMs, patience.signal).then(() => "late" as const);
  if ((await Promise.race([drained, late])) === "late") {
    running.stdout.destroy();
    running.stderr.destroy();
    await drained;
  }
  patience.abort();
}

function resultText(output: Collected, ending: string | undefined): string {
  const parts = [output.text === "" && ending === undefined ? "(no output)" : output.text];
  if (output.cut) {
    const bytes = `${bytesText(Buffer.byteLength(output.text))} of ${bytesText(output.totalBytes)}`;
    const shown = `the last ${output.shownLines} of ${output.totalLines} lines (${bytes}) are shown`;
    const rest =
      output.path === undefined
        ? `the rest could not be kept: ${output.lost ?? "unknown"}`
        : `all of it is in ${output.path}`;
    parts.push(`[Output was cut: ${shown}; ${rest}]`);
  }
  if (ending !== undefined) parts.push(ending);
  return parts.filter((part) => part !== "").join("\n\n");
}
