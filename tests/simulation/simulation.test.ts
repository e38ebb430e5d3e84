// Seeded runs find nothing wrong, each is the same when it is made again, and what is broken on purpose is found. They run
// in processes of their own: a program that is killed in the middle of its work leaves failures that nobody looks at.
import { describe, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { rules } from "./checks.ts";
import { flaws } from "./flaws.ts";
import { type Kind, kinds } from "./kinds.ts";

/** Enough for a minute of CI; `bun run simulate --seeds N` makes as many as one likes. */
const seeds = 2_000;
/** Runs in which a flaw must show. */
const flawedSeeds = 120;
const patienceMs = 200_000;

interface Tally {
  runs: number;
  counts: Record<string, number>;
  failed: { seed: number; violations: { rule: string; text: string }[] }[];
}

/** What `bun run simulate` prints. */
async function simulate(...args: string[]): Promise<string> {
  const script = join(import.meta.dirname, "../../scripts/simulate.ts");
  const child = spawn(process.execPath, [script, ...args], {
    stdio: ["ignore", "pipe", "inherit"],
    timeout: patienceMs,
    killSignal: "SIGKILL",
  });
  let text = "";
  child.stdout.on("data", (piece: Buffer) => {
    text += piece.toString();
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  if (code !== 0 && code !== 1) throw new Error(`The simulation ended with ${code}: ${text.slice(0, 1_000)}`);
  return text;
}

/** Every `jobs`-th of so many seeds. */
async function tally(given: {
  seeds: number;
  first?: number;
  jobs?: number;
  flaw?: string;
  platform?: Kind;
}): Promise<Tally> {
  const { seeds: count, first = 1, jobs = 1, flaw, platform } = given;
  const where = platform === undefined ? [] : ["--platform", platform];
  const numbers = [...where, "--seeds", String(count), "--seed", String(first), "--jobs", String(jobs)];
  return JSON.parse(await simulate("--worker", ...numbers, ...(flaw === undefined ? [] : ["--flaw", flaw]))) as Tally;
}

describe("simulation", () => {
  test(
    "no seed breaks a rule",
    async () => {
      const halves = await Promise.all([1, 2].map((first) => tally({ seeds, first, jobs: 2 })));
      expect(halves.flatMap(({ failed }) => failed)).toEqual([]);
      expect(halves.reduce((sum, { runs }) => sum + runs, 0)).toBe(seeds);
      // They did what they are for.
      for (const name of ["turns", "calls", "kills", "inside", "faults"])
        expect(halves[0]?.counts[name] ?? 0).toBeGreaterThan(20);
    },
    patienceMs,
  );

  for (const platform of kinds)
    test(
      `a seed is the same run each time, and two seeds are two runs, on ${platform}`,
      async () => {
        const run = (seed: number) => simulate("--seed", String(seed), "--platform", platform);
        const [first, again, other] = await Promise.all([58, 58, 59].map(run));
        expect(first?.length).toBeGreaterThan(1_000);
        expect(again).toBe(first ?? "");
        expect(other).not.toBe(first);
      },
      patienceMs,
    );
});

describe("what is broken on purpose is found", () => {
  interface Case {
    flaw: string;
    wanted: readonly string[];
    platform?: Kind;
  }
  const cases = Object.entries(flaws).flatMap(([flaw, { rules: wanted, on }]): Case[] =>
    on === undefined ? [{ flaw, wanted }] : on.map((platform) => ({ flaw, wanted, platform })),
  );
  for (const { flaw, wanted, platform } of cases)
    test(
      platform === undefined ? flaw : `${flaw}, on ${platform}`,
      async () => {
        const { failed } = await tally({ seeds: flawedSeeds, flaw, ...(platform === undefined ? {} : { platform }) });
        const broken = new Set(failed.flatMap(({ violations }) => violations.map(({ rule }) => rule)));
        expect(wanted.filter((rule) => broken.has(rule))).not.toEqual([]);
      },
      patienceMs,
    );

  test("each rule has something that breaks it", () => {
    const broken = new Set(Object.values(flaws).flatMap((flaw) => flaw.rules));
    expect(rules.filter((rule) => !broken.has(rule))).toEqual([]);
  });
});
