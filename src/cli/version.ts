// `version`: which program this is.
import { programCommit, programVersion } from "../core/build.ts";
import { exit } from "./exit.ts";
import { runtime, versionLine } from "./program.ts";
import { jsonArg, verb } from "./verb.ts";

export const versionVerb = verb({
  name: "version",
  summary: "The version of this program",
  args: jsonArg,
  async run({ json }, io) {
    const facts = { version: programVersion, commit: programCommit, runtime: runtime() };
    io.out(json === true ? `${JSON.stringify(facts)}\n` : `${versionLine()}\n`);
    return exit.done;
  },
});
