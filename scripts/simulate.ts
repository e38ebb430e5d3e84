// `bun run simulate --seeds N [--from S] [--jobs J] [--platform P]`, or `--seed S` for one run in words: gateway, store,
// deliveries and an adapter against a platform with faults, in simulated time. Without a platform the seed chooses one.
import { type ChildProcess, spawn } from "node:child_process";
import { parseArgs } from "node:util";
import { rules } from "../tests/simulation/checks.ts";
import { flaws } from "../tests/simulation/flaws.ts";
import { kinds } from "../tests/simulation/kinds.ts";
import { createRunner, type Wanted } from "../tests/simulation/run.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "1000" },
    from: { type: "string", default: "1" },
    seed: { type: "string" },
    jobs: { type: "string", default: "1" },
    flaw: { type: "string" },
    platform: { type: "string" },
    worker: { type: "boolean", default: false },
  },
});

/** What a worker has found, so far. */
interface Tally {
  runs: number;
  counts: Record<string, number>;
  failed: { seed: number; violations: { rule: string; text: string }[] }[];
}

/** Seeds that fail are listed up to this many. */
const listedMax = 50;

const wanted = whole("seeds");
const from = whole("from");
const jobs = Math.min(whole("jobs"), 64);
const { flaw } = values;
const platform = kinds.find((one) => one === values.platform);
if (values.platform !== undefined && platform === undefined) fail(`--platform is one of ${kinds.join(", ")}`);
const how: Wanted = { flaw, platform };
if (flaw !== undefined && !Object.hasOwn(flaws, flaw)) fail(`there is no flaw ${JSON.stringify(flaw)}`);

function whole(name: "seeds" | "from" | "jobs"): number {
  const value = Number(values[name]);
  if (!Number.isSafeInteger(value) || value < 1) fail(`--${name} takes a whole number from 1 on`);
  return value;
}

function fail(why: string): never {
  process.stderr.write(`Cannot simulate: ${why}\n`);
  process.exit(2);
}

/** Whoever ends a long run is told what it has found so far. */
let over = false;
const running: ChildProcess[] = [];
for (const name of ["SIGINT", "SIGTERM"] as const)
  process.on(name, () => {
    over = true;
    for (const child of running) child.kill(name);
  });

/** One run, step by step. */
async function show(seed: number): Promise<void> {
  const runner = createRunner();
  const { trace, violations, hash } = await runner.run(seed, how);
  runner.close();
  process.stdout.write(`${trace.join("\n")}\n\nseed ${seed}, trace ${hash.slice(0, 16)}: ${wrongs(violations)}\n`);
  process.exitCode = violations.length === 0 ? 0 : 1;
}

function wrongs(violations: Tally["failed"][number]["violations"]): string {
  if (violations.length === 0) return "nothing wrong";
  return violations.map(({ rule, text }) => `\n  ${rule}: ${text}`).join("");
}

/** Every `step`-th seed from `first` on. */
async function tally(first: number, step: number): Promise<Tally> {
  const runner = createRunner();
  const sum: Tally = { runs: 0, counts: {}, failed: [] };
  for (let seed = first; seed < from + wanted && !over; seed += step) {
    const { violations, counts } = await runner.run(seed, how);
    sum.runs += 1;
    for (const [name, count] of Object.entries(counts)) sum.counts[name] = (sum.counts[name] ?? 0) + count;
    if (violations.length > 0) sum.failed.push({ seed, violations });
  }
  runner.close();
  return sum;
}

/** A worker is this very script; it tells its tally as JSON. */
function work(index: number): Promise<Tally> {
  const own = [
    "--seeds",
    String(wanted),
    "--from",
    String(from),
    "--jobs",
    String(jobs),
    "--worker",
    "--seed",
    String(from + index),
  ];
  const argv = [
    import.meta.filename,
    ...own,
    ...(flaw === undefined ? [] : ["--flaw", flaw]),
    ...(platform === undefined ? [] : ["--platform", platform]),
  ];
  const child: ChildProcess = spawn(process.execPath, argv, { stdio: ["ignore", "pipe", "inherit"] });
  running.push(child);
  let text = "";
  child.stdout?.on("data", (piece: Buffer) => {
    text += piece.toString();
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => {
      if (code === 0) resolve(JSON.parse(text) as Tally);
      else reject(new Error(`A worker ended with ${code}`));
    });
  });
}

function report(tallies: readonly Tally[], seconds: number): void {
  const runs = tallies.reduce((sum, one) => sum + one.runs, 0);
  const failed = tallies.flatMap((one) => one.failed).sort((a, b) => a.seed - b.seed);
  for (const { seed, violations } of failed.slice(0, listedMax))
    process.stdout.write(`seed ${seed}: ${wrongs(violations)}\n`);
  for (const rule of rules) {
    const seeds = failed
      .filter(({ violations }) => violations.some((one) => one.rule === rule))
      .map(({ seed }) => seed);
    if (seeds.length > 0)
      process.stdout.write(`${rule}: ${seeds.length} seeds, the first ${seeds.slice(0, 5).join(", ")}\n`);
  }
  const names = Object.keys(tallies[0]?.counts ?? {});
  const counts = names.map((name) => `${tallies.reduce((sum, one) => sum + (one.counts[name] ?? 0), 0)} ${name}`);
  process.stdout.write(
    `${runs} runs (${runs < wanted ? "ended early, of " : ""}seeds ${from} to ${from + wanted - 1}) in ${seconds.toFixed(0)} s, ${(runs / seconds).toFixed(0)} a second: ${counts.join(", ")}; ${failed.length} failed\n`,
  );
  process.exitCode = failed.length === 0 ? 0 : 1;
}

if (values.worker) process.stdout.write(JSON.stringify(await tally(Number(values.seed), jobs)));
else if (values.seed !== undefined) await show(Number(values.seed));
else {
  const started = performance.now();
  const tallies =
    jobs === 1 ? [await tally(from, 1)] : await Promise.all(Array.from({ length: jobs }, (_, index) => work(index)));
  report(tallies, (performance.now() - started) / 1000);
}
// The lives that were killed leave work behind that never ends, and nobody waits for it.
process.stdout.write("", () => process.exit());
