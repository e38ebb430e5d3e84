// What the benchmark needs of a chat platform: people whom the program knows, what they do, and a line that breaks.
import { systemClock } from "../../../src/sys/clock.ts";
import { timely } from "../programs.ts";

/** People whom the program knows; they are numbered from 0. */
export const peopleCount = 20;

/** A platform with one bot. */
export interface Stage {
  /** Name of the adapter in settings, and in the table. */
  name: "Slack" | "Discord" | "Telegram";
  /** What settings say of the adapter. */
  settings(): object;
  close(): Promise<void>;
}

/** One that is acted on. People write to the bot directly, each in a conversation of their own. */
export interface LiveStage extends Stage {
  /** Writes to the bot. @returns the time just before the event goes out, of `performance.now()`. */
  write(person: number, text: string): number;
  /** When the whole request of the next message or edit has come whose text `isIt` knows. */
  shown(person: number, isIt: (text: string) => boolean): Promise<number>;
  /** Begins a new conversation by the platform's own command. @returns when it was answered. */
  renew(person: number): Promise<void>;
  /** Changes what the person wrote last, or reacts to it. */
  edit(person: number, text: string): void;
  react(person: number, hour: number): void;
  /** Somebody whom the program does not know writes to the bot. */
  stranger(index: number): void;
  /** Others talk where the bot can read it, and it is not meant. */
  chatter(text: string): void;
  /** The platform asks for a sign of life, or gives one. */
  beat(): void;
  /** The cheapest call, made from here: what the platform itself takes for one. */
  call(): Promise<unknown>;
  /** The ways in which a connection ends, in turn. */
  breaks: readonly { name: string; run(): void }[];
  /** Resolves once a connection is there that came after this call. */
  reconnected(): () => Promise<void>;
  counts(): Counts;
}

/** What went over the line so far. */
export interface Counts {
  events: number;
  calls: number;
  connections: number;
}

interface Watcher {
  place: string;
  isIt(text: string): boolean;
  resolve(at: number): void;
}

/** Those who wait for a text to stand in a place. */
export function createWatchers() {
  const watchers = new Set<Watcher>();
  return {
    shown: (place: string, isIt: Watcher["isIt"]): Promise<number> =>
      new Promise((resolve) => watchers.add({ place, isIt, resolve })),
    saw(place: string, text: string): void {
      const at = performance.now();
      for (const watcher of watchers) {
        if (watcher.place !== place || !watcher.isIt(text)) continue;
        watchers.delete(watcher);
        watcher.resolve(at);
      }
    },
  };
}

const lookMs = 2;

/** Waits until something holds. @throws Error with the sentence when it does not in time. */
export async function holding(holds: () => boolean, sentence: string): Promise<void> {
  let over = false;
  const wait = async () => {
    while (!over && !holds()) await systemClock.sleep(lookMs);
  };
  try {
    await timely(wait(), sentence);
  } finally {
    over = true;
  }
}
