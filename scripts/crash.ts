// `bun run crash [--telegram] --seeds N --from S --jobs 2 [--program dist/remoteagent]`: kills the built program again
// and again, at every step of a turn or over Telegram, and checks what is left.
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { builtProgram } from "../tests/built.ts";
import { hasStrace } from "../tests/crash/instance.ts";
import { runSeed } from "../tests/crash/run.ts";
import { runTelegramSeed } from "../tests/crash/telegram-run.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "40" },
    from: { type: "string", default: "1" },
    jobs: { type: "string", default: "2" },
    telegram: { type: "boolean", default: false },
    program: { type: "string" },
  },
});
const from = Number(values.from);
const seeds = Array.from({ length: Number(values.seeds) }, (_, index) => from + index);
const given = values.program === undefined ? undefined : resolve(values.program);
const program = given === undefined ? builtProgram() : { path: given, remove: () => undefined };
const run = values.telegram ? runTelegramSeed : runSeed;
const sums = { seeds: 0, kills: 0, struck: 0, turns: 0, messages: 0, failed: 0 };
const started = performance.now();
/** Asked to end, it finishes the seeds that it is at, so that no life is left behind. */
const ending = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => ending.abort());

async function work(queue: IterableIterator<number>): Promise<void> {
  for (const seed of queue) {
    if (ending.signal.aborted) return;
    sums.seeds += 1;
    const outcome = await run(program.path, { seed, strace: hasStrace });
    const { plan, kills, struck, turns, wrong } = outcome;
    sums.kills += kills;
    sums.struck += struck;
    sums.turns += turns;
    if ("messages" in outcome) sums.messages += outcome.messages;
    if (wrong.length === 0) continue;
    sums.failed += 1;
    const kept = "kept" in outcome ? `  everything is left in ${outcome.kept}\n` : "";
    process.stdout.write(
      `seed ${seed}: ${JSON.stringify(plan)}\n${wrong.map((line) => `  ${line}\n`).join("")}${kept}`,
    );
  }
}

try {
  const queue = seeds.values();
  await Promise.all(Array.from({ length: Number(values.jobs) }, () => work(queue)));
  const seconds = Math.round((performance.now() - started) / 1000);
  const where = values.telegram ? "where they were planned" : "inside a commit";
  const said = values.telegram ? `${sums.messages} messages, ` : "";
  const how = hasStrace ? "" : " without strace";
  process.stdout.write(
    `${sums.seeds} seeds, ${sums.kills} kills (${sums.struck} ${where}), ${said}${sums.turns} turns in ${seconds} s${how}; ${sums.failed} failed\n`,
  );
} finally {
  program.remove();
}
process.exitCode = sums.failed === 0 ? 0 : 1;
