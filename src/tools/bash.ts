// Runs a shell command in the sandbox, in the turn or behind it.
import * as v from "valibot";
import { assert } from "../core/assert.ts";
import { Failure } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import type { Exit, Running } from "../sandbox/sandbox.ts";
import type { Clock } from "../sys/clock.ts";
import { oneLine } from "../workspace/names.ts";
import { type Collected, createCollector } from "./output.ts";
import { bytesText, secondsText } from "./quantity.ts";
import { defineTool, type Tool, type ToolContext, type ToolResult, textResult } from "./tool.ts";

const secondsMax = limits.commandMsMax / 1000;

const schema = v.strictObject({
  command: v.optional(v.pipe(v.string(), v.description("The command for bash"))),
  label: v.optional(v.pipe(v.string(), v.description("What it does, in a few words, for the person who watches"))),
  timeout: v.optional(
    v.pipe(
      v.number(),
      v.minValue(1, "A timeout has at least 1 second"),
      v.maxValue(secondsMax, `A timeout has at most ${secondsMax} seconds`),
      v.description(`Seconds after which it is stopped; ${limits.commandMs / 1000} when left out`),
    ),
  ),
  background: v.optional(
    v.pipe(
      v.boolean(),
      v.description("Start it and go on at once, for servers and watchers; its output goes to a file"),
    ),
  ),
  stop: v.optional(
    v.pipe(v.number(), v.integer(), v.description("Number of a background command to stop, instead of `command`")),
  ),
});
type Input = v.InferOutput<typeof schema>;

const description = `Runs a bash command in the sandbox and returns what it printed (stdout and stderr together). \
Of long output the last ${limits.toolLinesMax} lines or ${limits.toolBytesMax / 1024} KB are shown; all of it is then in a file that the answer names. \
There is no input and no terminal: use flags that ask nothing. Commands that do not end by themselves belong in the background.`;

/** A background command that runs. */
interface Background {
  running: Running;
  command: string;
}

/** The tool. It remembers the background commands it started, so one instance serves the whole program. */
export function createBash({ clock }: { clock: Pick<Clock, "sleep"> }): Tool {
  const behind = new Map<string, Map<number, Background>>();
  return defineTool({
    name: "bash",
    description,
    schema,
    title: (input) =>
      oneLine(input.label ?? (input.stop === undefined ? `$ ${input.command ?? ""}` : `stop ${input.stop}`), 120),
    async run(input, context) {
      const ours = behind.get(context.sessionScope) ?? new Map<number, Background>();
      if (input.stop !== undefined) return await stopBackground(ours, { input, context, clock });
      const command = commandOf(input);
      if (input.background !== true) return await runForeground({ command, input, context, clock });
      behind.set(context.sessionScope, ours);
      const forget = (pid: number) => {
        ours.delete(pid);
        if (ours.size === 0) behind.delete(context.sessionScope);
      };
      return await runBackground({ command, ours, forget, context, clock });
    },
  });
}

function commandOf({ command, stop }: Input): string {
  if (command === undefined || command.trim() === "")
    throw new Failure("tool", "Cannot run a command: `command` is empty");
  if (stop !== undefined) throw new Failure("tool", "Cannot run a command: give `command` or `stop`, not both");
  const bytes = Buffer.byteLength(command);
  if (bytes > limits.commandBytesMax) {
    throw new Failure(
      "tool",
      `Cannot run the command: it has ${bytes} bytes and ${limits.commandBytesMax} are allowed`,
      {
        hint: "Write it to a file and run that",
      },
    );
  }
  if (command.includes("\0")) throw new Failure("tool", "Cannot run the command: it contains a NUL character");
  return command;
}

/** Standard error goes into the same pipe, so that lines keep their order; on the same line, so that numbers in errors are right. */
function argv(redirection: string, command: string): string[] {
  return ["bash", "--norc", "--noprofile", "-c", `exec ${redirection}; ${command}`];
}

interface Foreground {
  command: string;
  input: Input;
  context: ToolContext;
  clock: Pick<Clock, "sleep">;
}

async function runForeground({ command, input, context, clock }: Foreground): Promise<ToolResult> {
  if (context.signal.aborted) return textResult("Command aborted", false);
  const timeMs = input.timeout === undefined ? limits.commandMs : Math.round(input.timeout * 1000);
  const running = await context.sandbox.spawn({
    argv: argv("2>&1", command),
    scope: context.scope,
    stdin: null,
    limits: { timeMs, outputBytes: limits.outputBytesMax },
  });
  let survivors = "";
  const abort = async () => {
    const proof = await context.sandbox.kill(context.scope);
    survivors = proof.survivors.map((one) => `${one.pid} (${oneLine(one.command, 60)})`).join(", ");
  };
  let aborting: Promise<void> | undefined;
  const onAbort = () => {
    aborting = abort().catch(() => running.signal("SIGKILL"));
  };
  context.signal.addEventListener("abort", onAbort, { once: true });
  // Stopped while it was being started.
  if (context.signal.aborted) onAbort();
  try {
    const collector = createCollector(context);
    const drained = Promise.all([collector.drain(running.stdout), collector.drain(running.stderr)]);
    const exit = await running.done;
    await closePipes(running, { drained, clock });
    const collected = await collector.finish();
    await aborting;
    const aborted = context.signal.aborted && !("code" in exit && exit.code === 0);
    const ending = aborted
      ? `Command aborted${survivors === "" ? "" : `; still alive: ${survivors}`}`
      : endingText(exit, timeMs);
    return textResult(resultText(collected, ending), ending === undefined);
  } finally {
    context.signal.removeEventListener("abort", onAbort);
  }
}

