// Whether a tool call may happen: by a recorded grant, or by the answer of a person who is asked.
import type { Admission } from "../../access/admission.ts";
import { type ApprovalDesk, answererName, personName, type Question } from "../../access/approvals.ts";
import { atLeast, type Role } from "../../access/roles.ts";
import type { TurnEvent } from "../../core/event.ts";
import { limits } from "../../core/limits.ts";
import type { Session, TurnRow } from "../../core/session.ts";
import type { Permit, PermitCall } from "../../harness/harness.ts";
import type { Sandbox } from "../../sandbox/sandbox.ts";
import type { Approval } from "../../store/approvals.ts";
import type { Store } from "../../store/store.ts";
import type { Tool } from "../../tools/tool.ts";
import type { Redactor } from "../../vault/redact.ts";
import type { Pause } from "./pause.ts";
import { type Deliver, deciders, fenced, type KnownDoor } from "./reach.ts";

/** What permits work with. */
export interface PermitDeps {
  store: Store;
  redactor: Redactor;
  approvals: ApprovalDesk;
  door(adapter: string): KnownDoor;
  deliver: Deliver;
  /** Whether whoever asked for the turn still comes in, and with which role. */
  standing(row: TurnRow): Admission;
}

/** One turn that calls tools. */
export interface PermitTurn {
  row: TurnRow;
  session: Session;
  sandbox: Pick<Sandbox, "kind" | "isolation" | "cwd">;
  tools: readonly Tool[];
  /** Stores an event of the turn and shows it. */
  record(event: TurnEvent): void;
  /** Runs in the transaction of the turn's next event. */
  join(work: () => void): void;
  pause: Pause;
  /** Aborted when the turn ends early, and when it is put down with its question open. */
  signal: AbortSignal;
}

export type Permits = ReturnType<typeof createPermits>;

/** The permits of all turns. */
export function createPermits(deps: PermitDeps) {
  const { store } = deps;
  const waiters = new Map<number, (approval: Approval) => void>();

  /** Waits for an answer, however long it takes. Nothing when the turn ends before, or is put down. */
  const answered = async (approval: Approval, turn: PermitTurn): Promise<Approval | undefined> => {
    turn.pause.begin();
    const answer = await new Promise<Approval | undefined>((resolve) => {
      const leave = () => resolve(undefined);
      if (turn.signal.aborted) return leave();
      waiters.set(approval.id, resolve);
      turn.signal.addEventListener("abort", leave, { once: true });
    });
    waiters.delete(approval.id);
    turn.pause.end();
    // With the call's next event: if the program ends before, the answer is found at the next start.
    if (answer !== undefined && !turn.pause.waiting()) turn.join(() => store.turns.setState(turn.row.id, "running"));
    return answer;
  };

  /** Asks, unless this very call was asked about before. */
  const ask = async (
    turn: PermitTurn,
    { call, question, role }: { call: PermitCall; question: Question; role: Role },
  ): Promise<Permit> => {
    const before = store.approvals.ofCall(turn.row.id, { call: call.id, kind: "tool" });
    const same = before !== undefined && before.hash === deps.approvals.hashOf(question.arguments);
    if (same && before.state !== "open") return permitOf(before);
    const approval = same ? before : store.transaction(() => put(deps, { turn, question }));
    // Whoever cannot answer gets no buttons for it: those who can have them in their own chats.
    const choices = atLeast(role, approval.role) ? [...approval.choices] : [];
    const { id } = approval;
    const text =
      choices.length > 0 ? approval.text : `${approval.text}\n\nAn admin was asked; this waits for the answer.`;
    turn.record({ type: "ask", approval: id, text, choices });
    const answer = await answered(approval, turn);
    if (answer === undefined) return { allowed: false, reason: "Not started: the turn was stopped" };
    // A day may have passed: whoever is out by now is out.
    return deps.standing(turn.row).admitted ? permitOf(answer) : notKnown(turn);
  };

  return {
    /** Makes the function that judges a turn's calls. */
    of(turn: PermitTurn): (call: PermitCall) => Promise<Permit> {
      const recorded = new Set<string>();
      return async (call) => {
        const tool = turn.tools.find(({ name }) => name === call.name);
        if (tool === undefined) return { allowed: true };
        const admission = deps.standing(turn.row);
        if (!admission.admitted) return notKnown(turn);
        // With nothing around it, a look reaches every file of the owner's: keys, the database, other conversations.
        const openly = turn.sandbox.isolation === "none";
        if (tool.effect === undefined && !openly) return { allowed: true };
        const guest = !atLeast(admission.role, "member");
        if (guest && tool.effect === "lasting")
          return { allowed: false, reason: `Not allowed: ${tool.name} is not for guests` };
        if (guest && tool.outlasts?.(call.input) === true)
          return { allowed: false, reason: "Not allowed: what guests start ends with the turn" };
        // What runs openly runs with the owner's own rights.
        if (!openly || tool.effect === "lasting" || admission.role === "owner") {
          if (tool.effect !== undefined) grant(deps, { turn, role: admission.role, recorded });
          return { allowed: true };
        }
        if (guest)
          return { allowed: false, reason: "Not allowed: guests have no tools here, since nothing isolates them" };
        const question = toolQuestion(deps, { turn, tool, call });
        if (allowedBefore(deps, { turn, question, call })) return { allowed: true };
        return ask(turn, { call, question, role: admission.role });
      };
    },
    /** After an answer: the turn that waits for it goes on. @returns false when none waits in this process. */
    settle(approval: Approval): boolean {
      const waiter = waiters.get(approval.id);
      waiter?.(approval);
      return waiter !== undefined;
    },
  };
}

