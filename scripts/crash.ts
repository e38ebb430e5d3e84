// `bun run crash --seeds N --from S`: kills the built program at every step of a turn and checks what is left.
import { parseArgs } from "node:util";
import { builtProgram } from "../tests/built.ts";
import { hasStrace } from "../tests/crash/instance.ts";
import { runSeed } from "../tests/crash/run.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "40" },
    from: { type: "string", default: "1" },
    at: { type: "string", default: "2" },
  },
});
const from = Number(values.from);
const seeds = Array.from({ length: Number(values.seeds) }, (_, index) => from + index);
const program = builtProgram();
const sums = { kills: 0, struck: 0, turns: 0, failed: 0 };
const started = performance.now();

async function work(queue: IterableIterator<number>): Promise<void> {
  for (const seed of queue) {
    const { plan, kills, struck, turns, wrong } = await runSeed(program.path, { seed, strace: hasStrace });
    sums.kills += kills;
    sums.struck += struck;
    sums.turns += turns;
    if (wrong.length === 0) continue;
    sums.failed += 1;
    process.stdout.write(`seed ${seed}: ${JSON.stringify(plan)}\n${wrong.map((line) => `  ${line}\n`).join("")}`);
  }
}

try {
  const queue = seeds.values();
  await Promise.all(Array.from({ length: Number(values.at) }, () => work(queue)));
  const seconds = Math.round((performance.now() - started) / 1000);
  process.stdout.write(
    `${seeds.length} seeds, ${sums.kills} kills (${sums.struck} inside a commit), ${sums.turns} turns in ${seconds} s${hasStrace ? "" : " without strace"}; ${sums.failed} failed\n`,
  );
} finally {
  program.remove();
}
process.exitCode = sums.failed === 0 ? 0 : 1;
