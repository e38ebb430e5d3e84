// Conversations that bear another id now: all that names one goes along, in every table.
import { movedId } from "../core/moved.ts";
import type { Database } from "../sys/sqlite.ts";

/** One move. `at` is Unix milliseconds. */
export interface Move {
  adapter: string;
  from: string;
  to: string;
  at: number;
  /** Makes the mark of a message that is sent anew. */
  nonce(): string;
}

/** A question about somebody in a conversation, by which it is known. */
export interface MovedQuestion {
  id: number;
  arguments: string;
}

export type Moves = ReturnType<typeof openMoves>;

// In each: ?1 adapter, ?2 the old id, ?3 the new id, ?4 what stands before ids of the old conversation from now on.
const notEvent = "external NOT LIKE 'event:%'";
/** An id of the old conversation as it is marked; one that was marked by an earlier move stays. See {@link movedId}. */
const marked = (id: string): string => `iif(${id} LIKE 'moved:%', ${id}, ?4 || ${id})`;
const markedRoot = (target: string): string => `'$.root', ${marked(`(${target} ->> '$.root')`)}`;
const steps: readonly string[] = [
  // What came in. Ids of presses and menu commands are the platform's own, and those of events ours: they stay.
  `UPDATE OR IGNORE inputs SET conversation = ?3,
     external = iif(kind IN ('message', 'edit', 'delete', 'reaction') AND ${notEvent}, ${marked("external")}, external),
     body = json_replace(body, '$.conversation.id', ?3,
       '$.id', iif(kind IN ('message', 'edit', 'delete', 'reaction') AND ${notEvent}, ${marked("external")}, external),
       '$.replyTo', ${marked("(body ->> '$.replyTo')")}, '$.target', ${marked("(body ->> '$.target')")},
       ${markedRoot("body")})
   WHERE adapter = ?1 AND conversation = ?2`,
  `UPDATE OR IGNORE messages SET conversation = ?3, external = ${marked("external")}, root = ${marked("root")}
   WHERE adapter = ?1 AND conversation = ?2`,
  `UPDATE turns SET reply_to = json_replace(json_remove(reply_to, '$.replyTo'), '$.conversation.id', ?3,
     ${markedRoot("reply_to")})
   WHERE reply_to ->> '$.adapter' = ?1 AND reply_to ->> '$.conversation.id' = ?2`,
  `UPDATE deliveries SET conversation = ?3, ref = iif(fate = 'sent', ${marked("ref")}, NULL), root = ${marked("root")},
     target = json_replace(json_remove(target, '$.replyTo'), '$.conversation.id', ?3,
       ${markedRoot("target")})
   WHERE adapter = ?1 AND conversation = ?2`,
  `UPDATE deliveries SET origin = json_replace(json_remove(origin, '$.replyTo'), '$.conversation.id', ?3,
     ${markedRoot("origin")})
   WHERE adapter = ?1 AND origin IS NOT NULL AND origin ->> '$.conversation.id' = ?2`,
  `UPDATE approvals SET origin = json_replace(json_remove(origin, '$.replyTo'), '$.conversation.id', ?3,
     ${markedRoot("origin")})
   WHERE origin ->> '$.adapter' = ?1 AND origin ->> '$.conversation.id' = ?2`,
  "UPDATE users SET direct = ?3 WHERE adapter = ?1 AND direct = ?2",
  // What the new id has already counts; what the old one had beside it goes.
  "UPDATE OR IGNORE roles SET surface = ?3 WHERE adapter = ?1 AND surface = ?2",
  "DELETE FROM roles WHERE adapter = ?1 AND surface = ?2",
  "UPDATE OR IGNORE wirings SET conversation = ?3 WHERE adapter = ?1 AND conversation = ?2",
  "DELETE FROM wirings WHERE adapter = ?1 AND conversation = ?2",
  `UPDATE bindings SET root = ${marked("root")}
   WHERE root <> '' AND conversation = (SELECT id FROM conversations WHERE adapter = ?1 AND external = ?2)`,
  `UPDATE OR IGNORE bindings SET conversation = (SELECT id FROM conversations WHERE adapter = ?1 AND external = ?3)
   WHERE conversation = (SELECT id FROM conversations WHERE adapter = ?1 AND external = ?2)
     AND EXISTS (SELECT 1 FROM conversations WHERE adapter = ?1 AND external = ?3)`,
  `DELETE FROM bindings WHERE conversation = (SELECT id FROM conversations WHERE adapter = ?1 AND external = ?2)
     AND EXISTS (SELECT 1 FROM conversations WHERE adapter = ?1 AND external = ?3)`,
  // Its folder in the workspace keeps its name.
  "UPDATE OR IGNORE conversations SET external = ?3, folder = ifnull(folder, ?2) WHERE adapter = ?1 AND external = ?2",
  "DELETE FROM conversations WHERE adapter = ?1 AND external = ?2",
  "UPDATE moves SET target = ?3 WHERE adapter = ?1 AND target = ?2",
  "DELETE FROM moves WHERE adapter = ?1 AND source = ?3",
  "DELETE FROM moves WHERE adapter = ?1 AND source = target",
];

