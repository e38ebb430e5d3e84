// Opens the one database file, in the one process that may.
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
} from "node:fs";
import { join } from "node:path";
import { openDatabase } from "#sqlite";
import { Failure } from "../core/failure.ts";
import type { Database } from "../sys/sqlite.ts";
import { guarded } from "./guard.ts";
import { databaseVersion, type Migration, migrate, migrations } from "./migrate.ts";

/** Copies made ahead of a migration, that are kept. */
const copiesKept = 2;

// The timeout first: a reader that is just leaving must not end a start. FULL: what is acknowledged to a platform survives a power cut. The cache size is in KiB.
const pragmas = `
PRAGMA busy_timeout = 5000;
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
PRAGMA foreign_keys = ON;
PRAGMA cache_size = -4096;
PRAGMA journal_size_limit = 16777216;
PRAGMA temp_store = MEMORY;
`;

/**
 * Opens the database at `path`, makes it when absent, and brings it to this program's form.
 * A copy of the old form goes to `copies` before anything is changed.
 * @throws Failure `store` in one sentence for a corrupt, newer, unwritable or foreign file.
 */
export function openStore(
  path: string,
  { copies, steps }: { copies?: string; steps?: readonly Migration[] } = {},
): Database {
  let db: Database | undefined;
  try {
    // Made by us, since the engine would make it readable for others; its -wal and -shm take its mode over.
    makePrivate(path);
    db = openDatabase(path);
    db.exec(pragmas);
    const opened = db;
    migrate(opened, {
      ...(steps === undefined ? {} : { steps }),
      before: (from) => {
        if (copies !== undefined) keepCopy(opened, { folder: copies, from });
      },
    });
    return guarded(opened, (error) => knownFailure(error, path) ?? error);
  } catch (error) {
    db?.close();
    throw storeFailure(error, path);
  }
}

/**
 * Checks a database file without changing it: one line for each thing wrong, none when it is sound.
 * A file that is not there is sound.
 */
export function checkDatabase(path: string): string[] {
  if (!existsSync(path)) return [];
  let db: Database | undefined;
  try {
    db = openDatabase(path);
    db.exec("PRAGMA busy_timeout = 1000");
    const rows = db.prepare("PRAGMA quick_check(20)").all<{ quick_check: string }>();
    return rows.map((row) => row.quick_check).filter((line) => line !== "ok");
  } catch (error) {
    return [storeFailure(error, path).message];
  } finally {
    db?.close();
  }
}

/**
 * The last moment at which an instance lived, in Unix milliseconds, read without changing the database at `path`;
 * undefined when there is none or it cannot be read. As {@link checkDatabase}, only for the holder of the lock.
 */
export function lastLife(path: string): number | undefined {
  if (!existsSync(path)) return undefined;
  let db: Database | undefined;
  try {
    db = openDatabase(path);
    return db.prepare("SELECT max(alive_at) AS at FROM starts").get<{ at: number | null }>()?.at ?? undefined;
  } catch {
    return undefined; // What is wrong with it is told by checkDatabase.
  } finally {
    db?.close();
  }
}

/** True when the database at `path` has this program's form: opening it changes nothing. As {@link checkDatabase}. */
export function isCurrent(path: string): boolean {
  if (!existsSync(path)) return false;
  let db: Database | undefined;
  try {
    db = openDatabase(path);
    return databaseVersion(db) === migrations.length;
  } catch {
    return false; // What is wrong with it is told by checkDatabase.
  } finally {
    db?.close();
  }
}

/** What the engine's words mean, and what can be done about it. */
const states: readonly [RegExp, string, string][] = [
  [
    /not a database|malformed|corrupt/i,
    "it is damaged",
    "Move the file away and restore a backup; remoteagent doctor says more",
  ],
  [
    /readonly|read-only|attempt to write/i,
    "it is read-only",
    "Make the state folder and the files in it writable for this user",
  ],
  [/full|ENOSPC/i, "the disk is full", "Free some space and try again"],
  [/locked|busy/i, "another program has it open", "remoteagent status shows who"],
  [
    /unable to open|permission|denied|disk i\/o|EACCES|ELOOP/i,
    "it cannot be opened",
    "Check that the state folder exists and belongs to this user",
  ],
];

/** A throw of the engine as one sentence; failures of ours pass through. */
export function storeFailure(error: unknown, path: string): Failure {
  if (error instanceof Failure) return error;
  const state = "the database engine refused it";
  return (
    knownFailure(error, path) ?? new Failure("store", sentence(path, state), { detail: words(error), cause: error })
  );
}

/** The same for what can happen to any database; none for what is a mistake of the program. */
function knownFailure(error: unknown, path: string): Failure | undefined {
  const detail = words(error);
  const known = states.find(([form]) => form.test(detail));
  if (known === undefined) return undefined;
  const [, state, hint] = known;
  return new Failure("store", sentence(path, state), { hint, detail, cause: error });
}

function sentence(path: string, state: string): string {
  return `Cannot use database ${JSON.stringify(path)}: ${state}`;
}

function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Makes the file when it is absent, and in any case takes the rights of others away. */
function makePrivate(path: string): void {
  if (path === ":memory:") return;
  const fd = openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  try {
    fchmodSync(fd, 0o600);
  } finally {
    closeSync(fd);
  }
  for (const file of [`${path}-wal`, `${path}-shm`]) if (existsSync(file)) chmodSync(file, 0o600);
}

/** Writes a whole copy beside the others and drops the oldest. */
function keepCopy(db: Database, { folder, from }: { folder: string; from: number }): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const name = (form: number) => `before-migration-${String(form).padStart(3, "0")}.db`;
  const target = join(folder, name(from + 1));
  rmSync(target, { force: true });
  db.prepare("VACUUM INTO ?").run(target);
  chmodSync(target, 0o600);
  const all = readdirSync(folder)
    .filter((file) => file.startsWith("before-migration-") && file.endsWith(".db"))
    .sort();
  for (const file of all.slice(0, -copiesKept)) rmSync(join(folder, file), { force: true });
}
