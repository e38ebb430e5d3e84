// Many at once: 200 inputs over 50 sessions, and the time until the last one is answered.

import { type Found, row } from "./row.ts";
import type { Screen } from "./screen.ts";
import { inTurn, type Pair, type Setup, seeded, startPair, stopPair } from "./setup.ts";
import { summarise } from "./statistics.ts";

const inputs = 200;
const sessions = 50;
const rounds = { full: 8, quick: 2 };
const waitMsMax = 60_000;

/** All inputs are said in one moment; the model answers at once. */
export async function measureCrowd(setup: Setup): Promise<Found> {
  const pair = await startPair(setup, await seeded(setup));
  const times: Record<keyof Pair, number[]> = { minimal: [], remoteagent: [] };
  const { pauseMs } = setup.model;
  setup.model.pauseMs = 0;
  // The first round warms up.
  for (let round = 0; round <= (setup.quick ? rounds.quick : rounds.full); round++) {
    for (const name of inTurn(round)) {
      const ms = await askAll(
        await Promise.all(Array.from({ length: sessions }, (_, index) => pair[name].join(`crowd-${round}-${index}`))),
      );
      if (round > 0) times[name].push(ms);
    }
  }
  setup.model.pauseMs = pauseMs;
  await stopPair(pair);
  const [base, ours] = [summarise(times.minimal), summarise(times.remoteagent)];
  const name = `${inputs} inputs over ${sessions} sessions, all answered`;
  const target = { ratio: 3, of: "median" } as const;
  return { rows: [row({ name, unit: "ms", against: "minimal program", base, ours, target })], notes: [] };
}

async function askAll(screens: Screen[]): Promise<number> {
  const startedAt = performance.now();
  for (let index = 0; index < inputs; index++) screens[index % sessions]?.say(`Question ${index}: how is the build?`);
  await Promise.all(screens.map((screen) => allAnswered(screen, inputs / sessions)));
  const ms = performance.now() - startedAt;
  await Promise.all(screens.map((screen) => screen.leave()));
  return ms;
}

async function allAnswered(screen: Screen, count: number): Promise<void> {
  const deadline = AbortSignal.timeout(waitMsMax);
  while (screen.answered() < count) {
    await screen.next("ended");
    if (deadline.aborted) throw new Error(`Only ${screen.answered()} of ${count} inputs were answered in time`);
  }
}