/** The moves of a store. */
export function openMoves(db: Database) {
  const now = db.prepare("SELECT target FROM moves WHERE adapter = ? AND source = ?");
  const put = db.prepare(
    "INSERT INTO moves (adapter, source, target, at) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET target = excluded.target",
  );
  const placed = db.prepare("SELECT id FROM deliveries WHERE adapter = ? AND conversation = ? AND fate = 'placed'");
  const leave = db.prepare(
    `UPDATE deliveries SET fate = iif(form = 'removed' OR sent_at IS NOT NULL, 'dropped', 'pending'), ref = NULL, nonce = ?
     WHERE id = ?`,
  );
  const folder = db.prepare("SELECT folder FROM conversations WHERE adapter = ? AND external = ?");
  const questions = db.prepare(
    `SELECT id, arguments FROM approvals WHERE kind = 'admit' AND arguments ->> '$.adapter' = ? AND arguments ->> '$.surface' = ?
     LIMIT 10000`,
  );
  const ask = db.prepare("UPDATE approvals SET arguments = ?, hash = ? WHERE id = ?");
  /** The id that a conversation bears now. */
  const current = (adapter: string, id: string): string => now.get<{ target: string }>(adapter, id)?.target ?? id;
  return {
    current,
    /** The id by which the folder of a conversation is named. */
    folder: (adapter: string, id: string): string => folder.get<{ folder: string | null }>(adapter, id)?.folder ?? id,
    /**
     * Gives a conversation its new id wherever it stands; in the caller's transaction. Where both are known they become
     * one: what the new one has counts, and the sessions of the old one stay in its list. Ids of messages count for each
     * conversation alone, so those of the old one are marked as such. Done again, it changes nothing.
     */
    move({ adapter, from, to, at, nonce }: Move): void {
      if (from === to) return;
      // What stands over there already stays there, and what was to be put into it is sent anew; what it was to become
      // after that is nobody's any more.
      for (const { id } of placed.all<{ id: number }>(adapter, from)) leave.run(nonce(), id);
      for (const sql of steps) {
        const own = [adapter, from, to, movedId(from, "")];
        // A statement takes as many values as the highest that it names.
        const count = Math.max(...[...sql.matchAll(/\?([1-4])/g)].map(([, n]) => Number(n)));
        db.prepare(sql).run(...own.slice(0, count));
      }
      put.run(adapter, from, to, at);
    },
    /** Questions about people in a conversation, which are known by it. */
    questions: (adapter: string, conversation: string): MovedQuestion[] =>
      questions.all<MovedQuestion>(adapter, conversation),
    /** Such a question is known by other arguments now. */
    rename(id: number, { arguments: exact, hash }: { arguments: string; hash: string }): void {
      ask.run(exact, hash, id);
    },
  };
}
