// The contract of the verbs: what each file beside declares of itself.
import type { ArgsDef, ParsedArgs } from "citty";
import type { Io } from "./io.ts";
import { type Declared, parseWords } from "./parse.ts";

/** One verb of the command line. */
export interface Verb extends Declared {
  /** One line, no full stop. */
  summary: string;
  /** Lines below the options: exit codes, examples. */
  notes?: string;
  /** Parses `argv`, does the work and gives the exit code. @throws Failure, printed by the caller. */
  run(argv: string[], io: Io): Promise<number>;
}

/** Options that every verb takes, before or after its name. */
export const commonArgs = {
  "state-dir": { type: "string", valueHint: "folder", description: "State folder instead of ~/.remoteagent" },
  verbose: { type: "boolean", description: "Show where an error comes from" },
} as const satisfies ArgsDef;

/** Declares a verb: types what `run` gets from the declared and the common options. */
export function verb<const Args extends ArgsDef>(
  declared: Omit<Verb, "args" | "run"> & {
    args: Args;
    run: (args: ParsedArgs<Args & typeof commonArgs>, io: Io) => Promise<number>;
  },
): Verb {
  const args = { ...declared.args, ...commonArgs };
  return { ...declared, args, run: async (argv, io) => declared.run(parseWords({ ...declared, args }, argv), io) };
}

/** `--json`, the same everywhere. */
export const jsonArg = {
  json: { type: "boolean", description: "Print JSON for scripts" },
} as const satisfies ArgsDef;
