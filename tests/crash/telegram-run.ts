// Runs the plan of one seed over Telegram: lives that are killed, one that comes to rest, and the check of what is left.
import { Buffer } from "node:buffer";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Life, until } from "./instance.ts";
import { taskText } from "./model.ts";
import { checkTelegram } from "./telegram-check.ts";
import {
  type Act,
  type Step,
  type TelegramLife,
  type TelegramPlan,
  telegramPlanOf,
  type When,
} from "./telegram-plan.ts";
import { createTelegramWorld, type TelegramWorld } from "./telegram-world.ts";

/** What a seed did; `wrong` is empty when everything held, else `kept` is the folder in which everything was left. */
export interface TelegramOutcome {
  seed: number;
  plan: TelegramPlan;
  kills: number;
  /** Of them: where the plan wanted them. */
  struck: number;
  messages: number;
  turns: number;
  wrong: string[];
  kept?: string;
}

/** Runs one seed. Never throws for what the program does: that is in `wrong`. */
export async function runTelegramSeed(
  program: string,
  { seed, strace }: { seed: number; strace: boolean },
): Promise<TelegramOutcome> {
  const plan = telegramPlanOf(seed, { strace });
  const world = await createTelegramWorld(program, seed);
  const logs: string[] = [];
  let turns = 0;
  let wrong: string[];
  try {
    for (const { fault, methods, skip } of plan.faults)
      world.platform.faults.add({ fault, times: 1, ...(methods && { methods }), ...(skip && { skip }) });
    for (const [index, planned] of plan.lives.entries()) {
      if (planned.aged) world.age();
      logs.push(`== life ${index + 1}: ${JSON.stringify(planned.end)}\n${await liveOnce(world, planned)}`);
    }
    world.age();
    const last = world.start();
    await world.idle(last).finally(() => logs.push(`== last life\n${last.said()}`));
    last.signal("SIGTERM");
    const code = await last.ended;
    const found = checkTelegram(world);
    turns = found.turns;
    wrong = [...found.wrong, ...(code === 0 ? [] : [`The last life ended with ${code}: ${last.said()}`])];
  } catch (error) {
    wrong = [error instanceof Error ? error.message : String(error)];
  }
  const keep = wrong.length > 0;
  if (keep) keepAll(world, { plan, logs, wrong });
  await world.close({ keep });
  const { kills, struck, sent, home } = world;
  const outcome = { seed, plan, kills, struck, messages: sent.length, turns, wrong };
  return keep ? { ...outcome, kept: home } : outcome;
}

/** What the platform saw and what the program said, beside its state. */
function keepAll({ home, platform, chats }: TelegramWorld, report: Record<string, unknown>): void {
  const shown = Object.entries(chats).map(([name, chat]) => [name, platform.messages(chat, { deleted: true })]);
  const text = (_key: string, value: unknown) => (value instanceof Uint8Array ? `${value.length} bytes` : value);
  const { logs, ...rest } = report;
  writeFileSync(join(home, "report.json"), JSON.stringify(rest, null, 2));
  writeFileSync(join(home, "chats.json"), JSON.stringify(Object.fromEntries(shown), text, 2));
  writeFileSync(join(home, "requests.json"), platform.requests.map((one) => `${JSON.stringify(one, text)}\n`).join(""));
  writeFileSync(join(home, "log.txt"), (logs as string[]).join("\n"));
}

/** One life, ended where the plan says; where that never comes, once there is nothing left to do. @returns its log. */
async function liveOnce(world: TelegramWorld, { end, acts }: TelegramLife): Promise<string> {
  for (const { when, act } of acts) if (when.at === "down") perform(world, act);
  const life = world.start(end.at === "syscall" ? end.syscall : undefined);
  const script = arrange(world, acts);
  const disarm = arm(world, { end, life });
  const timed = end.at === "delay" || end.at === "stop";
  try {
    await until(
      async () => {
        if (!life.alive()) return true;
        if (timed || !life.said().includes("ready") || !(await world.resting())) {
          await new Promise((resume) => setTimeout(resume, 10));
          return false;
        }
        // What waits for a step that does not come any more happens now.
        return !script.hurry();
      },
      () => `A life does not come to rest: ${life.said()}`,
      30_000,
    );
  } finally {
    disarm();
    script.leave();
    if (!life.alive() && end.at !== "stop") world.struck += 1;
    life.kill();
    await life.ended;
    if (end.at === "stop") world.ends += 1;
    else world.kills += 1;
  }
  return life.said();
}

