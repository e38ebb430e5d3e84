// Everything about who people are and what they are asked: the gate, permits, and questions with what follows them.
import { createApprovals, storeKinds } from "../../access/approvals.ts";
import type { Log } from "../../sys/log.ts";
import type { CommandServices } from "../commands/command.ts";
import { createPermits } from "../questions/permits.ts";
import { answererAt, createQuestions } from "../questions/questions.ts";
import { createEntry, type EntryDeps } from "./entry.ts";

/** What this part of the gateway works with. */
export interface PeopleDeps extends Omit<EntryDeps, "approvals"> {
  log: Log;
}

/** The people of the whole program. */
export function createPeople(deps: PeopleDeps) {
  const { store, clock, log, queue } = deps;
  const approvals = createApprovals({ store, clock, kinds: storeKinds(store, clock), redact: deps.redactor.exact });
  const entry = createEntry({ ...deps, approvals });
  const permits = createPermits({ ...deps, approvals, standing: entry.requester });
  const questions = createQuestions({ ...deps, store, clock, log, approvals, entry, permits, queue });
  const answerQuestion: CommandServices["answerQuestion"] = (inbound, { traits, id, answer }) => {
    const door = { ...deps.door(inbound.adapter), local: traits.local };
    const who = answererAt(inbound, (agent) => entry.standing(inbound, { door, agent }));
    return questions.answer(id, { answer, who });
  };
  return { entry, permits, questions, answerQuestion };
}
