// What goes out, one row a message, each with its fate. Order within a conversation: first parts by id, then the parts.
import type { TurnId } from "../core/ids.ts";
import type { Choice } from "../core/message.ts";
import type { ReplyTarget } from "../core/session.ts";
import type { Database } from "../sys/sqlite.ts";

export const deliveryKinds = ["answer", "notice", "card", "file", "bell", "reply", "tell"] as const;
export type DeliveryKind = (typeof deliveryKinds)[number];
export const deliveryFates = ["pending", "sending", "placed", "sent", "unknown", "failed", "dropped"] as const;
export type DeliveryFate = (typeof deliveryFates)[number];

/** What a send that nobody knows the fate of said: its marker, the whole of it, or what it said before it was changed. */
export type Tried = "marker" | "whole" | "other";

/** A file on its way out. Without `stored` (a path below the workspace) its text is the delivery's body. */
export interface DeliveryFile {
  stored?: string;
  name: string;
  bytes: number;
  caption?: string;
}

/** One outgoing message. Times are Unix milliseconds. */
export interface Delivery {
  id: number;
  turn: TurnId | null;
  kind: DeliveryKind;
  adapter: string;
  conversation: string;
  target: ReplyTarget;
  /** Where it was asked for, when it goes to a private place instead. */
  origin: ReplyTarget | null;
  root: string | null;
  /** First part of the message that this is a later part of. */
  head: number | null;
  /** From 1 to `parts`. */
  part: number;
  parts: number;
  /** The delivery that this one answers on the platform. */
  answers: number | null;
  /** The question that a card asks: of several parts, that with the choices as well. */
  question: number | null;
  /** What `body` holds: nothing yet, unsplit markdown, the platform's form; or the message is to be taken away. */
  form: "forming" | "markdown" | "final" | "removed";
  body: string | null;
  choices: Choice[];
  file: DeliveryFile | null;
  audible: boolean;
  nonce: string;
  /** The platform's id of it. */
  ref: string | null;
  /** Since when it may stand over there without anybody knowing, and what was sent then; null: it surely does not. */
  triedAt: number | null;
  tried: Tried | null;
  fate: DeliveryFate;
  attempts: number;
  renewed: number;
  nextAt: number;
  /** The wait that `nextAt` was made of, in milliseconds. */
  waitMs: number;
  error: string | null;
  toldAt: number | null;
  createdAt: number;
  sentAt: number | null;
}

interface Row {
  id: number;
  turn: number | null;
  kind: DeliveryKind;
  adapter: string;
  conversation: string;
  target: string;
  origin: string | null;
  root: string | null;
  head: number | null;
  part: number;
  parts: number;
  answers: number | null;
  question: number | null;
  form: Delivery["form"];
  body: string | null;
  choices: string;
  file: string | null;
  audible: number;
  nonce: string;
  ref: string | null;
  tried_at: number | null;
  tried: Tried | null;
  fate: DeliveryFate;
  attempts: number;
  renewed: number;
  next_at: number;
  wait_ms: number;
  error: string | null;
  told_at: number | null;
  created_at: number;
  sent_at: number | null;
}

/** A delivery as it is made. */
export interface FreshDelivery {
  target: ReplyTarget;
  kind: DeliveryKind;
  form: Delivery["form"];
  nonce: string;
  at: number;
  turn?: TurnId;
  origin?: ReplyTarget;
  root?: string;
  body?: string;
  choices?: readonly Choice[];
  file?: DeliveryFile;
  audible?: boolean;
  head?: number;
  part?: number;
  parts?: number;
  answers?: number;
  /** The question that a card asks. */
  question?: number;
}

/** What is to be said instead, or that it is to be taken away. */
export interface DeliveryContent {
  form: Delivery["form"];
  body?: string;
  choices?: readonly Choice[];
  parts?: number;
}

/** What an answer is put together from: texts, and the starts and ends of calls. `text` of a call is its output. */
export interface Material {
  type: "message" | "tool";
  step: "start" | "end" | null;
  call: string | null;
  title: string | null;
  ok: boolean;
  text: string;
}

export type Deliveries = ReturnType<typeof openDeliveries>;

const open = "fate IN ('pending', 'sending', 'placed')";
/** What somebody is told about when it did not arrive: not a bell, and not the telling itself. */
const worthTelling = "fate IN ('unknown', 'failed') AND told_at IS NULL AND kind NOT IN ('bell', 'tell')";

/** The deliveries of a store. */
export function openDeliveries(db: Database) {
  return { ...making(db), ...fates(db), ...looking(db), ...answers(db) };
}

