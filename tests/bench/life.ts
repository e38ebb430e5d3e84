// A program by itself: from its start to its readiness, and its memory when nothing happens.
import { readFileSync } from "node:fs";
import { type Program, plainEnvironment, startMinimal, startProgram } from "./programs.ts";
import { type Found, row } from "./row.ts";
import { inTurn, launchOf, type Pair, type Setup, seeded, startPair, stopPair } from "./setup.ts";
import { summarise } from "./statistics.ts";

const rounds = { full: 20, quick: 5 };
const idleMs = { full: 60_000, quick: 5_000 };
const bytesPerMegabyte = 1e6;

/** Start to ready, over a database that is there already. */
export async function measureStart(setup: Setup): Promise<Found> {
  const folder = await seeded(setup, [{ session: "earlier", count: 500 }]);
  const times: Record<keyof Pair, number[]> = { minimal: [], remoteagent: [] };
  const start = { minimal: startMinimal, remoteagent: startProgram };
  for (let round = 0; round < (setup.quick ? rounds.quick : rounds.full); round++) {
    for (const name of inTurn(round)) {
      const program: Program = await start[name](launchOf(setup, { name, folder }));
      times[name].push(program.readyMs);
      await program.stop();
    }
  }
  const [base, ours] = [summarise(times.minimal), summarise(times.remoteagent)];
  const target = { ratio: 3, of: "median" } as const;
  return {
    rows: [row({ name: "start to ready", unit: "ms", against: "minimal program", base, ours, target })],
    notes: [],
  };
}

/** Resident memory after a minute in which nothing happened. */
export async function measureIdle(setup: Setup): Promise<Found> {
  const folder = await seeded(setup);
  const empty = Bun.spawn([setup.programs.empty, "stay"], {
    env: plainEnvironment(folder),
    signal: setup.signal,
    stdout: "ignore",
  });
  const pair = await startPair(setup, folder);
  await Bun.sleep(setup.quick ? idleMs.quick : idleMs.full);
  const base = summarise([residentMegabytes(empty.pid)]);
  const ours = summarise([residentMegabytes(pair.remoteagent.pid)]);
  const minimal = residentMegabytes(pair.minimal.pid);
  empty.kill();
  await empty.exited;
  await stopPair(pair);
  const name = `resident memory, idle for ${(setup.quick ? idleMs.quick : idleMs.full) / 1_000} s`;
  return {
    rows: [row({ name, unit: "MB", against: "empty program", base, ours, target: { ratio: 2.5, of: "median" } })],
    notes: [{ name: "resident memory of the minimal program, idle", value: minimal, unit: "MB" }],
  };
}

/** Resident memory of a process. */
export function residentMegabytes(pid: number): number {
  return statusMegabytes(pid, "VmRSS");
}

/** What of it is the process' own, and no page of a file that the system may take back. */
export function privateMegabytes(pid: number): number {
  return statusMegabytes(pid, "RssAnon");
}

function statusMegabytes(pid: number, line: "VmRSS" | "RssAnon"): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const kilobytes = new RegExp(`^${line}:\\s+(\\d+) kB$`, "m").exec(status)?.[1];
  return (Number(kilobytes) * 1_024) / bytesPerMegabyte;
}
