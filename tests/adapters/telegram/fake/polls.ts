// Long polls without a clock of their own: whoever carries them says when one has waited long enough.
import { type Outcome, pollConflict } from "./faults.ts";
import type { Answer, Json } from "./world.ts";

const timeoutMaxS = 50;

export interface Poll {
  /** How long to wait at most, in ms; 0 when it is settled already. */
  waitMs: number;
  /** The time is over: settles with an empty list. */
  expire(): void;
  /** The client went away; nobody is told anything. */
  abandon(): void;
}

export interface Polls {
  /**
   * One getUpdates. `settle` is called once, maybe at once. A poll that is open for the same bot ends with 409, as the
   * platform allows only one; the newer one goes on.
   */
  open(bot: number, params: Json, call: { ask: () => Outcome; settle: (outcome: Outcome) => void }): Poll;
  /** Ends a bot's open poll with this 409. */
  interrupt(bot: number, description: string): void;
  /** To be called when a bot's queue grew. */
  wake(bot: number): void;
}

export function createPolls(): Polls {
  const waiting = new Map<number, { ask: () => Outcome; finish: (outcome: Outcome) => void }>();
  const interrupt = (bot: number, description: string) => {
    const answer: Answer = { ok: false, error_code: 409, description };
    waiting.get(bot)?.finish({ kind: "answer", acted: false, delayMs: 0, answer });
  };
  return {
    interrupt,
    open(bot, params, { ask, settle }) {
      interrupt(bot, pollConflict);
      const first = ask();
      const seconds = Math.min(Math.max(Number(params.timeout ?? 0) || 0, 0), timeoutMaxS);
      const idle = { waitMs: 0, expire() {}, abandon() {} };
      if (!isEmpty(first) || seconds === 0) {
        settle(first);
        return idle;
      }
      const one = {
        ask,
        finish(outcome: Outcome) {
          if (waiting.get(bot) !== one) return;
          waiting.delete(bot);
          settle(outcome);
        },
      };
      waiting.set(bot, one);
      return {
        waitMs: seconds * 1000,
        expire: () => one.finish(first),
        abandon() {
          if (waiting.get(bot) === one) waiting.delete(bot);
        },
      };
    },
    wake(bot) {
      const one = waiting.get(bot);
      if (one === undefined) return;
      const outcome = one.ask();
      if (!isEmpty(outcome)) one.finish(outcome);
    },
  };
}

function isEmpty(outcome: Outcome): boolean {
  return (
    outcome.kind === "answer" &&
    outcome.answer.ok &&
    Array.isArray(outcome.answer.result) &&
    outcome.answer.result.length === 0
  );
}
