// What happens in one run of the crash test: a pure function of its seed, so that a failing seed can be run again.
import { random } from "../random.ts";
import type { Syscall } from "./instance.ts";
import type { Task } from "./model.ts";

/** Where a life of the program is ended. */
export type End =
  | { at: "syscall"; syscall: Syscall }
  | { at: "request" | "answering" | "begun" | "ended"; n: number }
  | { at: "event"; n: number }
  | { at: "delay"; ms: number }
  /** Asked to end at once, by two signals, some time after it is up. */
  | { at: "stop"; ms: number };

export interface PlannedLife {
  end: End;
  /** Said as soon as somebody answers. */
  first?: Task;
  /** Said while the first calls run. */
  steering?: Task;
}

export interface Plan {
  seed: number;
  lives: PlannedLife[];
}

/** A first start with the turn behind it has about as many commits; a later one has fewer, and this many writes. */
const commitsMax = 24;
const commitsLaterMax = 12;
const writesMax = 80;
const livesMax = 4;

/** The plan of a seed. The first lives of seeds 1 … 24 end at the first … 24th commit, one after the other. */
export function planOf(seed: number, { strace }: { strace: boolean }): Plan {
  const next = random(seed);
  const upTo = (max: number) => 1 + Math.floor(next() * max);
  const lives = Array.from({ length: 1 + upTo(livesMax - 1) }, (_, index): PlannedLife => {
    const end: End =
      index === 0 && strace
        ? { at: "syscall", syscall: { kind: "commit", n: 1 + ((seed - 1) % commitsMax) } }
        : endOf(upTo, strace);
    return {
      end,
      ...(index === 0 || next() < 0.4 ? { first: taskOf(`s${seed}-l${index}-first`, upTo) } : {}),
      ...(next() < 0.3 ? { steering: taskOf(`s${seed}-l${index}-more`, upTo) } : {}),
    };
  });
  return { seed, lives };
}

function endOf(upTo: (max: number) => number, strace: boolean): End {
  const kinds: (() => End)[] = [
    () => ({ at: "request", n: upTo(4) }),
    () => ({ at: "answering", n: upTo(4) }),
    () => ({ at: "begun", n: upTo(4) }),
    () => ({ at: "ended", n: upTo(4) }),
    () => ({ at: "event", n: upTo(25) }),
    () => ({ at: "delay", ms: upTo(700) }),
    () => ({ at: "stop", ms: upTo(500) }),
    ...(strace
      ? [
          (): End => ({ at: "syscall", syscall: { kind: "commit", n: upTo(commitsLaterMax) } }),
          (): End => ({ at: "syscall", syscall: { kind: "write", n: upTo(writesMax) } }),
        ]
      : []),
  ];
  return (kinds[upTo(kinds.length) - 1] ?? (() => ({ at: "delay", ms: 100 })))();
}

function taskOf(name: string, upTo: (max: number) => number): Task {
  return { name, rounds: upTo(3) - 1 || 1, width: upTo(3), callMs: upTo(3) * 10 };
}
