// What outlives every crash of the program: the platform, its people, the disk, the commands that run, and the record.

import type { Adapter, AdapterDeps } from "../../src/adapters/adapter.ts";
import type { Receipt } from "../../src/core/message.ts";
import type { AdapterTraits } from "../../src/gateway/handle.ts";
import type { Chance } from "./chance.ts";
import type { Engine } from "./database.ts";
import type { Network } from "./sockets.ts";
import type { Time } from "./time.ts";
import type { Outage } from "./wire.ts";

export const adapterName = "tg";

/** What is decided once for a whole run. */
export interface Traits {
  /** What becomes of strangers' messages. */
  unknownSender: "strict" | "request_approval" | "public";
  /** Nothing isolates commands, so that members' calls need somebody's word. */
  open: boolean;
  latencyMs: number;
  rates: boolean;
  /** What was sent can be looked for, instead of markers. */
  finds: boolean;
  /** Of two ways that a platform has: a group that is none of the large ones so far, or what tools did told in full. */
  small: boolean;
}

/** One thing that a person sent, as far as the checks need it. */
export interface Sent {
  /** Where and by what number the platform knows it. */
  chat: string;
  thread?: string | undefined;
  id: string;
  sender: string;
  /** The number that the message's text has. */
  number: number;
  /** It is for the agent by its place or by its words. */
  addressed: boolean;
  /** It is a chat command. */
  command: boolean;
  /** Unix milliseconds of the platform. */
  at: number;
}

/** What the program said became of something that came in. */
export interface Received {
  kind: string;
  conversation: string;
  id: string;
  receipt: Receipt;
  /** Unix milliseconds of the platform. */
  at: number;
}

/** A command of a turn, as the machine knows it. */
export interface Process {
  turn: number;
  alive: boolean;
  starts: number;
}

/** Something that must never happen did. `rule` is the invariant's name. */
export interface Violation {
  rule: string;
  text: string;
}

/** How searches fail; probabilities. `never`: it will never be known. */
export interface Search {
  later: number;
  never: number;
}

export const noTrouble: Search = { later: 0, never: 0 };

/** A message of the bot, as people see it. */
export interface Seen {
  id: string;
  /** The thread or topic in which it stands. */
  thread: string | undefined;
  text: string;
  /** Every text that it had. */
  forms: readonly string[];
  deleted: boolean;
  /** Names of its files. */
  files: readonly string[];
  /** The one person who sees it. */
  onlyFor?: string | undefined;
  /** What the delivery was called that made it, as far as the platform keeps that. */
  nonce?: string | undefined;
}

/** A conversation, with what the bot said in it. */
export interface Place {
  id: string;
  said: readonly Seen[];
}

/** What the platform's side of a life needs. */
export interface Lived {
  dead(): boolean;
  tick(what: "asked" | "acted"): void;
}

/** The platform and its people, whichever it is. */
export interface Side {
  traits: AdapterTraits;
  /** How much of what tools did is told. */
  toolOutput: "summary" | "full";
  owner: string;
  /** Those who were let in, the owner among them. */
  known: readonly string[];
  strangers: readonly string[];
  faults: { clear(): void; counts(): Record<string, number> };
  /** Adds the faults of single calls and events, as chance has it. */
  breakCalls(): void;
  /** One person does one thing. */
  act(chance: Chance): void;
  /** Every conversation. What the bot said is read anew. */
  places(): Place[];
  /** The id that a conversation has now. */
  now(place: string): string;
  /** Somebody's conversation with the bot. */
  directOf(user: string): string;
  /** Whether the program must have it: the platform was told to forget it, or can be asked for it. */
  owes(sent: Sent): boolean;
  /** Somebody deleted it. */
  isDeleted(sent: Sent): boolean;
  /** What is still on its way to the program, in words. */
  unheard(): string[];
  /** The adapter as it is, on the line of one life. */
  line(parts: { life: Lived; chance: Chance }): (deps: AdapterDeps) => Adapter;
  /** What is put between the adapter and the deliveries. */
  wrap?(adapter: Adapter, parts: { life: Lived; chance: Chance }): Adapter;
  /** Nothing goes wrong from here on. */
  calm?(): void;
  /** The sockets of the life that is there. */
  network?(): Network | undefined;
  /** A life is over: its connections are gone. */
  died?(): void;
}

export type Common = ReturnType<typeof createCommon>;

/** A platform with all that is noted of a run. */
export type World = Common & { side: Side };

/** A run in which nothing has happened so far. */
export function createCommon({ time, engine, traits }: { time: Time; engine: Engine; traits: Traits }) {
  const lines: string[] = [];
  const violations: Violation[] = [];
  const processes = new Map<string, Process>();
  /** Turns that are being killed, until all of theirs is dead. */
  const halting = new Set<number>();
  const files = new Map<string, Uint8Array>();
  let outage: Outage | undefined;
  let full = false;
  let search: Search = noTrouble;
  let numbers = 0;
  return {
    time,
    engine,
    traits,
    processes,
    halting,
    files,
    lines,
    violations,
    sent: [] as Sent[],
    received: [] as Received[],
    /** Numbers of messages that were edited. */
    edited: new Set<number>(),
    /** Texts that a harness was given, by who wrote them. */
    taken: [] as { turn: number; sender: string; text: string }[],
    counts: { actions: 0, kills: 0, inside: 0, lives: 0, faults: 0, turns: 0, calls: 0 },
    note(line: string): void {
      lines.push(`${(time.passed() / 1000).toFixed(3)} ${line}`);
    },
    violate(rule: string, text: string): void {
      violations.push({ rule, text });
      lines.push(`${(time.passed() / 1000).toFixed(3)} VIOLATION ${rule}: ${text}`);
    },
    /** The next number for a message's text. */
    number: (): number => {
      numbers += 1;
      return numbers;
    },
    outage: (): Outage | undefined => outage,
    setOutage(now: Outage | undefined): void {
      outage = now;
    },
    search: (): Search => search,
    setSearch(now: Search): void {
      search = now;
    },
    full: (): boolean => full,
    setFull(now: boolean): void {
      full = now;
    },
  };
}
