// Lets so many through at a time; the others wait in order, and not without end.
import { Failure } from "../../core/failure.ts";

/** A bounded number of places. */
export interface Gate {
  /** Waits for a place; the returned function gives it back, once. @throws Failure `sandbox` when too many wait already. */
  enter(): Promise<() => void>;
}

/** `places` at a time, `waitingMax` behind them. */
export function createGate({ places, waitingMax }: { places: number; waitingMax: number }): Gate {
  let free = places;
  const waiting: (() => void)[] = [];
  const leave = () => {
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next();
  };
  return {
    enter: async () => {
      if (free > 0) free -= 1;
      else {
        if (waiting.length >= waitingMax) {
          throw new Failure("sandbox", `Cannot run a command: more than ${waitingMax} wait already`);
        }
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
      let left = false;
      return () => {
        if (left) return;
        left = true;
        leave();
      };
    },
  };
}