/** How rows come to be and what they say. */
function making(db: Database) {
  const insert = db.prepare(
    `INSERT INTO deliveries (turn, kind, adapter, conversation, target, origin, root, head, part, parts, answers, question,
       form, body, choices, file, audible, nonce, next_at, created_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const say = db.prepare(
    `UPDATE deliveries SET form = ?, body = ?, choices = ?, parts = ?, next_at = max(next_at, ?),
       tried = iif(tried = 'whole', 'other', tried) WHERE id = ?`,
  );
  const again = db.prepare(
    `UPDATE deliveries SET fate = iif(ref IS NULL, 'pending', 'placed'), nonce = ?, attempts = 0, next_at = ?,
       tried_at = NULL, tried = NULL, error = NULL, told_at = NULL WHERE id = ? AND fate IN ('unknown', 'failed', 'dropped', 'pending', 'placed')`,
  );
  const answered = db.prepare(
    `SELECT d.id AS card, d.question FROM deliveries d JOIN approvals a ON a.id = d.question
     WHERE d.question IS NOT NULL AND d.choices <> '[]' AND a.state <> 'open' LIMIT ?`,
  );
  const reopen = db.prepare(
    "UPDATE deliveries SET fate = 'placed' WHERE id = ? AND fate = 'sent' AND ref IS NOT NULL AND ref NOT LIKE 'moved:%'",
  );
  const redirect = db.prepare(
    `UPDATE deliveries SET target = ?, conversation = ?, root = NULL, fate = 'pending', ref = NULL, nonce = ?, attempts = 0,
       next_at = ?, tried_at = NULL, tried = NULL WHERE id = ? AND fate <> 'dropped'`,
  );
  return {
    /** Stores a message that is to go out. @returns its number. */
    add(fresh: FreshDelivery): number {
      const root = fresh.root ?? null;
      return insert.run(
        fresh.turn ?? null,
        fresh.kind,
        fresh.target.adapter,
        fresh.target.conversation.id,
        JSON.stringify(fresh.target),
        fresh.origin === undefined ? null : JSON.stringify(fresh.origin),
        root,
        fresh.head ?? null,
        fresh.part ?? 1,
        fresh.parts ?? 1,
        fresh.answers ?? null,
        fresh.question ?? null,
        fresh.form,
        fresh.body ?? null,
        JSON.stringify(fresh.choices ?? []),
        fresh.file === undefined ? null : JSON.stringify(fresh.file),
        fresh.audible === true ? 1 : 0,
        fresh.nonce,
        fresh.at,
        fresh.at,
      ).lastId;
    },
    /** Cards that still offer choices for a question that is not open any more: both their numbers. */
    answeredCards: (limit: number): { card: number; question: number }[] =>
      answered.all<{ card: number; question: number }>(limit),
    /** Gives a message other content. */
    say(id: number, { form, body, choices = [], parts = 1, at }: DeliveryContent & { at: number }): void {
      say.run(form, body ?? null, JSON.stringify(choices), parts, at, id);
    },
    /** What has arrived is to be changed once more. */
    reopen: (id: number): void => void reopen.run(id),
    /** It surely did not arrive, and goes elsewhere instead. */
    redirect(id: number, { target, nonce, at }: { target: ReplyTarget; nonce: string; at: number }): void {
      redirect.run(JSON.stringify(target), target.conversation.id, nonce, at, id);
    },
    /** A person wants it tried again, although it may have arrived. @returns false when there is nothing to try. */
    again(id: number, { nonce, at }: { nonce: string; at: number }): boolean {
      return again.run(nonce, at, id).changes > 0;
    },
  };
}

/** What becomes of rows. */
function fates(db: Database) {
  const sending = db.prepare(
    `UPDATE deliveries SET fate = 'sending', tried_at = ifnull(tried_at, ?), tried = ? WHERE id = ? AND fate <> 'dropped'`,
  );
  const doubt = db.prepare(
    `UPDATE deliveries SET fate = 'sending', attempts = ?, next_at = ?, wait_ms = ?, error = ?
     WHERE id = ? AND fate <> 'dropped'`,
  );
  const absent = db.prepare(
    `UPDATE deliveries SET fate = 'pending', tried_at = NULL, tried = NULL, nonce = ifnull(?, nonce)
     WHERE id = ? AND fate = 'sending'`,
  );
  // What was given up while its call was under way is taken away.
  const placed = db.prepare(
    `UPDATE deliveries SET form = iif(fate = 'dropped', 'removed', form), fate = 'placed', ref = ?, attempts = 0,
       tried_at = NULL, tried = NULL WHERE id = ?`,
  );
  const sent = db.prepare(
    `UPDATE deliveries SET fate = 'sent', ref = ifnull(?, ref), sent_at = ?, error = NULL, body = NULL,
       tried_at = NULL, tried = NULL WHERE id = ?`,
  );
  const later = db.prepare(
    `UPDATE deliveries SET fate = iif(ref IS NULL, 'pending', 'placed'), attempts = ?, next_at = ?, wait_ms = ?, error = ?,
       tried_at = NULL, tried = NULL WHERE id = ? AND fate <> 'dropped'`,
  );
  const renew = db.prepare(
    `UPDATE deliveries SET fate = 'pending', ref = NULL, nonce = ?, renewed = renewed + 1, next_at = ?
     WHERE id = ? AND fate <> 'dropped'`,
  );
  const settle = db.prepare("UPDATE deliveries SET fate = ?, error = ?, told_at = ? WHERE id = ?");
  // What stands over there already, or may stand there, is taken away first.
  const drop = db.prepare(
    `UPDATE deliveries SET form = iif(ref IS NULL AND fate <> 'sending', form, 'removed'),
       fate = CASE WHEN ref IS NOT NULL THEN 'placed' WHEN fate = 'sending' THEN 'sending' ELSE 'dropped' END
     WHERE id = ? AND (fate IN ('pending', 'placed', 'unknown', 'failed')
       OR (fate = 'sending' AND kind NOT IN ('file', 'bell')))`,
  );
  const tellAll = db.prepare(
    `UPDATE deliveries SET told_at = ? WHERE adapter = ? AND conversation = ? AND id < ? AND ${worthTelling}`,
  );
  return {
    /** From here on nobody can say whether `what` of it arrived, until the answer is stored; unless nobody wants it any more. */
    sending(id: number, { at, what = "whole" }: { at: number; what?: Tried }): void {
      sending.run(at, what, id);
    },
    /** Nobody can say so far whether it arrived; that is looked for `waitMs` milliseconds after `at`. */
    doubt(
      id: number,
      { attempts, at, waitMs, error }: { attempts: number; at: number; waitMs: number; error: string },
    ): void {
      doubt.run(attempts, at + waitMs, waitMs, error, id);
    },
    /** It did not arrive; with a `nonce`, it may have and says nothing: what is sent next must not be taken for it. */
    absent(id: number, nonce?: string): void {
      absent.run(nonce ?? null, id);
    },
    /** Its place is there: what it says can be put into it as often as it takes. */
    placed: (id: number, ref: string): void => void placed.run(ref, id),
    /** It says over there what it should. */
    sent(id: number, { at, ref }: { at: number; ref?: string }): void {
      sent.run(ref ?? null, at, id);
    },
    /** It is tried again `waitMs` milliseconds after `at`. */
    later(
      id: number,
      { attempts, at, waitMs, error }: { attempts: number; at: number; waitMs: number; error: string },
    ): void {
      later.run(attempts, at + waitMs, waitMs, error, id);
    },
    /** Its place is gone over there: it gets another one. */
    renew: (id: number, { nonce, at }: { nonce: string; at: number }): void => void renew.run(nonce, at, id),
    /** The end of its tries. `toldAt` is set when the people there are told at once. */
    settle(id: number, fate: { fate: "unknown" | "failed" | "dropped"; error?: string; toldAt?: number }): void {
      settle.run(fate.fate, fate.error ?? null, fate.toldAt ?? null, id);
    },
    /**
     * Nobody wants it any more; a place that it has, or is just getting, is taken away. @returns false when it has
     * arrived, may be arriving as a whole (a file, a bell), or is not there.
     */
    drop: (id: number): boolean => drop.run(id).changes > 0,
    /** The people there were told of everything undelivered before `id`. */
    told({ id, adapter, conversation, at }: { id: number; adapter: string; conversation: string; at: number }): void {
      tellAll.run(at, adapter, conversation, id);
    },
  };
}

/** What an answer is made of. */
function answers(db: Database) {
  const material = db.prepare(
    `SELECT type, body ->> '$.step' AS step, body ->> '$.call' AS call, body ->> '$.title' AS title,
       body ->> '$.ok' AS ok, iif(type = 'message' OR ?2, body ->> '$.text', NULL) AS text
     FROM events WHERE turn = ?1 AND type IN ('message', 'tool') ORDER BY id LIMIT 100000`,
  );
  return {
    /** Everything that the answer of a turn is put together from, in order; the output of calls only when asked for. */
    material(id: TurnId, { output }: { output: boolean }): Material[] {
      type MaterialRow = Omit<Material, "ok" | "text"> & { ok: number | null; text: string | null };
      const rows = material.all<MaterialRow>(id, output ? 1 : 0);
      return rows.map((row) => ({ ...row, ok: row.ok === 1, text: row.text ?? "" }));
    },
  };
}

/** What there is. */
function looking(db: Database) {
  const byId = db.prepare("SELECT * FROM deliveries WHERE id = ?");
  const openHere = db.prepare(
    `SELECT * FROM deliveries WHERE adapter = ? AND conversation = ? AND ${open} AND form <> 'forming'
     ORDER BY ifnull(head, id), part LIMIT ?`,
  );
  const places = db.prepare(
    `SELECT DISTINCT conversation FROM deliveries WHERE adapter = ? AND ${open} AND form <> 'forming'`,
  );
  const answer = db.prepare(
    "SELECT * FROM deliveries WHERE turn = ? AND kind = 'answer' AND part = 1 ORDER BY id DESC LIMIT 1",
  );
  const byRef = db.prepare(
    "SELECT root, turn FROM deliveries WHERE adapter = ? AND conversation = ? AND ref = ? ORDER BY id DESC LIMIT 1",
  );
  const untold = db.prepare(
    `SELECT count(*) AS n FROM deliveries WHERE adapter = ? AND conversation = ? AND ${worthTelling}`,
  );
  const telling = db.prepare(
    `SELECT count(*) AS n FROM deliveries WHERE adapter = ? AND conversation = ? AND ${open} AND kind = 'tell'`,
  );
  const fates = db.prepare("SELECT fate, count(*) AS count FROM deliveries GROUP BY fate");
  const listed = db.prepare(
    `SELECT * FROM deliveries WHERE (?1 IS NULL OR fate IN (SELECT value FROM json_each(?1)))
       AND (?2 IS NULL OR adapter = ?2) AND (?3 IS NULL OR conversation = ?3) AND (?4 IS NULL OR turn = ?4)
     ORDER BY id DESC LIMIT ?5`,
  );
  const one = (row: Row | undefined) => (row === undefined ? undefined : delivery(row));
  return {
    get: (id: number): Delivery | undefined => one(byId.get<Row>(id)),
    /** What is under way in a conversation, in its order; answers that are still forming are left out. */
    open: (adapter: string, { conversation, limit }: { conversation: string; limit: number }): Delivery[] =>
      openHere.all<Row>(adapter, conversation, limit).map(delivery),
    /** Conversations of an adapter in which something is under way. */
    places: (adapter: string): string[] =>
      places.all<{ conversation: string }>(adapter).map(({ conversation }) => conversation),
    /** First part of the answer of a turn. */
    answerOf: (turn: TurnId): Delivery | undefined => one(answer.get<Row>(turn)),
    /** Which of our messages a platform's id means: the root of its thread's session, and its turn. */
    byRef(
      adapter: string,
      conversation: string,
      ref: string,
    ): { root: string | null; turn: TurnId | null } | undefined {
      return byRef.get<{ root: string | null; turn: number | null }>(adapter, conversation, ref);
    },
    /** What a pressed button stands for; none unless that message belongs to this adapter and conversation. */
    choice(adapter: string, conversation: string, id: number, index: number): Choice | undefined {
      const row = byId.get<Row>(id);
      if (row === undefined || row.adapter !== adapter || row.conversation !== conversation) return undefined;
      return (JSON.parse(row.choices) as Choice[])[index];
    },
    /** How many here did not arrive, or may not have, without anybody being told. */
    untold(adapter: string, conversation: string): number {
      return untold.get<{ n: number }>(adapter, conversation)?.n ?? 0;
    },
    /** True while that is on its way to be told. */
    telling: (adapter: string, conversation: string): boolean =>
      (telling.get<{ n: number }>(adapter, conversation)?.n ?? 0) > 0,
    /** How many there are of each fate; reads them all. */
    fates: (): { fate: DeliveryFate; count: number }[] => fates.all(),
    /** Newest first. */
    list(filter: {
      fates?: readonly DeliveryFate[];
      adapter?: string;
      conversation?: string;
      turn?: TurnId;
      limit: number;
    }): Delivery[] {
      const { fates, adapter = null, conversation = null, turn = null, limit } = filter;
      const wanted = fates === undefined ? null : JSON.stringify(fates);
      return listed.all<Row>(wanted, adapter, conversation, turn, limit).map(delivery);
    },
  };
}

function delivery(row: Row): Delivery {
  const { next_at, wait_ms, tried_at, told_at, created_at, sent_at, ...rest } = row;
  return {
    ...rest,
    target: JSON.parse(row.target) as ReplyTarget,
    origin: row.origin === null ? null : (JSON.parse(row.origin) as ReplyTarget),
    choices: JSON.parse(row.choices) as Choice[],
    file: row.file === null ? null : (JSON.parse(row.file) as DeliveryFile),
    audible: row.audible !== 0,
    nextAt: next_at,
    waitMs: wait_ms,
    triedAt: tried_at,
    toldAt: told_at,
    createdAt: created_at,
    sentAt: sent_at,
  };
}
