// Approvals: asked once, answered exactly once, by somebody who may at that moment; what follows is in a table.
import { createHash } from "node:crypto";
import { limits } from "../core/limits.ts";
import type { Choice, Sender } from "../core/message.ts";
import { ago } from "../core/words.ts";
import type { Answerer, Approval, NewApproval } from "../store/approvals.ts";
import type { Store } from "../store/store.ts";
import type { Clock } from "../sys/clock.ts";
import { atLeast, type Role, surfaceOf } from "./roles.ts";

/** What an answer may be. */
export const answers = ["once", "session", "always", "deny"] as const;
export type Answer = (typeof answers)[number];

/** What is asked. `arguments` are exact: what differs in them is another question. */
export interface Question
  extends Pick<NewApproval, "kind" | "text" | "requester" | "origin" | "role" | "agent" | "session" | "turn" | "call"> {
  arguments: unknown;
  /** Beside `deny`; with the words on the button. */
  answers: readonly { answer: Exclude<Answer, "deny">; label: string }[];
  denyLabel?: string;
}

/** One kind of question. */
export interface ApprovalKind {
  /** What may be answered beside `once` and `deny`. */
  answers: readonly Answer[];
  /** The effect of an answer on the store, in its transaction. `agent` is how far it reaches; '' is every agent. */
  apply?(approval: Approval, given: { by: Answerer; agent: string }): void;
}

export interface ApprovalDeps {
  store: Pick<Store, "approvals" | "rules" | "transaction">;
  clock: Pick<Clock, "now">;
  kinds: Readonly<Record<string, ApprovalKind>>;
  /** Takes secrets out of what is stored of the arguments; they are known by the hash of what they were. */
  redact?: (text: string) => string;
}

/** Who wants to answer: the role is theirs at this very moment, for the agent that the question is about. */
export interface Answering {
  by: Answerer;
  roleFor(agent: string): Role;
}

/** What became of an answer, in one sentence. */
export interface AnswerResult {
  ok: boolean;
  text: string;
  /** Set when the question ended with this, by the answer or because its time was over: what follows is still to be done. */
  approval?: Approval;
}

export type ApprovalDesk = ReturnType<typeof createApprovals>;

/** The desk where questions are asked and answered. Every method joins the caller's transaction. */
export function createApprovals({ store, clock, kinds, redact = (text) => text }: ApprovalDeps) {
  const { approvals } = store;

  /** Ends what nobody answered in time. */
  const expire = (): Approval[] =>
    approvals.due(clock.now()).filter(({ id }) => approvals.close(id, { state: "expired", at: clock.now() }));
  /** Ends a question whose time is over and that nobody has looked at since. */
  const lapse = (approval: Approval): Approval | undefined => {
    const at = clock.now();
    if (approval.expiresAt > at || !approvals.close(approval.id, { state: "expired", at })) return undefined;
    return found(approvals.get(approval.id));
  };

  return {
    /** Stores a question that is open for a day. */
    ask(question: Question): Approval {
      const { arguments: exact, answers: offered, denyLabel = "Deny", ...rest } = question;
      return store.transaction(() => {
        const at = clock.now();
        const { id } = approvals.add({
          ...rest,
          arguments: redact(canonical(exact)),
          hash: hashOf(exact),
          createdAt: at,
          expiresAt: at + limits.approvalMs,
        });
        const choices: Choice[] = [
          ...offered.map(({ answer, label }) => ({
            value: `/approve ${id}${answer === "once" ? "" : ` ${answer}`}`,
            label,
          })),
          { value: `/deny ${id}`, label: denyLabel },
        ];
        approvals.offer(id, choices);
        return { ...found(approvals.get(id)), choices };
      });
    },
    /** Records what needs no asking, so that nothing happens without a row that allows it. */
    record(grant: Omit<Question, "answers" | "denyLabel">): Approval {
      const { arguments: exact, ...rest } = grant;
      const at = clock.now();
      return approvals.add({
        ...rest,
        arguments: redact(canonical(exact)),
        hash: hashOf(exact),
        createdAt: at,
        expiresAt: at,
        answered: { choice: "automatic" },
      });
    },
    /**
     * Answers a question, once: the right of whoever answers is looked up now, a foreign question and a missing one get
     * the same sentence, and who comes second is told who was first.
     */
    answer(id: number, { answer, who }: { answer: Answer; who: Answering }): AnswerResult {
      return store.transaction((): AnswerResult => {
        const approval = approvals.get(id);
        if (approval === undefined || !mayAnswer(approval, who)) return { ok: false, text: noQuestion(id) };
        const lapsed = lapse(approval);
        if (lapsed !== undefined) return { ok: false, text: pastText(lapsed, clock.now()), approval: lapsed };
        if (approval.state !== "open") return { ok: false, text: pastText(approval, clock.now()) };
        const kind = kinds[approval.kind];
        if (kind === undefined)
          return { ok: false, text: `Cannot answer question ${id}: this program does not know its kind` };
        if (answer !== "once" && answer !== "deny" && !kind.answers.includes(answer))
          return { ok: false, text: `Question ${id} takes ${["once", ...kind.answers].join(", ")}, not ${answer}` };
        if (!approvals.answer(id, { choice: answer, by: who.by, at: clock.now() }))
          return { ok: false, text: noQuestion(id) };
        const answered = found(approvals.get(id));
        if (answer === "always") store.rules.add(ruleOf(answered, { by: who.by, at: clock.now() }));
        kind.apply?.(answered, { by: who.by, agent: reachOf(approval, who) });
        return { ok: true, text: answeredText(answered), approval: answered };
      });
    },
    /** Ends what nobody answered in time. @returns what expired just now. */
    expire: () => store.transaction(expire),
    /** Ends one question if its time is over. @returns it when it ended with this: what follows is still to be done. */
    lapse,
    hashOf,
  };
}