/** A child that went on (`sleep 100 &`) holds the pipe open; the command's own output is read, the rest is not waited for. */
async function closePipes(
  running: Running,
  { drained, clock }: { drained: Promise<unknown>; clock: Pick<Clock, "sleep"> },
) {
  const patience = new AbortController();
  const late = clock.sleep(limits.pipeGraceMs, patience.signal).then(() => "late" as const);
  if ((await Promise.race([drained, late])) === "late") {
    running.stdout.destroy();
    running.stderr.destroy();
    await drained;
  }
  patience.abort();
}

/** Why it ended, when it did not end well. */
function endingText(exit: Exit, timeMs: number): string | undefined {
  if ("code" in exit) return exit.code === 0 ? undefined : `Command exited with code ${exit.code}`;
  if ("signal" in exit) return `Command was killed by ${exit.signal}`;
  switch (exit.limit) {
    case "time":
      return `Command timed out after ${secondsText(timeMs)}`;
    case "output":
      return `Command was stopped: it printed more than ${bytesText(limits.outputBytesMax)}`;
    case "memory":
      return `Command was stopped: it used more than ${bytesText(limits.memoryBytesMax)} of memory`;
    case "processes":
      return `Command was stopped: it started more than ${limits.processesMax} processes`;
  }
}

function resultText(output: Collected, ending: string | undefined): string {
  const parts = [output.text === "" && ending === undefined ? "(no output)" : output.text];
  if (output.cut) {
    const shown = `the last ${output.shownLines} of ${output.totalLines} lines (${bytesText(Buffer.byteLength(output.text))} of ${bytesText(output.totalBytes)}) are shown`;
    const rest =
      output.path === undefined
        ? `the rest could not be kept: ${output.lost ?? "unknown"}`
        : `all of it is in ${output.path}`;
    parts.push(`[Output was cut: ${shown}; ${rest}]`);
  }
  if (ending !== undefined) parts.push(ending);
  return parts.filter((part) => part !== "").join("\n\n");
}

interface Behind {
  command: string;
  ours: Map<number, Background>;
  forget: (pid: number) => void;
  context: ToolContext;
  clock: Pick<Clock, "sleep">;
}

async function runBackground({ command, ours, forget, context, clock }: Behind): Promise<ToolResult> {
  if (ours.size >= limits.backgroundMax) {
    throw new Failure(
      "tool",
      `Cannot start another background command: ${ours.size} of ${limits.backgroundMax} run already`,
      {
        hint: `Stop one first with {"stop": <number>}: ${[...ours.keys()].join(", ")}`,
      },
    );
  }
  const log = await context.spill("background.log", new Uint8Array());
  // Its output goes to the file by itself: nobody here has to read along.
  const running = await context.sandbox.spawn({
    argv: argv(`>>${quote(log)} 2>&1`, command),
    scope: context.sessionScope,
    stdin: null,
    limits: { timeMs: limits.commandMsMax, outputBytes: limits.outputBytesMax },
  });
  ours.set(running.pid, { running, command });
  running.stdout.resume();
  running.stderr.resume();
  void running.done.then(() => forget(running.pid));
  const watched = new AbortController();
  const early = await Promise.race([running.done, clock.sleep(limits.backgroundWatchMs, watched.signal)]);
  watched.abort();
  if (early !== undefined) {
    const ending = endingText(early, limits.commandMsMax) ?? "Command exited with code 0";
    return textResult(`It ended at once. ${ending}\nIts output is in ${log}`, "code" in early && early.code === 0);
  }
  return textResult(
    `Started in the background as number ${running.pid}.\nLook: tail -n 50 ${quote(log)}\nStop: {"stop": ${running.pid}}\nIt ends with the session at the latest.`,
  );
}

interface Stop {
  input: Input;
  context: ToolContext;
  clock: Pick<Clock, "sleep">;
}

async function stopBackground(ours: ReadonlyMap<number, Background>, { input, clock }: Stop): Promise<ToolResult> {
  assert(input.stop !== undefined, "A number to stop is given");
  if (input.command !== undefined) throw new Failure("tool", "Cannot stop: give `command` or `stop`, not both");
  const found = ours.get(input.stop);
  if (found === undefined) {
    const numbers = [...ours.keys()].join(", ");
    throw new Failure("tool", `Cannot stop ${input.stop}: no background command of this session has this number`, {
      hint: numbers === "" ? "None runs" : `Running: ${numbers}`,
    });
  }
  const { running, command } = found;
  running.signal("SIGTERM");
  for (const patienceMs of [limits.killGraceMs, limits.proofMs]) {
    const waited = new AbortController();
    const exit = await Promise.race([running.done, clock.sleep(patienceMs, waited.signal)]);
    waited.abort();
    if (exit !== undefined) return textResult(`Stopped ${input.stop}: ${oneLine(command, 120)}`);
    running.signal("SIGKILL");
  }
  throw new Failure("tool", `Cannot stop ${input.stop}: it is still alive`);
}

/** A word for the shell, whatever is in it. */
function quote(word: string): string {
  return /^[\w./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
