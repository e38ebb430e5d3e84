// Reading, writing and listing files of a sandbox by small programs inside it, so that every kind shares this and no
// path from a sandbox is ever opened by the host.
import { text as collectText } from "node:stream/consumers";
import { Failure } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import { insidePath, shown } from "./paths.ts";
import type { Command, Running, SandboxFiles } from "./sandbox.ts";

/** What file access needs of its sandbox. Relative paths begin at `cwd`. */
export interface FilesDeps {
  spawn(command: Command): Promise<Running>;
  cwd: string;
  /** For `Command.scope`. */
  scope: string;
}

/** Endings of the programs below beside 0, and the words for them. */
const reasons: Record<number, string> = {
  21: "it is a folder",
  22: "it does not exist",
  23: "it is not a regular file",
  24: "permission is denied",
  25: "it is not a folder",
  26: "its folder cannot be made",
  27: "the disk refused it",
  28: "it did not arrive whole",
  29: `it has more than ${limits.listMax} entries`,
};

// Paths arrive as arguments, never as program text, and are absolute, so that none looks like an option.
const readScript = `
[ -d "$1" ] && exit 21
[ -e "$1" ] || exit 22
[ -f "$1" ] || exit 23
[ -r "$1" ] || exit 24
wc -c <"$1" || exit 24
tail -c "+$2" <"$1" | head -c "$3"
`;

// A link's target is replaced, not the link. The copy keeps mode and owner of what it replaces.
const writeScript = `
path=$1
if [ -L "$path" ]; then path=$(readlink -f -- "$path" && echo .) || exit 22; path=\${path%??}; fi
[ -d "$path" ] && exit 21
[ -e "$path" ] && { [ -f "$path" ] || exit 23; [ -w "$path" ] || exit 24; }
folder=\${path%/*}/
mkdir -p -- "$folder" || exit 26
[ -w "$folder" ] || exit 24
new=$folder.remoteagent-write-$3
trap 'rm -f -- "$new"' EXIT
[ -e "$path" ] && { cp -p -- "$path" "$new" || exit 27; }
cat >"$new" || exit 27
[ "$(wc -c <"$new")" -eq "$2" ] || exit 28
mv -f -- "$new" "$path" || exit 27
`;

const listScript = `
[ -e "$1" ] || exit 22
[ -d "$1" ] || exit 25
[ -r "$1" ] && [ -x "$1" ] || exit 24
cd -- "$1" || exit 24
count=0
for name in * .*; do
  case $name in .|..) continue ;; esac
  [ -e "$name" ] || [ -L "$name" ] || continue
  count=$((count + 1))
  [ "$count" -le "$2" ] || exit 29
  if [ -d "$name" ]; then kind=folder; elif [ -f "$name" ]; then kind=file; else kind=other; fi
  printf '%s/%s\\0' "$kind" "$name"
done
`;

/** File access over `spawn`; needs a POSIX shell, `cat cp head mkdir mv readlink rm tail wc` inside. */
export function spawnFiles(deps: FilesDeps): SandboxFiles {
  let writes = 0;
  return {
    read: (path, range) => read(deps, path, range),
    write: (path, bytes) => {
      writes += 1;
      return write(deps, path, { bytes, suffix: `${process.pid}-${deps.scope}-${writes}`.replaceAll("/", "-") });
    },
    list: (path) => list(deps, path),
  };
}

async function read(deps: FilesDeps, path: string, range: { offset?: number; length: number }) {
  const offset = range.offset ?? 0;
  const { length } = range;
  if (!isCount(offset) || !isCount(length)) {
    throw new Failure("sandbox", `Cannot read ${shown(path)}: its range is not made of whole numbers`);
  }
  if (length > limits.attachBytesMax) {
    throw new Failure("sandbox", `Cannot read ${shown(path)}: more than ${limits.attachBytesMax} bytes at once`);
  }
  const script = { name: "read", text: readScript, args: [String(offset + 1), String(length)] };
  const output = await run(deps, { script, path, outputBytes: length + sizeLineBytes });
  const end = output.indexOf(10);
  const size = Number(output.subarray(0, end).toString("latin1").trim());
  return { bytes: new Uint8Array(output.subarray(end + 1)), size };
}

/** The line with the size that comes before the bytes. */
const sizeLineBytes = 64;

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

async function write(deps: FilesDeps, path: string, { bytes, suffix }: { bytes: Uint8Array; suffix: string }) {
  if (path.endsWith("/")) throw new Failure("sandbox", `Cannot write ${shown(path)}: it is a folder`);
  if (bytes.byteLength > limits.attachBytesMax) {
    throw new Failure("sandbox", `Cannot write ${shown(path)}: it is larger than ${limits.attachBytesMax} bytes`);
  }
  const script = { name: "write", text: writeScript, args: [String(bytes.byteLength), suffix] };
  await run(deps, { script, path, stdin: bytes, outputBytes: messageBytesMax });
}

async function list(deps: FilesDeps, path: string) {
  const script = { name: "list", text: listScript, args: [String(limits.listMax)] };
  const outputBytes = limits.listMax * nameBytesMax;
  const output = await run(deps, { script, path, outputBytes });
  const entries = output.toString("utf8").split("\0").slice(0, -1);
  return entries.map((entry) => {
    const slash = entry.indexOf("/");
    return { name: entry.slice(slash + 1), kind: kindOf(entry.slice(0, slash)) };
  });
}

/** A name of 255 bytes with its kind before it. */
const nameBytesMax = 264;
const messageBytesMax = 64 * 1024;

function kindOf(word: string): "file" | "folder" | "other" {
  return word === "file" || word === "folder" ? word : "other";
}

/** Runs one of the programs on one path and answers what it printed. */
async function run(
  deps: FilesDeps,
  options: {
    script: { name: string; text: string; args: string[] };
    path: string;
    stdin?: Uint8Array;
    outputBytes: number;
  },
): Promise<Buffer> {
  const { script, path, stdin = null, outputBytes } = options;
  const running = await deps.spawn({
    argv: ["/bin/sh", "-c", script.text, `remoteagent-${script.name}`, insidePath(path, deps.cwd), ...script.args],
    // The folder of the turn may be gone; the path is absolute, so any folder will do.
    cwd: "/",
    scope: deps.scope,
    stdin,
    limits: { timeMs: limits.fileOperationMs, outputBytes: outputBytes + messageBytesMax },
  });
  const chunks: Uint8Array[] = [];
  const collected = (async () => {
    for await (const chunk of running.stdout) chunks.push(chunk as Uint8Array);
  })();
  const [errors, exit] = await Promise.all([collectText(running.stderr), running.done, collected]);
  if ("code" in exit && exit.code === 0) return Buffer.concat(chunks);
  const reason = "code" in exit ? reasons[exit.code] : undefined;
  const stopped = "limit" in exit ? `it passed its ${exit.limit} limit` : "it was stopped";
  throw new Failure("sandbox", `Cannot ${script.name} ${shown(path)}: ${reason ?? stopped}`, { detail: errors });
}