/** Has everybody act when it is time. What was planned for a step that never came is done at the end of the life. */
function arrange(world: TelegramWorld, acts: TelegramLife["acts"]): { hurry(): boolean; leave(): void } {
  const left = new Set(acts.filter(({ when }) => when.at !== "down"));
  const timers: NodeJS.Timeout[] = [];
  const doNow = (one: TelegramLife["acts"][number]) => {
    if (left.delete(one)) perform(world, one.act);
  };
  const counts = new Map<Step, number>();
  const later = (one: TelegramLife["acts"][number], ms: number) => timers.push(setTimeout(() => doNow(one), ms));
  for (const one of left) if (one.when.at === "start") later(one, one.when.ms);
  const unwatch = world.onStep((step) => {
    const n = (counts.get(step) ?? 0) + 1;
    counts.set(step, n);
    for (const one of left) if (isDue(one.when, { step, n })) later(one, "ms" in one.when ? one.when.ms : 0);
    return undefined;
  });
  return {
    hurry() {
      const [next] = left;
      if (next !== undefined) doNow(next);
      return next !== undefined;
    },
    leave() {
      unwatch();
      for (const timer of timers) clearTimeout(timer);
      for (const one of left) doNow(one);
    },
  };
}

function isDue(when: When, { step, n }: { step: Step; n: number }): boolean {
  return when.at === step && "n" in when && when.n === n;
}

/** Watches for the planned end of a life. @returns the function that stops watching. */
function arm(world: TelegramWorld, { end, life }: { end: TelegramLife["end"]; life: Life }): () => void {
  const timers: NodeJS.Timeout[] = [];
  let unwatch: () => void = () => undefined;
  if (end.at === "step") {
    let left = end.n;
    unwatch = world.onStep((step) => {
      if (step !== end.step) return undefined;
      left -= 1;
      if (left !== 0) return undefined;
      if (end.ms === 0) life.kill();
      else timers.push(setTimeout(() => life.kill(), end.ms));
      return end.lost;
    });
  }
  if (end.at === "poison") {
    world.onAsked = (names) => {
      if (names.includes(end.name)) life.kill();
    };
    unwatch = () => {
      world.onAsked = () => undefined;
    };
  }
  if (end.at === "begun" || end.at === "ended") {
    const seen = () => world.calls().filter((line) => line.startsWith(end.at)).length;
    const target = seen() + end.n;
    timers.push(setInterval(() => (seen() >= target ? life.kill() : undefined), 3));
  }
  if (end.at === "delay") timers.push(setTimeout(() => life.kill(), end.ms));
  if (end.at === "stop") {
    timers.push(setTimeout(() => life.signal("SIGTERM"), end.ms));
    timers.push(setTimeout(() => life.signal("SIGTERM"), end.ms + 30));
    // A signal before it listens ends it as well; a life that ignored both would hold the run up.
    timers.push(setTimeout(() => life.kill(), end.ms + 10_000));
  }
  return () => {
    for (const timer of timers) clearTimeout(timer);
    unwatch();
  };
}

function perform(world: TelegramWorld, act: Act): void {
  const { platform, chats, people, sent, stops } = world;
  if (act.do === "say" || act.do === "document") {
    const { by, task } = act;
    const chat = chats[act.in];
    const words = act.in === "group" ? `@helper_bot ${taskText(task)}` : taskText(task);
    const replyTo = act.chain ? newestAnswer(world) : undefined;
    const options = replyTo === undefined ? {} : { replyTo };
    const common = { kind: "message" as const, place: act.in, by, task, order: world.order() };
    if (act.do === "say") sent.push({ ...common, id: people[by].say(chat, words, options) });
    else {
      const document = Buffer.from(`The document of ${task.name}\n`.repeat(500));
      const named = { ...options, caption: words, name: `${task.name}.csv`, mime: "text/csv" };
      sent.push({ ...common, document, id: people[by].sendDocument(chat, document, named) });
    }
  } else if (act.do === "edit") {
    const original = sent.find(({ kind, task }) => kind === "message" && task.name === act.of);
    if (original === undefined || original.document !== undefined) return;
    const { place, by, id } = original;
    const words = place === "group" ? `@helper_bot ${taskText(act.task)}` : taskText(act.task);
    people[by].edit(chats[place], id, words);
    sent.push({ kind: "edit", place, by, id, task: act.task, order: world.order() });
  } else if (act.do === "stop") {
    const id = people[act.in].say(chats[act.in], "/stop");
    stops.push({ place: act.in, order: world.order(), how: "text", id: String(id) });
  } else {
    const shown = platform.messages(chats[act.in]).findLast(({ buttons }) => buttons.flat().some(isStopButton));
    if (shown === undefined) return;
    const id = people[act.by].press(chats[act.in], shown.id, "Stop");
    stops.push({ place: act.in, order: world.order(), how: "button", id });
  }
}

function isStopButton({ text }: { text: string }): boolean {
  return text === "Stop";
}

/** What somebody in the group would answer: the newest of the agent's messages that says something. */
function newestAnswer({ platform, chats }: TelegramWorld): number | undefined {
  return platform.messages(chats.group).findLast(({ byBot, text }) => byBot && text.includes(" is answered>"))?.id;
}
