// Files of the sandbox as the tools use them: errors that the model can act on, one writer at a time.
import { posix } from "node:path";
import { closest } from "../core/closest.ts";
import { Failure } from "../core/failure.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";
import { oneLine } from "../workspace/names.ts";

/** Reads a part of a file. @throws Failure that says what is wrong with the path and what is there instead. */
export async function readPart(
  sandbox: Sandbox,
  { path, offset = 0, length }: { path: string; offset?: number; length: number },
): Promise<{ bytes: Uint8Array; size: number }> {
  try {
    return await sandbox.files.read(path, { offset, length });
  } catch (error) {
    throw await explain(sandbox, { path, error });
  }
}

/** Reads a whole file of at most `bytesMax` bytes; `asked` is the verb of the error. @throws Failure as {@link readPart}, or `tool` when it is larger. */
export async function readWhole(
  sandbox: Sandbox,
  { path, bytesMax, asked }: { path: string; bytesMax: number; asked: string },
): Promise<Uint8Array> {
  const { bytes, size } = await readPart(sandbox, { path, length: bytesMax });
  if (size > bytesMax) {
    throw new Failure(
      "tool",
      `Cannot ${asked} ${JSON.stringify(path)}: it has ${size} bytes and ${bytesMax} are allowed`,
    );
  }
  return bytes;
}

const shownNames = 20;

/** Looks around the path that could not be read: is it a folder, is it missing, what is it called instead? */
async function explain(sandbox: Sandbox, { path, error }: { path: string; error: unknown }): Promise<unknown> {
  if (!(error instanceof Failure)) return error;
  const folder = posix.dirname(path.replace(/\/+$/, ""));
  const entries = await sandbox.files.list(folder).catch(() => undefined);
  if (entries === undefined) return error;
  const name = posix.basename(path);
  if (entries.some((entry) => entry.name === name)) return error;
  const names = entries.map((entry) => (entry.kind === "folder" ? `${entry.name}/` : entry.name)).sort();
  const [near] = closest(name, names, { max: 1 });
  // A name may hold line breaks and must not pose as lines of ours.
  const shown = (text: string) => oneLine(text, 255);
  const there = names.length === 0 ? "nothing" : names.slice(0, shownNames).map(shown).join(", ");
  const more = names.length > shownNames ? `, … (${names.length} in all)` : "";
  return new Failure("tool", `Cannot read ${JSON.stringify(path)}: it does not exist`, {
    hint: near === undefined ? `In ${folder}: ${there}${more}` : `Did you mean ${posix.join(folder, shown(near))}?`,
    cause: error,
  });
}

/** Runs works on one path one after the other. */
export type PathLock = <Result>(path: string, work: () => Promise<Result>) => Promise<Result>;

/** A lock for read-change-write: the calls of one answer run at the same time and may name the same file. */
export function createPathLock(): PathLock {
  const last = new Map<string, Promise<unknown>>();
  return (path, work) => {
    const run = (last.get(path) ?? Promise.resolve()).then(work, work);
    const settled = run.catch(() => undefined);
    last.set(path, settled);
    void settled.then(() => {
      if (last.get(path) === settled) last.delete(path);
    });
    return run;
  };
}

/** The name under which a path is locked. */
export function lockName(sandbox: Sandbox, path: string): string {
  return `${sandbox.kind}:${posix.resolve(sandbox.cwd, path)}`;
}