/** An owner may answer everywhere, an admin on their own adapter; the machine's own user is an owner. */
function mayAnswer(approval: Approval, { by, roleFor }: Answering): boolean {
  const role = roleFor(approval.agent);
  if (role === "owner") return true;
  return "adapter" in by && by.adapter === approval.origin.adapter && atLeast(role, approval.role);
}

/** The agent to which an answer is limited, because whoever gives it may decide for no other. */
function reachOf({ agent, role }: Approval, { roleFor }: Answering): string {
  return atLeast(roleFor(""), role) ? "" : agent;
}

/** The sentence for a question that is not there and for one that is somebody else's alike (SECURITY.md 9). */
function noQuestion(id: number): string {
  return `There is no open question ${id} for you`;
}

/** Who answered what, for whoever comes second. */
function pastText(approval: Approval, now: number): string {
  const { id, state, choice } = approval;
  const when = approval.answeredAt === null ? "" : ` ${ago(now - approval.answeredAt)}`;
  if (state === "expired") return `Question ${id} has expired${when}: nobody answered it in time`;
  if (state === "void") return `Question ${id} is void: what it was asked for has ended`;
  const what = state === "denied" ? "denied" : `allowed${choice === null || choice === "once" ? "" : ` (${choice})`}`;
  return `Question ${id} was ${what} by ${answererName(approval.answeredBy)}${when}`;
}

function answeredText({ id, choice, state }: Approval): string {
  if (state === "denied") return `Denied question ${id}`;
  if (choice === "session") return `Allowed question ${id}, and the very same again in this session`;
  if (choice === "always")
    return `Allowed question ${id}, and the very same from now on; remoteagent approvals rules takes it back`;
  return `Allowed question ${id}`;
}

/** Who answered, as people read it. */
export function answererName(by: Answerer | null): string {
  if (by === null) return "the settings";
  return "host" in by ? "the command line" : personName(by.sender);
}

/**
 * A name that somebody gave themselves, with the id that counts: on one line, without marks, and without what platforms
 * make links and mentions of by themselves or what looks like an id of its own.
 */
export function personName({ id, name }: Sender): string {
  const clean = name
    .normalize("NFKC")
    .replace(/\s+/gu, " ")
    .replace(/[\p{C}`*_~[\]()<>|\\#@:/]/gu, "")
    .replace(/(?<=\S)\.(?=\S)/gu, " ")
    .trim();
  const shown = [...clean].slice(0, 40).join("");
  return shown === "" ? `id ${id}` : `${shown} (id ${id})`;
}

function ruleOf({ kind, hash, text, agent, origin, requester }: Approval, { by, at }: { by: Answerer; at: number }) {
  return {
    kind,
    hash,
    text,
    agent,
    adapter: origin.adapter,
    user: requester.id,
    givenBy: JSON.stringify(by),
    givenAt: at,
  };
}

/** What the answers to a stranger's request and to a tool call change in the store. */
export function storeKinds(store: Pick<Store, "roles" | "users">, clock: Pick<Clock, "now">): ApprovalDeps["kinds"] {
  return {
    tool: { answers: ["session", "always"] },
    admit: {
      answers: [],
      apply(approval, { by, agent }) {
        if (approval.state !== "allowed") return;
        const { adapter, conversation } = approval.origin;
        const direct = conversation.kind === "direct";
        const { id, name } = approval.requester;
        const at = clock.now();
        store.roles.give({
          adapter,
          user: id,
          role: "member",
          agent,
          surface: surfaceOf(conversation),
          givenBy: JSON.stringify(by),
          givenAt: at,
        });
        store.users.seen({ adapter, id, name, direct: direct ? conversation.id : undefined, at });
      },
    },
  };
}

/** The SHA-256 of exact arguments, whatever the order of their keys. */
export function hashOf(exact: unknown): string {
  return createHash("sha256").update(canonical(exact)).digest("hex");
}

/** JSON with the keys of each object in order. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    item !== null && typeof item === "object" && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );
}

function found(approval: Approval | undefined): Approval {
  if (approval === undefined) throw new Error("An approval is missing right after it was written");
  return approval;
}
