// Reads one look at all processes of a container: files of procfs as `head` prints several.
import { type ProcessRow, parseStat } from "../../sys/process-tree.ts";

/** One process, as the look saw it. */
export interface Seen {
  row: ProcessRow;
  /** Resident bytes that it does not share. */
  memoryBytes: number;
  /** Its limit on file locks, where it has one. */
  mark?: number;
  /** Its environment holds our text. */
  named: boolean;
  /** Its command line, for people. */
  line: string;
  marker?: string | undefined;
}

/**
 * Command lines come last and may hold anything, also what looks like the head of another file: after the first of
 * them nothing counts but their own heads, so that a process can at most lie about names.
 */
export function parseLook(answer: Buffer, nonce: string): Map<number, Seen> {
  const text = answer.toString("latin1");
  const middle = text.lastIndexOf(`\n${nonce} M\n`);
  const files = middle === -1 ? text : text.slice(0, middle);
  const named = middle === -1 ? "" : text.slice(middle);
  const heads = [...files.matchAll(/(?:^|\n)==> \/proc\/(\d+)\/(stat|statm|limits|cmdline) <==\n/g)];
  const lines = heads.findIndex(([, , file]) => file === "cmdline");
  const found = new Map<number, Seen>();
  for (const [index, head] of heads.entries()) {
    const [whole, number, file] = head;
    const body = files.slice(head.index + whole.length, heads[index + 1]?.index);
    const pid = Number(number);
    const one = found.get(pid);
    if (lines !== -1 && index >= lines) {
      if (file === "cmdline" && one !== undefined) one.line = commandLine(body);
    } else if (file === "stat") {
      const row = parseStat(body);
      if (row !== undefined) found.set(pid, { row, memoryBytes: 0, named: false, line: "" });
    } else if (file === "statm" && one !== undefined) {
      const [, resident = 0, shared = 0] = body.trim().split(" ").map(Number);
      one.memoryBytes = Math.max(0, resident - shared) * pageBytes;
    } else if (file === "limits" && one !== undefined) {
      const mark = /^Max file locks\s+(\d+)/m.exec(body)?.[1];
      if (mark !== undefined) one.mark = Number(mark);
    }
  }
  for (const [, number] of named.matchAll(/\/proc\/(\d+)\/environ/g)) {
    const one = found.get(Number(number));
    if (one !== undefined) one.named = true;
  }
  return found;
}

/** Pages as statm counts them. */
const pageBytes = 4_096;

function commandLine(body: string): string {
  return Buffer.from(body.replaceAll("\0", " ").trim(), "latin1").toString("utf8");
}
