// Shell commands that go on behind the turn: servers, watchers, long builds.
import { Failure } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import type { Exit, Running } from "../sandbox/sandbox.ts";
import { within } from "../sys/clock.ts";
import { oneLine } from "../workspace/names.ts";
import { type CommandDeps, endingText, shellArgv } from "./command.ts";
import { type ToolContext, type ToolResult, textResult } from "./tool.ts";

/** The background commands of all sessions, as far as they were started here. */
export interface Background {
  /** Starts one; it outlives the turn and the session, up to `commandMsMax` or the program's end. @throws Failure `tool` when too many run. */
  start(command: string, context: ToolContext): Promise<ToolResult>;
  /** Stops one of the session's own by its number. @throws Failure `tool` when it has none or it stays alive. */
  stop(number: number, context: ToolContext): Promise<ToolResult>;
}

interface Member {
  running: Running;
  command: string;
}

/** An empty list; commands leave it by themselves when they end. */
export function createBackground(deps: CommandDeps): Background {
  const sessions = new Map<string, Map<number, Member>>();
  // Those under way count too, so that many at once cannot pass the bound together.
  const starting = new Map<string, number>();
  const join = (scope: string, member: Member): void => {
    const members = sessions.get(scope) ?? new Map<number, Member>();
    sessions.set(scope, members.set(member.running.pid, member));
    void member.running.done.then(() => {
      members.delete(member.running.pid);
      if (members.size === 0) sessions.delete(scope);
    });
  };
  return {
    async start(command, context) {
      const scope = context.sessionScope;
      const members = sessions.get(scope);
      const count = (members?.size ?? 0) + (starting.get(scope) ?? 0);
      if (count >= limits.backgroundMax) {
        const most = `${count} of ${limits.backgroundMax} run already`;
        throw new Failure("tool", `Cannot start another background command: ${most}`, {
          hint: `Stop one first with {"stop": <number>}: ${[...(members?.keys() ?? [])].join(", ")}`,
        });
      }
      starting.set(scope, (starting.get(scope) ?? 0) + 1);
      let log: string;
      let running: Running;
      try {
        log = await context.spill("background.log", new Uint8Array());
        running = await launch(deps, { command, log, context });
        join(scope, { running, command });
      } finally {
        const left = (starting.get(scope) ?? 1) - 1;
        if (left === 0) starting.delete(scope);
        else starting.set(scope, left);
      }
      const ended = await within(deps.clock, { work: running.done, ms: limits.backgroundWatchMs });
      return ended ? endedText(deps, { exit: await running.done, log }) : startedText(running.pid, log);
    },
    async stop(number, context) {
      const members = sessions.get(context.sessionScope);
      const member = members?.get(number);
      if (member === undefined) {
        const numbers = [...(members?.keys() ?? [])].join(", ");
        throw new Failure("tool", `Cannot stop ${number}: no background command of this session has this number`, {
          hint: numbers === "" ? "None runs" : `Running: ${numbers}`,
        });
      }
      const { running, command } = member;
      for (const [signal, ms] of [["SIGTERM", limits.killGraceMs] as const, ["SIGKILL", limits.proofMs] as const]) {
        running.signal(signal);
        if (await within(deps.clock, { work: running.done, ms }))
          return textResult(`Stopped ${number}: ${oneLine(command, 120)}`);
      }
      throw new Failure("tool", `Cannot stop ${number}: it is still alive`);
    },
  };
}

/** Its output goes to the file by itself: nobody here has to read along. */
async function launch(
  { bounds }: CommandDeps,
  { command, log, context }: { command: string; log: string; context: ToolContext },
): Promise<Running> {
  const running = await context.sandbox.spawn({
    argv: shellArgv(`>>${quote(log)} 2>&1`, command),
    scope: context.sessionScope,
    stdin: null,
    limits: {
      timeMs: limits.commandMsMax,
      outputBytes: limits.outputBytesMax,
      memoryBytes: bounds.memoryBytes,
      processes: bounds.processes,
    },
  });
  running.stdout.resume();
  running.stderr.resume();
  return running;
}

function startedText(pid: number, log: string): ToolResult {
  return textResult(
    [
      `Started in the background as number ${pid}.`,
      `Look: tail -n 50 ${quote(log)}`,
      `Stop: {"stop": ${pid}}`,
      `It goes on after this turn, until it is stopped, remoteagent ends or ${limits.commandMsMax / 3_600_000} hours are over.`,
    ].join("\n"),
  );
}

function endedText({ bounds }: CommandDeps, { exit, log }: { exit: Exit; log: string }): ToolResult {
  const ending = endingText(exit, { timeMs: limits.commandMsMax, bounds });
  return textResult(
    `It ended at once. ${ending ?? "Command exited with code 0"}\nIts output is in ${log}`,
    ending === undefined,
  );
}

/** A word for the shell, whatever is in it. */
function quote(word: string): string {
  return /^[\w./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
