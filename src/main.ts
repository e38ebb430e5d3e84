// The program's first lines: the version at once, everything else through the command line.
import { writeSync } from "node:fs";
import { versionLine } from "./cli/program.ts";

const argv = process.argv.slice(2);
const [first = ""] = argv;

if (argv.length === 1 && (first === "--version" || first === "-v" || first === "version")) {
  writeSync(1, `${versionLine()}\n`);
} else {
  const { main } = await import("./cli/cli.ts");
  process.exitCode = await main(argv);
}
