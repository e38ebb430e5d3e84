// Questions that a person with the right role must answer before something happens.
import type { SessionId, TurnId } from "../core/ids.ts";
import type { Choice, Sender } from "../core/message.ts";
import type { ReplyTarget } from "../core/session.ts";
import type { Database } from "../sys/sqlite.ts";
import type { GivenRole } from "./roles.ts";

export type ApprovalState = "open" | "allowed" | "denied" | "expired" | "void";
/** `automatic`: nobody was asked, since the requester's role and the sandbox allow it. */
export type ApprovalChoice = "once" | "session" | "always" | "deny" | "automatic";

/** Who answered: a person on an adapter, or the operating system's user at the command line. */
export type Answerer = { adapter: string; sender: Sender } | { host: true };

/** A stored question. Times are Unix milliseconds. */
export interface Approval {
  id: number;
  kind: string;
  /** The exact arguments as JSON, and what they are known by: a changed one asks again. */
  arguments: string;
  hash: string;
  text: string;
  choices: Choice[];
  requester: Sender;
  /** Where it was asked. */
  origin: ReplyTarget;
  /** The least role that may answer. */
  role: GivenRole;
  agent: string;
  session: SessionId | null;
  turn: TurnId | null;
  call: string | null;
  state: ApprovalState;
  choice: ApprovalChoice | null;
  answeredBy: Answerer | null;
  createdAt: number;
  expiresAt: number;
  answeredAt: number | null;
}

/** What a question is made of; one that is `answered` at once is a recorded grant. */
export type NewApproval = Omit<
  Approval,
  "id" | "choices" | "state" | "choice" | "answeredBy" | "answeredAt" | "session" | "turn" | "call"
> & { session?: SessionId; turn?: TurnId; call?: string; answered?: { choice: ApprovalChoice } };

interface Row {
  id: number;
  kind: string;
  arguments: string;
  hash: string;
  text: string;
  choices: string;
  requester: string;
  origin: string;
  role: GivenRole;
  agent: string;
  session: number | null;
  turn: number | null;
  call: string | null;
  state: ApprovalState;
  choice: ApprovalChoice | null;
  answered_by: string | null;
  created_at: number;
  expires_at: number;
  answered_at: number | null;
}

