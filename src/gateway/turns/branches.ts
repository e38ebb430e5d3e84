// Keeps the parsed branches of the busiest sessions, so that a long history is read once.
import type { EntryId, SessionId } from "../../core/ids.ts";
import type { Entry } from "../../core/transcript.ts";

export type Branches = ReturnType<typeof createBranches>;

/** A bounded cache of branches, least recently used out first. `bytes` are estimated from the texts. */
export function createBranches({
  load,
  sessionsMax,
  bytesMax,
}: {
  load: (head: EntryId | null) => Entry[];
  sessionsMax: number;
  bytesMax: number;
}) {
  const kept = new Map<SessionId, { head: EntryId | null; entries: Entry[]; bytes: number }>();
  let total = 0;
  const drop = (session: SessionId) => {
    total -= kept.get(session)?.bytes ?? 0;
    kept.delete(session);
  };
  const trim = () => {
    for (const session of kept.keys()) {
      if (kept.size <= sessionsMax && total <= bytesMax) return;
      drop(session);
    }
  };
  return {
    /** The branch that ends in `head`. The caller gets a copy of the list, not of the entries. */
    get(session: SessionId, head: EntryId | null): Entry[] {
      const found = kept.get(session);
      if (found !== undefined && found.head === head) {
        kept.delete(session);
        kept.set(session, found);
        return [...found.entries];
      }
      drop(session);
      const entries = load(head);
      const bytes = entries.reduce((sum, entry) => sum + size(entry), 0);
      kept.set(session, { head, entries, bytes });
      total += bytes;
      trim();
      return [...entries];
    },
    /** Notes an entry that was appended; a compaction makes the kept branch void. */
    added(entry: Entry): void {
      const found = kept.get(entry.session);
      if (found === undefined) return;
      if (found.head !== entry.parent || entry.body.kind === "compaction") {
        drop(entry.session);
        return;
      }
      found.entries.push(entry);
      found.head = entry.id;
      const bytes = size(entry);
      found.bytes += bytes;
      total += bytes;
      trim();
    },
  };
}

/** A rough size in bytes: the texts and pictures, plus what the objects take. */
function size(entry: Entry): number {
  if (entry.body.kind === "compaction") return 200 + entry.body.summary.length;
  let bytes = 200;
  for (const part of entry.body.message.content) {
    if (part.type === "text") bytes += part.text.length;
    else if (part.type === "thinking") bytes += part.thinking.length;
    else if (part.type === "image") bytes += part.data.length;
    else bytes += 100 + JSON.stringify(part.arguments).length;
  }
  return bytes;
}
