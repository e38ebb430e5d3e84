// What goes wrong in a run: faults of the line, outages, a full disk, clocks that jump, and where lives end.
import type { Fault, FaultRule } from "../adapters/telegram/fake/faults.ts";
import type { Chance } from "./chance.ts";
import type { Doom } from "./life.ts";
import type { Outage } from "./wire.ts";
import { type Common, noTrouble, type Search } from "./world.ts";

const minute = 60_000;
const hour = 60 * minute;

/** How rough a run is. */
export interface Weather {
  /** Rules for single calls, while people act. */
  rules: FaultRule[];
  /** Nothing goes wrong. */
  calm: boolean;
  /** Probability of each between two acts. */
  outage: number;
  full: number;
  jump: number;
  /** Probability that a life is doomed, or ended between two acts. */
  doomed: number;
  end: number;
  search: Search;
}

/** Calls that put something into a chat, in which a lost answer hurts. */
const sends = ["sendMessage", "sendDocument", "sendPhoto"];
const edits = ["editMessageText", "deleteMessage"];

const faultKinds: Readonly<{ [name: string]: (chance: Chance) => Pick<FaultRule, "fault" | "methods"> }> = {
  loseSend: () => ({ fault: { kind: "lose" }, methods: sends }),
  dropSend: () => ({ fault: { kind: "drop" }, methods: sends }),
  hangSend: (chance) => ({ fault: { kind: "hang", acts: chance.often(0.5) }, methods: sends }),
  loseEdit: () => ({ fault: { kind: "lose" }, methods: edits }),
  hangEdit: (chance) => ({ fault: { kind: "hang", acts: chance.often(0.5) }, methods: edits }),
  flood: (chance) => ({ fault: { kind: "flood", retryAfterS: chance.between(1, 40) }, methods: [...sends, ...edits] }),
  broken: (chance) => ({ fault: { kind: "html", status: chance.pick([500, 502, 504]), acts: chance.often(0.5) } }),
  garbage: () => ({ fault: { kind: "garbage" } }),
  cut: () => ({ fault: { kind: "cut" } }),
  slow: (chance) => ({ fault: { kind: "delay", ms: chance.below(20_000) } }),
  losePoll: () => ({ fault: { kind: "lose" }, methods: ["getUpdates"] }),
  repeat: (chance) => ({ fault: { kind: "repeat", count: chance.between(1, 5) }, methods: ["getUpdates"] }),
  reorder: () => ({ fault: { kind: "reorder" }, methods: ["getUpdates"] }),
  conflict: () => ({ fault: { kind: "conflict" }, methods: ["getUpdates"] }),
  any: (chance) => ({ fault: chance.pick<Fault>([{ kind: "drop" }, { kind: "lose" }, { kind: "hang" }]) }),
};

/** A fifth of the runs is calm, so that what is tried without trouble is tried as well. */
export function makeWeather(chance: Chance): Weather {
  if (chance.often(0.2))
    return { rules: [], calm: true, outage: 0, full: 0, jump: 0, doomed: 0, end: 0, search: noTrouble };
  const some = (probability: number, value: number) => (chance.often(probability) ? value : 0);
  const rules = Array.from({ length: chance.below(4) }, (): FaultRule => {
    const make = chance.pick(Object.values(faultKinds));
    return { ...make(chance), probability: chance.pick([0.05, 0.2, 0.5]) };
  });
  return {
    rules,
    calm: false,
    outage: some(0.3, 0.08),
    full: some(0.25, 0.08),
    jump: some(0.2, 0.08),
    doomed: some(0.6, 0.8),
    end: some(0.3, 0.06),
    search: { later: some(0.5, 0.4), never: some(0.2, 0.2) },
  };
}

/** Up to three faults of a platform's own kinds, each with how often it happens. */
export function drawFaults<Rule>(
  kinds: readonly ((chance: Chance) => Rule)[],
  chance: Chance,
): { rule: Rule; probability: number }[] {
  return Array.from({ length: chance.below(4) }, () => ({
    rule: chance.pick(kinds)(chance),
    probability: chance.pick([0.05, 0.2, 0.5]),
  }));
}

/** What befalls between two acts. */
export function befall(world: Common, { weather, chance }: { weather: Weather; chance: Chance }): void {
  const { time } = world;
  if (chance.often(weather.outage)) {
    const how = chance.pick<Outage>(["refused", "broken", "silent"]);
    const ms = chance.often(0.15) ? hour : chance.between(1_000, 3 * minute);
    world.note(`the line is ${how} for ${ms} ms`);
    world.setOutage(how);
    time.after(ms, () => {
      world.setOutage(undefined);
      world.note("the line is back");
    });
  }
  if (chance.often(weather.full)) {
    const ms = chance.between(1, 90_000);
    world.note(`the disk is full for ${ms} ms`);
    world.setFull(true);
    time.after(ms, () => {
      world.setFull(false);
      world.note("the disk has room");
    });
  }
  if (chance.often(weather.jump)) {
    const ms = chance.pick([-26 * hour, -hour, -5_000, 5_000, hour, 26 * hour, 400 * 24 * hour]);
    world.note(`the clock jumps by ${ms} ms`);
    time.jump(ms);
  }
}

/** Where the next life ends, if it does by itself. */
export function makeDoom(chance: Chance, weather: Weather): Doom | undefined {
  if (!chance.often(weather.doomed)) return undefined;
  const what = chance.weighed({ statement: 5, committed: 4, asked: 3, acted: 4 });
  const far = { statement: 600, committed: 80, asked: 40, acted: 40 };
  return { what, n: 1 + chance.below(far[what]) };
}

/** How long nobody is there after a life has ended, in milliseconds. */
export function downtimeMs(chance: Chance): number {
  const how = chance.weighed({ soon: 12, minutes: 3, hours: 2, days: 1 });
  if (how === "soon") return chance.below(5_000);
  if (how === "minutes") return chance.between(minute, 20 * minute);
  return how === "hours" ? chance.between(hour, 3 * hour) : 20 * hour;
}
