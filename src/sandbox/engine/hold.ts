// One turn's hold on a container: checks each command, gives it folder and variables, and reads files through it.
import { Failure } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import { spawnFiles } from "../files.ts";
import { insidePath, shown } from "../paths.ts";
import type { Command, Proof, Running, Sandbox } from "../sandbox.ts";
import { containerEnvironment } from "./environment.ts";
import type { Machine } from "./machine.ts";

/** What a hold is made of. */
export interface HoldParts {
  kind: string;
  /** Inside. */
  root: string;
  cwd: string;
  generation: number;
  /** Of the kind and of the request; values of commands come on top. */
  env: Record<string, string>;
  /** For `Command.scope` of the hold's own file operations; no other hold has it. */
  scope: string;
  machine: Machine;
  kill(scope: string): Promise<Proof>;
  /** Called once, when the turn lets go. */
  release(): void;
}

/** Makes the hold. */
export function createHold(parts: HoldParts): Sandbox {
  const { kind, root, cwd, generation, scope } = parts;
  let closed = false;
  const spawn = async (command: Command): Promise<Running> => {
    if (closed) throw new Failure("sandbox", `Cannot run ${shown(command.argv[0] ?? "")}: its sandbox is closed`);
    checkCommand(command);
    const env = containerEnvironment(parts.env, command.env ?? {});
    const folder = insidePath(command.cwd ?? cwd, cwd);
    return parts.machine.start(command, { cwd: folder, env });
  };
  return {
    kind,
    root,
    cwd,
    generation,
    isolation: "container",
    spawn,
    files: spawnFiles({ spawn, cwd, scope }),
    kill: parts.kill,
    close: async () => {
      if (closed) return;
      closed = true;
      await parts.kill(scope);
      parts.release();
    },
  };
}

function checkCommand({ argv, scope }: Command): void {
  const program = argv[0];
  if (program === undefined || program === "") throw new Failure("sandbox", "Cannot run a command: it is empty");
  if (scope === "") throw new Failure("sandbox", `Cannot run ${shown(program)}: it belongs to nothing`);
  const bytes = argv.map((argument) => Buffer.byteLength(argument));
  const total = bytes.reduce((sum, count) => sum + count, 0);
  if (total > limits.argumentsBytesMax || bytes.some((count) => count > limits.argumentBytesMax)) {
    throw new Failure("sandbox", `Cannot run ${shown(program)}: its arguments are too long`, {
      hint: `One argument may have ${limits.argumentBytesMax} bytes, all together ${limits.argumentsBytesMax}; put more in a file`,
    });
  }
  if (argv.length > limits.commandWordsMax) {
    throw new Failure("sandbox", `Cannot run ${shown(program)}: it has more than ${limits.commandWordsMax} arguments`);
  }
  if (argv.some((argument) => argument.includes("\0"))) {
    throw new Failure("sandbox", `Cannot run ${shown(program)}: an argument has a NUL character`);
  }
}