/** Nobody is asked: one row for each session, requester and set of tools says so, stored with the call that comes first. */
function grant(
  { store, approvals }: PermitDeps,
  { turn, role, recorded }: { turn: PermitTurn; role: string; recorded: Set<string> },
): void {
  const { row, session, sandbox, tools } = turn;
  const { kind, isolation } = sandbox;
  const exact = {
    role,
    isolation,
    sandbox: kind,
    tools: tools.filter(({ effect }) => effect !== undefined).map(({ name }) => name),
  };
  const hash = approvals.hashOf(exact);
  if (recorded.has(hash)) return;
  recorded.add(hash);
  const { adapter } = row.replyTo;
  const user = row.requester.id;
  const wanted = { kind: "tools", hash, session: session.id, choice: "automatic", adapter, user } as const;
  if (store.approvals.inSession(wanted) !== undefined) return;
  turn.join(() => {
    approvals.record({
      kind: "tools",
      arguments: exact,
      text: `Tools with effects for ${role}, isolation ${isolation}`,
      requester: row.requester,
      origin: row.replyTo,
      role: "owner",
      agent: row.agent,
      session: session.id,
      turn: row.id,
    });
  });
}

/** True when the very same was allowed for this session, or always. */
function allowedBefore(
  { store, approvals }: PermitDeps,
  { turn, question, call }: { turn: PermitTurn; question: Question; call: PermitCall },
): boolean {
  const { row, session } = turn;
  const hash = approvals.hashOf(question.arguments);
  const who = { adapter: row.replyTo.adapter, user: row.requester.id };
  const key = { kind: "tool", hash, session: session.id, ...who };
  if (store.approvals.inSession({ ...key, choice: "session" }) !== undefined) return true;
  if (store.rules.find({ kind: "tool", hash, agent: row.agent, ...who }) === undefined) return false;
  turn.join(() => {
    const { answers: _answers, denyLabel: _label, ...rest } = question;
    approvals.record({ ...rest, call: call.id });
  });
  return true;
}

/** The question about one call: the exact tool, arguments, folder and sandbox. */
function toolQuestion(
  { redactor }: PermitDeps,
  { turn, tool, call }: { turn: PermitTurn; tool: Tool; call: PermitCall },
): Question {
  const { row, session, sandbox } = turn;
  const exact = {
    tool: call.name,
    input: call.input,
    cwd: sandbox.cwd,
    sandbox: sandbox.kind,
    isolation: sandbox.isolation,
  };
  const shown = JSON.stringify(call.input, undefined, 2).replaceAll("\\n", "\n");
  const more = shown.length - limits.approvalCharsMax;
  const rest = more > 0 ? `\n\n**${more} more characters are not shown here.**` : "";
  const what = `**${personName(row.requester)}** wants to run \`${tool.name}\` in \`${sandbox.cwd}\`, without isolation:`;
  return {
    kind: "tool",
    arguments: exact,
    text: `${what}\n\n${fenced(redactor.exact(shown), limits.approvalCharsMax)}${rest}`,
    requester: row.requester,
    origin: row.replyTo,
    role: "admin",
    agent: row.agent,
    session: session.id,
    turn: row.id,
    call: call.id,
    answers: [
      { answer: "once", label: "Allow once" },
      { answer: "session", label: "Allow in this session" },
      { answer: "always", label: "Always allow" },
    ],
  };
}

/** Inside the transaction: the question, and a card for those who decide, unless it is asked where they are. */
function put(deps: PermitDeps, { turn, question }: { turn: PermitTurn; question: Question }): Approval {
  const approval = deps.approvals.ask(question);
  const { adapter, conversation } = turn.row.replyTo;
  for (const target of deciders(deps.store, { adapter, door: deps.door(adapter), agent: turn.row.agent }))
    if (target.conversation.id !== conversation.id)
      deps.deliver(
        target,
        { markdown: approval.text, choices: [...approval.choices] },
        { kind: "card", question: approval.id },
      );
  return approval;
}

function notKnown({ row }: PermitTurn): Permit {
  return { allowed: false, reason: `Not allowed: ${row.requester.name} may not use this agent any more` };
}

function permitOf(approval: Approval): Permit {
  if (approval.state === "allowed") return { allowed: true };
  const who = answererName(approval.answeredBy);
  if (approval.state === "denied") return { allowed: false, reason: `Denied by ${who}: it was not run` };
  if (approval.state === "expired")
    return { allowed: false, reason: "Not run: nobody answered the question about it within a day" };
  return { allowed: false, reason: "Not run: the question about it is void" };
}
