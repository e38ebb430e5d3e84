// Files that are in a sandbox's home for the time of a turn: put there before its first command, taken out at its end.
import { text } from "node:stream/consumers";
import { errorText, Failure } from "../core/failure.ts";
import type { Log } from "../sys/log.ts";
import { shown } from "./paths.ts";
import type { Sandbox, SandboxDriver, SandboxRequest } from "./sandbox.ts";

/** What remembers, over a crash, which files lie where. */
export interface PlacedDeps {
  /** Which homes are the same: turns in one share its files. */
  place(request: SandboxRequest): string;
  placed(place: string): readonly string[];
  /** An empty list forgets the place. */
  notePlaced(place: string, paths: readonly string[]): void;
  log: Log;
}

type Opener = Pick<SandboxDriver, "open" | "whereabouts" | "kill">;
type PlacedFile = NonNullable<SandboxRequest["files"]>[number];

// Paths arrive as arguments, never as program text, and are relative to the home. The file is there as a whole or not.
const writeScript = `
umask 077
cd -- "\${HOME:-/root}" || exit 1
path=./$1
folder=\${path%/*}
mkdir -p -- "$folder" || exit 2
[ -d "$path" ] && exit 3
new=$folder/.remoteagent-vault-new
trap 'rm -f -- "$new"' EXIT
cat >"$new" && [ "$(wc -c <"$new")" -eq "$2" ] && chmod 600 -- "$new" && mv -f -- "$new" "$path" || exit 4
`;
// A folder in a file's place was put there by somebody else.
const removeScript = `
cd -- "\${HOME:-/root}" || exit 1
failed=0
for path; do
  [ -e "./$path" ] || [ -L "./$path" ] || continue
  [ -d "./$path" ] && [ ! -L "./$path" ] && continue
  rm -f -- "./$path" || failed=2
done
exit $failed
`;
const reasons: Record<number, string> = {
  1: "there is no home",
  2: "its folder cannot be made",
  3: "a folder is in its place",
  4: "the disk refused it",
};

/** The same driver, whose sandboxes hold the files of their request while a turn has them open. */
export function placing(driver: Opener, deps: PlacedDeps): Opener {
  /** Turns that have files in a place, and what happens there one after the other. */
  const holds = new Map<string, { count: number; last: Promise<unknown> }>();
  const inPlace = <Result>(place: string, work: (hold: { count: number }) => Promise<Result>): Promise<Result> => {
    const hold = holds.get(place) ?? { count: 0, last: Promise.resolve() };
    holds.set(place, hold);
    const done = hold.last.then(() => work(hold));
    hold.last = done.catch(() => undefined).then(() => hold.count === 0 && holds.delete(place));
    return done;
  };
  let opened = 0;
  return {
    kill: (scope) => driver.kill(scope),
    ...(driver.whereabouts === undefined ? {} : { whereabouts: driver.whereabouts.bind(driver) }),
    async open(request) {
      const sandbox = await driver.open(request);
      const place = deps.place(request);
      const files = request.files ?? [];
      if (files.length === 0 && (holds.has(place) || deps.placed(place).length === 0)) return sandbox;
      opened += 1;
      const scope = `vault-${opened}`;
      const leave = () =>
        inPlace(place, async (hold) => {
          hold.count -= 1;
          if (hold.count > 0) return;
          await remove(sandbox, { scope, paths: deps.placed(place) });
          deps.notePlaced(place, []);
        });
      try {
        await inPlace(place, async (hold) => {
          hold.count += 1;
          await fill(sandbox, { scope, files, place, first: hold.count === 1, deps });
        });
      } catch (error) {
        await leave().catch((failed: unknown) => told(deps, place, failed));
        await sandbox.close();
        throw error;
      }
      let closed = false;
      return {
        ...sandbox,
        async close() {
          if (!closed) await leave().catch((error: unknown) => told(deps, place, error));
          closed = true;
          await sandbox.close();
        },
      };
    },
  };
}

/** What cannot be taken out now stays noted: the next turn there or the next start does it. */
function told({ log }: PlacedDeps, place: string, error: unknown): void {
  log.warn("Files of the vault could not be taken out of a home", { place, error: errorText(error) });
}

async function fill(
  sandbox: Sandbox,
  {
    scope,
    files,
    place,
    first,
    deps,
  }: { scope: string; files: readonly PlacedFile[]; place: string; first: boolean; deps: PlacedDeps },
): Promise<void> {
  const there = deps.placed(place);
  const wanted = new Set(files.flatMap(({ path }) => [path, halfOf(path)]));
  // Noted first: what a crash leaves is known then.
  deps.notePlaced(place, [...new Set([...there, ...wanted])]);
  const stale = first ? there.filter((path) => !wanted.has(path)) : [];
  if (stale.length > 0) await remove(sandbox, { scope, paths: stale });
  for (const file of files) await write(sandbox, { scope, ...file });
}

/** Where a file is while it is written. */
function halfOf(path: string): string {
  return `${path.slice(0, path.lastIndexOf("/") + 1)}.remoteagent-vault-new`;
}

async function write(sandbox: Sandbox, { scope, path, bytes }: { scope: string } & PlacedFile): Promise<void> {
  const code = await run(sandbox, {
    scope,
    script: writeScript,
    words: [path, String(bytes.byteLength)],
    stdin: bytes,
  });
  if (code === 0) return;
  throw new Failure("sandbox", `Cannot put ${shown(path)} of the vault into the home: ${reasons[code] ?? "it failed"}`);
}

async function remove(sandbox: Sandbox, { scope, paths }: { scope: string; paths: readonly string[] }): Promise<void> {
  if (paths.length === 0) return;
  const code = await run(sandbox, { scope, script: removeScript, words: paths, stdin: null });
  if (code !== 0) throw new Failure("sandbox", "Cannot take files of the vault out of the home");
}

async function run(
  sandbox: Sandbox,
  {
    scope,
    script,
    words,
    stdin,
  }: { scope: string; script: string; words: readonly string[]; stdin: Uint8Array | null },
): Promise<number> {
  const running = await sandbox.spawn({ argv: ["/bin/sh", "-c", script, "sh", ...words], scope, stdin });
  const [exit] = await Promise.all([running.done, text(running.stdout), text(running.stderr)]);
  return "code" in exit ? exit.code : -1;
}
