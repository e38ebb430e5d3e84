// Events that are due later: what the files in events/ say, and which run of each is under way.
import type { Database } from "../sys/sqlite.ts";

/** One event file. Times are Unix milliseconds. */
export interface ScheduleRow {
  /** Name of the file. */
  file: string;
  /** Fingerprint of its bytes and its time. */
  hash: string;
  /** What it says, as the scheduler read it: plain JSON that the scheduler alone understands. */
  spec: unknown;
  nextAt: number | null;
  /** When the run was due that is being handed over. */
  claimedAt: number | null;
}

interface Row {
  file: string;
  hash: string;
  spec: string;
  next_at: number | null;
  claimed_at: number | null;
}

export type Schedules = ReturnType<typeof openSchedules>;

/** The schedules of a store. */
export function openSchedules(db: Database) {
  const all = db.prepare("SELECT * FROM schedules ORDER BY file");
  const put = db.prepare(
    `INSERT INTO schedules (file, hash, spec, next_at) VALUES (?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET hash = excluded.hash, spec = excluded.spec, next_at = excluded.next_at, claimed_at = NULL`,
  );
  const claim = db.prepare(
    "UPDATE schedules SET claimed_at = ?, next_at = ? WHERE file = ? AND hash = ? AND claimed_at IS NULL",
  );
  const release = db.prepare("UPDATE schedules SET claimed_at = NULL WHERE file = ?");
  const move = db.prepare("UPDATE schedules SET next_at = ? WHERE file = ? AND claimed_at IS NULL");
  const remove = db.prepare("DELETE FROM schedules WHERE file = ?");
  return {
    all: (): ScheduleRow[] => all.all<Row>().map(schedule),
    /** Schedules a new or changed file; what was claimed of an older form is forgotten. */
    put(fresh: { file: string; hash: string; spec: unknown; nextAt: number | null }): void {
      put.run(fresh.file, fresh.hash, JSON.stringify(fresh.spec), fresh.nextAt);
    },
    /** Takes the run that was due at `due`, in one step with when it is due next; false when another run is claimed. */
    claim({ file, hash, due, nextAt }: { file: string; hash: string; due: number; nextAt: number | null }): boolean {
      return claim.run(due, nextAt, file, hash).changes === 1;
    },
    /** The claimed run is taken over by somebody who has stored it. */
    release: (file: string): void => void release.run(file),
    /** Nothing is run; it is due next at `nextAt`. */
    move: (file: string, nextAt: number | null): void => void move.run(nextAt, file),
    remove: (file: string): void => void remove.run(file),
  };
}

function schedule(row: Row): ScheduleRow {
  return {
    file: row.file,
    hash: row.hash,
    spec: JSON.parse(row.spec),
    nextAt: row.next_at,
    claimedAt: row.claimed_at,
  };
}
