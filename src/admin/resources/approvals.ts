// The noun `approvals`: questions that somebody must answer, and what was allowed always.
import * as v from "valibot";
import { type Answer, type AnswerResult, answererName, createApprovals, storeKinds } from "../../access/approvals.ts";
import { Failure } from "../../core/failure.ts";
import { publicId } from "../../core/ids.ts";
import { excerpt } from "../../core/words.ts";
import type { Approval, ApprovalState } from "../../store/approvals.ts";
import type { Store } from "../../store/store.ts";
import type { Clock } from "../../sys/clock.ts";
import { choice, limitFlag, text, toggle, verb } from "../flags.ts";
import { parseNumber, personText } from "../person.ts";
import type { Resource } from "../resource.ts";

/** What this noun needs. */
export interface ApprovalsDeps extends Pick<Store, "approvals" | "rules" | "roles" | "users" | "transaction"> {
  /** In a running instance: has what follows an answer happen now, and not at the next start. */
  settleQuestion?(approval: number): void;
}

const states: ApprovalState[] = ["open", "allowed", "denied", "expired", "void"];

/** Declares the noun; `open` gives the store when a verb runs. */
export function approvals(open: () => ApprovalsDeps, clock: Pick<Clock, "now">): Resource {
  const desk = () => createApprovals({ store: open(), clock, kinds: storeKinds(open(), clock) });
  const find = (id: string): Approval => {
    const found = open().approvals.get(parseNumber(id, "approval"));
    if (found !== undefined) return found;
    throw new Failure("not-found", `Cannot find approval ${JSON.stringify(id)}: there is none with this number`, {
      hint: "remoteagent approvals list shows them",
    });
  };
  const answer = (id: string, how: Answer) => {
    const { id: number } = find(id);
    const host = { by: { host: true } as const, roleFor: () => "owner" as const };
    const result: AnswerResult = desk().answer(number, { answer: how, who: host });
    if (result.approval !== undefined) open().settleQuestion?.(number);
    if (!result.ok) throw new Failure("usage", result.text);
    return { answered: number, result: result.text };
  };
  return {
    name: "approvals",
    summary: "Questions that somebody must answer, and what was allowed always",
    // The role is who may answer; beside the requester it reads as theirs, so `show` alone has it.
    columns: ["id", "state", "kind", "requester", "session", "createdAt", "expiresAt", "text"],
    verbs: [
      verb({
        name: "list",
        summary: "Questions, the newest first",
        schema: v.strictObject({
          state: v.optional(choice("Only in this state", states)),
          kind: v.optional(text("Only of this kind: admit, tool")),
          automatic: v.optional(toggle("Also what was allowed without asking")),
          limit: limitFlag,
        }),
        run: ({ state, kind, automatic, limit }) => {
          for (const { id } of desk().expire()) open().settleQuestion?.(id);
          return open().approvals.list({ state, kind, automatic, limit }).map(row);
        },
      }),
      verb({
        name: "show",
        summary: "One question with its exact arguments",
        takesId: true,
        schema: v.strictObject({}),
        run: ({ id }) => {
          const { choices: _choices, ...approval } = find(id);
          return { ...approval, ...row(approval), text: approval.text, call: approval.call, hash: approval.hash };
        },
      }),
      verb({
        name: "approve",
        summary: "Allows what a question asks about",
        takesId: true,
        schema: v.strictObject({ for: v.optional(choice("How long", ["once", "session", "always"]), "once") }),
        run: ({ id, for: how }) => answer(id, how),
      }),
      verb({
        name: "deny",
        summary: "Refuses what a question asks about",
        takesId: true,
        schema: v.strictObject({}),
        run: ({ id }) => answer(id, "deny"),
      }),
      ...ruleVerbs(open),
    ],
  };
}

function ruleVerbs(open: () => Pick<ApprovalsDeps, "rules">): Resource["verbs"] {
  return [
    verb({
      name: "rules",
      summary: "What was allowed always",
      columns: ["id", "kind", "agent", "user", "text", "givenAt"],
      schema: v.strictObject({ limit: limitFlag }),
      run: ({ limit }) =>
        open()
          .rules.list(limit)
          .map((rule) => ({ ...rule, user: personText(rule), text: excerpt(rule.text, 200) })),
    }),
    verb({
      name: "rules remove",
      summary: "Takes back what was allowed always, by its number",
      takesId: true,
      schema: v.strictObject({}),
      run: ({ id }) => {
        if (open().rules.remove(parseNumber(id, "rule"))) return { removed: Number(id.replace("#", "")) };
        throw new Failure("not-found", `Cannot find rule ${JSON.stringify(id)}: there is none with this number`, {
          hint: "remoteagent approvals rules shows them",
        });
      },
    }),
  ];
}

function row(approval: Omit<Approval, "choices">) {
  const { id, state, kind, role, agent, choice: made, createdAt, expiresAt, answeredAt, session, turn } = approval;
  return {
    id,
    state,
    kind,
    requester: `${approval.requester.name} (${personText({ adapter: approval.origin.adapter, user: approval.requester.id })})`,
    role,
    agent,
    session: session === null ? null : publicId(session),
    turn: turn === null ? null : `T${turn}`,
    choice: made,
    answeredBy: state === "allowed" || state === "denied" ? answererName(approval.answeredBy) : null,
    createdAt,
    expiresAt,
    answeredAt,
    text: excerpt(approval.text, 200),
  };
}
