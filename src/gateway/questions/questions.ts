// What follows an answer: held messages come in, waiting turns go on; and what nobody answers in time expires.
import type { Admission, Visitor } from "../../access/admission.ts";
import type { Answer, Answering, AnswerResult, ApprovalDesk } from "../../access/approvals.ts";
import type { Role } from "../../access/roles.ts";
import { errorText } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import type { Approval } from "../../store/approvals.ts";
import type { Store } from "../../store/store.ts";
import type { Clock } from "../../sys/clock.ts";
import type { Log } from "../../sys/log.ts";
import type { Entry } from "../intake/entry.ts";
import type { Queue } from "../queue/queue.ts";
import type { Permits } from "./permits.ts";

/** What questions work with. */
export interface QuestionDeps {
  store: Store;
  clock: Clock;
  log: Log;
  approvals: ApprovalDesk;
  entry: Pick<Entry, "settle" | "settleAll">;
  permits: Pick<Permits, "settle">;
  queue: Pick<Queue, "goOn">;
  /** Questions were answered, or their time is over; never throws. */
  onAnswered?(): void;
}

/** The questions of the whole program. */
export function createQuestions(deps: QuestionDeps) {
  const { store, clock, log, approvals } = deps;
  const follow: Readonly<Record<string, (approval: Approval) => void>> = {
    admit: deps.entry.settle,
    tool: (approval) => followCall(deps, approval),
  };

  /** Does what follows an answer that is stored. Again, it changes nothing. */
  const settle = (id: number): void => {
    try {
      const approval = store.approvals.get(id);
      if (approval !== undefined && approval.state !== "open") follow[approval.kind]?.(approval);
    } catch (error) {
      // Nothing is lost: the next start looks for it.
      log.error("Cannot act on an answer", { approval: id, error: errorText(error) });
    }
    deps.onAnswered?.();
  };
  const sweep = (): void => {
    for (const { id } of approvals.expire()) settle(id);
  };
  return {
    settle,
    sweep,
    /** Answers a question in the caller's transaction; what follows happens once that is committed. */
    answer(id: number, { answer, who }: { answer: Answer; who: Answering }): AnswerResult {
      const result = approvals.answer(id, { answer, who });
      if (result.approval !== undefined) queueMicrotask(() => settle(id));
      return result;
    },
    /** Before turns go on after a start: what was answered, or expired, while nobody was here. */
    catchUp(): void {
      try {
        sweep();
        deps.entry.settleAll();
      } catch (error) {
        log.error("Cannot act on what was answered before the start", { error: errorText(error) });
      }
    },
    /** Looks now and then for what has expired, until `signal` aborts. */
    async keep(signal: AbortSignal): Promise<void> {
      while (!signal.aborted) {
        await clock.sleep(limits.approvalSweepMs, signal);
        if (signal.aborted) return;
        try {
          sweep();
        } catch (error) {
          log.warn("Cannot look for expired questions", { error: errorText(error) });
        }
      }
    },
  };
}

/** The turn that waits goes on: in this process, or started again when its last question is answered. */
function followCall({ store, permits, queue }: QuestionDeps, approval: Approval): void {
  if (permits.settle(approval) || approval.turn === null) return;
  const row = store.turns.get(approval.turn);
  const session = row === undefined ? undefined : store.sessions.get(row.session);
  if (row?.state !== "waiting" || session === undefined || store.approvals.openOfTurn(row.id) > 0) return;
  queue.goOn(row, session);
}

/** Somebody in a place, as the one who answers: with the role that they have there at that moment. */
export function answererAt(visitor: Visitor, standing: (agent: string) => Admission): Answering {
  const roleFor = (agent: string): Role => {
    const admission = standing(agent);
    return admission.admitted ? admission.role : "none";
  };
  return { by: { adapter: visitor.adapter, sender: visitor.sender }, roleFor };
}