/** The approvals of a store. */
export function openApprovals(db: Database) {
  const insert = db.prepare(
    `INSERT INTO approvals (kind, arguments, hash, text, choices, requester, origin, role, agent, session, turn, call,
       state, choice, created_at, expires_at, answered_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const byId = db.prepare("SELECT * FROM approvals WHERE id = ?");
  const answer = db.prepare(
    "UPDATE approvals SET state = ?, choice = ?, answered_by = ?, answered_at = ? WHERE id = ? AND state = 'open'",
  );
  const close = db.prepare("UPDATE approvals SET state = ?, answered_at = ? WHERE id = ? AND state = 'open'");
  const setChoices = db.prepare("UPDATE approvals SET choices = ? WHERE id = ?");
  const due = db.prepare(
    "SELECT * FROM approvals WHERE state = 'open' AND expires_at <= ? ORDER BY expires_at LIMIT 1000",
  );
  const ofCall = db.prepare(
    "SELECT * FROM approvals WHERE turn = ? AND call = ? AND kind = ? ORDER BY id DESC LIMIT 1",
  );
  const openOfTurn = db.prepare("SELECT count(*) AS n FROM approvals WHERE turn = ? AND state = 'open'");
  const calls = db.prepare("SELECT DISTINCT call FROM approvals WHERE turn = ? AND call IS NOT NULL LIMIT 10000");
  const voidTurn = db.prepare("UPDATE approvals SET state = 'void', answered_at = ? WHERE turn = ? AND state = 'open'");
  const newest = db.prepare("SELECT * FROM approvals WHERE kind = ? AND hash = ? ORDER BY id DESC LIMIT 1");
  const inSession = db.prepare(
    `SELECT * FROM approvals WHERE kind = ? AND hash = ? AND session = ? AND state = 'allowed' AND choice = ?
       AND requester ->> '$.id' = ? AND origin ->> '$.adapter' = ? ORDER BY id DESC LIMIT 1`,
  );
  const openCount = db.prepare(
    `SELECT count(*) AS n FROM approvals WHERE state = 'open' AND kind = ?1 AND origin ->> '$.adapter' = ?2
       AND (?3 IS NULL OR requester ->> '$.id' = ?3)`,
  );
  const list = db.prepare(
    `SELECT * FROM approvals WHERE (?1 IS NULL OR state = ?1) AND (?2 IS NULL OR kind = ?2) AND (?3 OR choice IS NOT 'automatic')
     ORDER BY id DESC LIMIT ?4`,
  );
  const read = (row: Row | undefined): Approval | undefined => (row === undefined ? undefined : approval(row));
  return {
    add(fresh: NewApproval): Approval {
      const { answered } = fresh;
      const { lastId } = insert.run(
        fresh.kind,
        fresh.arguments,
        fresh.hash,
        fresh.text,
        "[]",
        JSON.stringify(fresh.requester),
        JSON.stringify(fresh.origin),
        fresh.role,
        fresh.agent,
        fresh.session ?? null,
        fresh.turn ?? null,
        fresh.call ?? null,
        answered === undefined ? "open" : "allowed",
        answered?.choice ?? null,
        fresh.createdAt,
        fresh.expiresAt,
        answered === undefined ? null : fresh.createdAt,
      );
      const found = read(byId.get<Row>(lastId));
      if (found === undefined) throw new Error(`Approval ${lastId} is missing right after its insert`);
      return found;
    },
    get: (id: number): Approval | undefined => read(byId.get<Row>(id)),
    /** What is offered; it names the row, and so it comes after it. */
    offer(id: number, choices: readonly Choice[]): void {
      setChoices.run(JSON.stringify(choices), id);
    },
    /** Answers an open one. @returns false when somebody else was first. */
    answer(
      id: number,
      { choice, by, at }: { choice: Exclude<ApprovalChoice, "automatic">; by: Answerer; at: number },
    ): boolean {
      const state: ApprovalState = choice === "deny" ? "denied" : "allowed";
      return answer.run(state, choice, JSON.stringify(by), at, id).changes > 0;
    },
    /** Ends an open one that nobody answered. */
    close: (id: number, { state, at }: { state: "expired" | "void"; at: number }): boolean =>
      close.run(state, at, id).changes > 0,
    /** Open ones whose time is over. */
    due: (at: number): Approval[] => due.all<Row>(at).map(approval),
    /** The newest question of one call of a turn. */
    ofCall: (turn: TurnId, { call, kind }: { call: string; kind: string }): Approval | undefined =>
      read(ofCall.get<Row>(turn, call, kind)),
    /** Calls of a turn that somebody was asked about. */
    calls: (turn: TurnId): Set<string> => new Set(calls.all<{ call: string }>(turn).map((row) => row.call)),
    openOfTurn: (turn: TurnId): number => openOfTurn.get<{ n: number }>(turn)?.n ?? 0,
    /** The turn has ended: its questions are nobody's any more. */
    voidTurn: (turn: TurnId, at: number): number => voidTurn.run(at, turn).changes,
    /** The newest about exactly this. */
    newest: (kind: string, hash: string): Approval | undefined => read(newest.get<Row>(kind, hash)),
    /** What one person was allowed in a session, by one choice. */
    inSession(wanted: {
      kind: string;
      hash: string;
      session: SessionId;
      choice: ApprovalChoice;
      adapter: string;
      user: string;
    }): Approval | undefined {
      const { kind, hash, session, choice, adapter, user } = wanted;
      return read(inSession.get<Row>(kind, hash, session, choice, user, adapter));
    },
    /** Open ones of an adapter, of one requester if `user` is given. */
    openCount: (kind: string, adapter: string, user?: string): number =>
      openCount.get<{ n: number }>(kind, adapter, user ?? null)?.n ?? 0,
    /** Newest first; grants that were recorded without asking only on demand. */
    list(
      wanted: {
        state?: ApprovalState | undefined;
        kind?: string | undefined;
        automatic?: boolean | undefined;
        limit?: number;
      } = {},
    ): Approval[] {
      const { state, kind, automatic = false, limit = 200 } = wanted;
      return list.all<Row>(state ?? null, kind ?? null, Number(automatic), limit).map(approval);
    },
  };
}

function approval(row: Row): Approval {
  return {
    id: row.id,
    kind: row.kind,
    arguments: row.arguments,
    hash: row.hash,
    text: row.text,
    choices: JSON.parse(row.choices) as Choice[],
    requester: JSON.parse(row.requester) as Sender,
    origin: JSON.parse(row.origin) as ReplyTarget,
    role: row.role,
    agent: row.agent,
    session: row.session,
    turn: row.turn,
    call: row.call,
    state: row.state,
    choice: row.choice,
    answeredBy: row.answered_by === null ? null : (JSON.parse(row.answered_by) as Answerer),
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    answeredAt: row.answered_at,
  };
}
