// What happens in one run of the crash test over Telegram: who writes what and when, what the platform does wrong, and
// where each life of the program ends. A pure function of the seed.
import type { Fault, FaultRule } from "../adapters/telegram/fake/faults.ts";
import { random } from "../random.ts";
import type { Syscall } from "./instance.ts";
import type { Task } from "./model.ts";

/** Two private chats and a group with both people. */
export type Place = "ann" | "ben" | "group";

/** Where a run is: what was called, and whether the platform has only read the call or has answered it as well. */
export type Step =
  | `${"poll" | "send" | "edit" | "file" | "sign" | "other"}:${"received" | "answered"}`
  /** Updates went out. */
  | "updates"
  | "download"
  /** The model is asked, and half of its answer is out. */
  | "request"
  | "answering";

/** What a person does. */
export type Act =
  | { do: "say" | "document"; in: Place; by: "ann" | "ben"; task: Task; chain: boolean }
  | { do: "edit"; of: string; task: Task }
  | { do: "stop"; in: "ann" | "ben" }
  /** The newest button in a chat that says "Stop". */
  | { do: "press"; in: Place; by: "ann" | "ben" };

/** When: before the program starts, some time after, or some time after the n-th such step of a life. */
export type When = { at: "down" } | { at: "start"; ms: number } | { at: Step; n: number; ms: number };

export type TelegramEnd =
  /** `lost`: the call that ends the life does not act. */
  | { at: "step"; step: Step; n: number; ms: number; lost: boolean }
  | { at: "begun" | "ended"; n: number }
  | { at: "delay"; ms: number }
  /** Asked to end at once, by two signals. */
  | { at: "stop"; ms: number }
  | { at: "syscall"; syscall: Syscall }
  /** Whenever the model is asked about this message. */
  | { at: "poison"; name: string };

export interface TelegramLife {
  end: TelegramEnd;
  acts: { when: When; act: Act }[];
  /** The starts before look as if each had lived for long, so that they count as no crash loop. */
  aged: boolean;
}

export interface TelegramPlan {
  seed: number;
  lives: TelegramLife[];
  faults: Pick<FaultRule, "fault" | "methods" | "skip">[];
}

const sends = ["sendMessage"];
const changes = ["editMessageText", "deleteMessage"];
const uploads = ["sendDocument", "sendPhoto"];
const polls = ["getUpdates"];

/** The plan of a seed. Every fourth has many lives, every tenth a crash loop, every twelfth a message that kills. */
export function telegramPlanOf(seed: number, { strace }: { strace: boolean }): TelegramPlan {
  const dice = diceOf(random(seed ^ 0x7e1e_6a3b));
  const names = namesOf(seed);
  const isPoison = seed % 12 === 7;
  const isLoop = seed % 10 === 3;
  const count = isLoop ? 6 : seed % 4 === 0 ? 5 + dice.upTo(4) : 1 + dice.upTo(3);
  const said: Said[] = [];
  const poison = isPoison ? names() : undefined;
  const lives = Array.from({ length: count }, (_, index): TelegramLife => {
    const acts = Array.from({ length: index === 0 ? dice.upTo(3) : dice.upTo(3) - 1 }, () => ({
      when: index === 0 && said.length === 0 ? soon(dice) : whenOf(dice),
      act: actOf(dice, { said, names }),
    }));
    if (poison !== undefined && index === 0) {
      const task: Task = { name: poison, rounds: 1, width: 1, callMs: 10 };
      acts.unshift({ when: { at: "down" }, act: { do: "say", in: "ben", by: "ben", task, chain: false } });
    }
    const end: TelegramEnd =
      poison !== undefined && index < 3
        ? { at: "poison", name: poison }
        : isLoop
          ? { at: "delay", ms: 100 + dice.upTo(600) }
          : endOf(dice, { strace, first: index === 0 });
    return { end, acts, aged: !isLoop && index > 0 && index % 4 === 0 };
  });
  const faults = dice.chance(0.5) ? Array.from({ length: dice.upTo(2) }, () => faultOf(dice)) : [];
  return { seed, lives, faults };
}

/** A message that was planned already, for those that answer or edit it. */
interface Said {
  in: Place;
  by: "ann" | "ben";
  name: string;
}

interface Dice {
  upTo(max: number): number;
  chance(p: number): boolean;
  of<Item>(items: readonly [Item, ...Item[]]): Item;
}

function diceOf(next: () => number): Dice {
  const upTo = (max: number) => 1 + Math.floor(next() * max);
  return {
    upTo,
    chance: (p) => next() < p,
    of: (items) => items[upTo(items.length) - 1] ?? items[0],
  };
}

