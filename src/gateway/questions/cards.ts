// Cards after their answer: the buttons go, and who decided what stands there instead.
import { answererName } from "../../access/approvals.ts";
import { errorText } from "../../core/failure.ts";
import type { TurnId } from "../../core/ids.ts";
import { limits } from "../../core/limits.ts";
import type { Approval } from "../../store/approvals.ts";
import type { Store } from "../../store/store.ts";
import type { Log } from "../../sys/log.ts";
import type { Outbox } from "../delivery/deliveries.ts";
import type { Happening } from "../hub.ts";

/** What cards work with. */
export interface CardDeps {
  store: Pick<Store, "approvals" | "deliveries" | "transaction">;
  outbox: Pick<Outbox, "revise">;
  log: Log;
}

export type Cards = ReturnType<typeof createCards>;

/** The cards of all questions. */
export function createCards({ store, outbox, log }: CardDeps) {
  /** Turns that run since their beginning and have asked nothing: nobody looks for their cards. */
  const plain = new Set<TurnId>();
  /** Closes every card whose question is not open any more. Never throws: the next look does it. */
  const close = (): void => {
    try {
      const stale = store.deliveries.answeredCards(limits.cardsClosedMax);
      if (stale.length === 0) return;
      store.transaction(() => {
        for (const { card, question } of stale) {
          const approval = store.approvals.get(question);
          if (approval !== undefined) outbox.revise(card, { markdown: `${approval.text}\n\n${fateOf(approval)}` });
        }
      });
    } catch (error) {
      log.warn("Cannot close a card yet", { error: errorText(error) });
    }
  };
  return {
    close,
    /** As the hub tells it: what a turn asked is nobody's question once it has ended. */
    follow({ turn, event }: Happening): void {
      if (event.type === "started" && !event.resumed) plain.add(turn);
      if (event.type === "ask") plain.delete(turn);
      if (event.type === "ended" && !plain.delete(turn)) close();
    },
  };
}

function fateOf({ state, choice, answeredBy }: Approval): string {
  if (state === "expired") return "Nobody answered in time.";
  if (state === "void") return "Nobody needs an answer any more.";
  const kept = choice === "session" ? ", for this session" : choice === "always" ? ", always" : "";
  return `${state === "denied" ? "Denied" : "Allowed"}${kept} by ${answererName(answeredBy)}.`;
}
