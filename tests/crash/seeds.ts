// Runs many seeds, a few at a time, and adds up what they did.
import { hasStrace } from "./instance.ts";

/** Runs are independent and mostly wait: two at a time keep a small machine busy. */
const atOnce = 2;

/** What one seed did, as far as it is added up; `wrong` is empty when everything held. */
interface SeedOutcome {
  kills: number;
  struck: number;
  wrong: string[];
}

/** Runs the seeds from 1 to `seeds`. `failed` has the whole outcome of each in which something did not hold. */
export async function runSeeds<Outcome extends SeedOutcome>(
  seeds: number,
  run: (options: { seed: number; strace: boolean }) => Promise<Outcome>,
): Promise<{ failed: Outcome[]; kills: number; struck: number }> {
  const queue = Array.from({ length: seeds }, (_, index) => index + 1).values();
  const sum = { failed: [] as Outcome[], kills: 0, struck: 0 };
  const work = async () => {
    for (const seed of queue) {
      const outcome = await run({ seed, strace: hasStrace });
      sum.kills += outcome.kills;
      sum.struck += outcome.struck;
      if (outcome.wrong.length > 0) sum.failed.push(outcome);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return sum;
}