function namesOf(seed: number): () => string {
  let count = 0;
  return () => {
    count += 1;
    return `s${seed}m${count}`;
  };
}

function soon(dice: Dice): When {
  return dice.chance(0.5) ? { at: "down" } : { at: "poll:received", n: 1, ms: dice.upTo(20) - 1 };
}

function whenOf(dice: Dice): When {
  const ms = dice.chance(0.5) ? 0 : dice.upTo(60);
  return dice.of<() => When>([
    () => ({ at: "down" }),
    () => ({ at: "start", ms: dice.upTo(500) }),
    () => ({ at: "poll:received", n: dice.upTo(2), ms }),
    () => ({ at: "request", n: dice.upTo(2), ms }),
    () => ({ at: "answering", n: dice.upTo(2), ms }),
    () => ({ at: "send:answered", n: 1, ms }),
    () => ({ at: "edit:received", n: 1, ms }),
  ])();
}

function actOf(dice: Dice, { said, names }: { said: Said[]; names: () => string }): Act {
  const roll = dice.upTo(20);
  const before = said.at(-1);
  if (before !== undefined && roll <= 3) {
    const task = taskOf(dice, names());
    return { do: "edit", of: dice.of([before, ...said]).name, task };
  }
  if (before !== undefined && roll <= 5)
    return { do: "stop", in: before.in === "group" ? dice.of(["ann", "ben"]) : before.in };
  if (before !== undefined && roll <= 7) return { do: "press", in: before.in, by: before.by };
  const place = dice.of<Place>(["ann", "ann", "ben", "group", "group"]);
  const by = place === "group" ? dice.of(["ann", "ben"] as const) : place;
  const task = taskOf(dice, names());
  said.push({ in: place, by, name: task.name });
  return { do: roll >= 19 ? "document" : "say", in: place, by, task, chain: place === "group" && dice.chance(0.6) };
}

function taskOf(dice: Dice, name: string): Task {
  const roll = dice.upTo(10);
  const common = { name, width: dice.upTo(2), callMs: dice.upTo(3) * 10 };
  if (roll <= 3) return { ...common, rounds: 2, file: true };
  if (roll === 4) return { ...common, rounds: 0, lines: 30 + dice.upTo(40) };
  return { ...common, rounds: dice.upTo(3) - 1 };
}

function endOf(dice: Dice, { strace, first }: { strace: boolean; first: boolean }): TelegramEnd {
  const ms = dice.chance(0.6) ? 0 : dice.upTo(8);
  const step = (name: Step, n: number): TelegramEnd => {
    const lost = name.endsWith(":received") && dice.chance(0.4);
    return { at: "step", step: name, n: dice.upTo(n), ms: lost ? 0 : ms, lost };
  };
  const ends: [() => TelegramEnd, ...(() => TelegramEnd)[]] = [
    () => step("send:received", 3),
    () => step("send:answered", 3),
    () => step("edit:received", 4),
    () => step("edit:answered", 4),
    () => step(dice.of(["file:received", "file:answered"]), 1),
    () => step(dice.of(["file:answered", "download"]), 1),
    () => step("poll:received", 4),
    () => step("updates", 2),
    () => step("sign:received", 2),
    () => step("request", 3),
    () => step("answering", 3),
    () => ({ at: dice.of(["begun", "ended"] as const), n: dice.upTo(3) }),
    () => ({ at: "delay", ms: dice.upTo(900) }),
    () => ({ at: "stop", ms: 150 + dice.upTo(500) }),
  ];
  if (strace) {
    ends.push(
      () => ({ at: "syscall", syscall: { kind: "commit", n: dice.upTo(first ? 24 : 14) } }),
      () => ({ at: "syscall", syscall: { kind: "write", n: dice.upTo(80) } }),
    );
  }
  return dice.of(ends)();
}

function faultOf(dice: Dice): TelegramPlan["faults"][number] {
  const methods = dice.of([sends, changes, uploads, polls, sends, changes]);
  const fault = dice.of<Fault>([
    { kind: "lose" },
    { kind: "lose" },
    { kind: "drop" },
    { kind: "flood", retryAfterS: 1 },
    { kind: "html", status: 502, acts: true },
    { kind: "html", status: 502 },
    { kind: "cut" },
    { kind: "garbage" },
    { kind: "delay", ms: 300 },
  ]);
  const repeats = methods === polls && dice.chance(0.5);
  return { fault: repeats ? { kind: "repeat", count: 5 } : fault, methods, skip: dice.upTo(4) - 1 };
}
