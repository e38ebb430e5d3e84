// Short commands: the version, the status, and what an executable weighs.
import { statSync } from "node:fs";
import { plainEnvironment, stateArguments } from "./programs.ts";
import { type Found, row } from "./row.ts";
import { type Setup, seeded, startPair, stopPair } from "./setup.ts";
import { summarise } from "./statistics.ts";

const rounds = { full: 40, quick: 10 };

/** Times `--version` and `status` against an empty program. */
export async function measureCommands(setup: Setup): Promise<Found> {
  const count = setup.quick ? rounds.quick : rounds.full;
  const { remoteagent, minimal, empty } = setup.programs;
  const folder = await seeded(setup);
  const idle = [remoteagent, "status", ...stateArguments(folder)];
  const version = await compare([[empty], [remoteagent, "--version"]], { count, folder });
  const status = await compare([[empty], idle], { count, folder });
  const pair = await startPair(setup, folder);
  const running = await compare([[empty], idle], { count, folder });
  await stopPair(pair);
  const size = (path: string) => summarise([statSync(path).size / 1e6]);
  return {
    rows: [
      row({ name: "--version", unit: "ms", against: "empty program", ...version, target: { ratio: 2, of: "median" } }),
      row({ name: "status, nothing runs", unit: "ms", against: "empty program", ...status }),
      row({ name: "status, it runs", unit: "ms", against: "empty program", ...running }),
      row({ name: "size", unit: "MB", against: "empty program", base: size(empty), ours: size(remoteagent) }),
    ],
    notes: [{ name: "size of the minimal program", value: statSync(minimal).size / 1e6, unit: "MB" }],
  };
}

/** Runs two commands in turn and times each from its start to its end. */
async function compare(
  [base, ours]: [string[], string[]],
  { count, folder }: { count: number; folder: string },
): Promise<{ base: ReturnType<typeof summarise>; ours: ReturnType<typeof summarise> }> {
  const times: [number[], number[]] = [[], []];
  for (let round = 0; round < count; round++) {
    times[0].push(await timeCommand(base, folder));
    times[1].push(await timeCommand(ours, folder));
  }
  return { base: summarise(times[0]), ours: summarise(times[1]) };
}

/** One command from its start to its end, in milliseconds. */
export async function timeCommand(argv: string[], folder: string): Promise<number> {
  const startedAt = performance.now();
  const child = Bun.spawn(argv, {
    cwd: folder,
    env: plainEnvironment(folder),
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
  });
  await child.exited;
  return performance.now() - startedAt;
}
