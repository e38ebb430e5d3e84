// Runs a shell command in the sandbox, in the turn or behind it.
import * as v from "valibot";
import { Failure } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import { oneLine } from "../workspace/names.ts";
import { createBackground } from "./background.ts";
import { type CommandDeps, checkCommand, runCommand } from "./command.ts";
import { defineTool, type Tool } from "./tool.ts";

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
const description = `Runs a bash command in the sandbox and returns what it printed (stdout and stderr together). \
Of long output the last ${limits.toolLinesMax} lines or ${limits.toolBytesMax / 1024} KB are shown; all of it is then in a file that the answer names. \
There is no input and no terminal: use flags that ask nothing. Commands that do not end by themselves belong in the background, where they go on after the turn.`;

/** The tool. It remembers the background commands it started, so one instance serves the whole program. */
export function createBash(deps: CommandDeps): Tool {
  const background = createBackground(deps);
  return defineTool({
    name: "bash",
    effect: "inside",
    outlasts: ({ background: behind }) => behind === true,
    description,
    schema,
    title: ({ label, command, stop }) =>
      oneLine(label ?? (stop === undefined ? `$ ${command ?? ""}` : `stop ${stop}`), 120),
    async run({ command, timeout, stop, background: behind }, context) {
      if (stop !== undefined) {
        if (command !== undefined) throw new Failure("tool", "Cannot stop: give `command` or `stop`, not both");
        return background.stop(stop, context);
      }
      if (command === undefined) throw new Failure("tool", "Cannot run a command: `command` is missing");
      checkCommand(command);
      if (behind === true) return background.start(command, context);
      const timeMs = timeout === undefined ? limits.commandMs : Math.round(timeout * 1000);
      return runCommand(deps, { command, timeMs, context });
    },
  });
}
