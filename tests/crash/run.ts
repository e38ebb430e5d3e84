// Runs the plan of one seed: lives that are killed, one that is let live to its rest, and the check of what is left.

import { checkStore } from "./check.ts";
import { type Life, statusOf, until } from "./instance.ts";
import { type End, type Plan, type PlannedLife, planOf } from "./plan.ts";
import { createWorld, type World } from "./world.ts";

/** What a seed did; `wrong` is empty when everything held. */
export interface Outcome {
  seed: number;
  plan: Plan;
  kills: number;
  /** Of them: at the planned commit or write. */
  struck: number;
  turns: number;
  wrong: string[];
}

/** Runs one seed. Never throws for what the program does: that is in `wrong`. */
export async function runSeed(program: string, { seed, strace }: { seed: number; strace: boolean }): Promise<Outcome> {
  const plan = planOf(seed, { strace });
  await using world = await createWorld(program);
  try {
    for (const planned of plan.lives) await liveOnce(world, planned);
    world.model.onStep = () => undefined;
    const last = world.start();
    await world.idle(last);
    last.signal("SIGTERM");
    const code = await last.ended;
    const found = checkStore(world);
    const wrong = [...found.wrong, ...(code === 0 ? [] : [`The last life ended with ${code}: ${last.said()}`])];
    return { seed, plan, kills: world.kills, struck: world.struck, turns: found.turns, wrong };
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return { seed, plan, kills: world.kills, struck: world.struck, turns: 0, wrong: [text] };
  }
}

/** One life, ended where the plan says; where that never comes, once there is nothing left to do. */
async function liveOnce(world: World, { end, first, steering }: PlannedLife): Promise<void> {
  const life = world.start(end.at === "syscall" ? end.syscall : undefined);
  const before = world.calls().length;
  if (first !== undefined) world.say(first);
  const disarm = arm(world, { end, life });
  let steered = steering === undefined;
  try {
    await until(
      async () => {
        if (!life.alive()) return true;
        if (!steered && steering !== undefined && world.calls().length > before) {
          steered = true;
          world.say(steering);
        }
        const status = await statusOf(world.stateDir);
        if (status === undefined || status.turns.length > 0 || status.waiting > 0) return false;
        return end.at !== "delay" && end.at !== "stop" && world.said.every(({ input }) => input !== undefined);
      },
      () => `A life does not come to rest: ${life.said()}`,
    );
  } finally {
    disarm();
    if (end.at === "syscall" && !life.alive()) world.struck += 1;
    life.kill();
    await life.ended;
    if (end.at === "stop") world.stops += 1;
    else world.kills += 1;
  }
}

/** Watches for the planned end of a life. @returns the function that stops watching. */
function arm(world: World, { end, life }: { end: End; life: Life }): () => void {
  let left = "n" in end ? end.n : 0;
  const count = () => {
    left -= 1;
    if (left === 0) life.kill();
  };
  const timers: NodeJS.Timeout[] = [];
  if (end.at === "request" || end.at === "answering") {
    const wanted = end.at;
    world.model.onStep = (step) => {
      if (step === wanted) count();
    };
  }
  if (end.at === "event")
    world.person.onFrame = (frame) => {
      if (frame.type === "event") count();
    };
  if (end.at === "begun" || end.at === "ended") {
    const word = end.at;
    const seen = () => world.calls().filter((line) => line.startsWith(word)).length;
    const target = seen() + end.n;
    timers.push(setInterval(() => (seen() >= target ? life.kill() : undefined), 1));
  }
  if (end.at === "delay") timers.push(setTimeout(() => life.kill(), end.ms));
  if (end.at === "stop") {
    timers.push(setTimeout(() => life.signal("SIGTERM"), end.ms));
    timers.push(setTimeout(() => life.signal("SIGTERM"), end.ms + 30));
  }
  return () => {
    for (const timer of timers) clearTimeout(timer);
    world.model.onStep = () => undefined;
    world.person.onFrame = () => undefined;
  };
}
