// The log's files as one stream of lines: the last ones, and those that follow, across the turning over of files.
import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { limits } from "../core/limits.ts";

/** At most the last `count` lines of the log at `path` and its older files, oldest first. */
export function lastLines(path: string, count: number): string[] {
  let lines: string[] = [];
  for (let index = 0; index < limits.logFilesMax && lines.length < count; index++) {
    const text = readEnd(fileName(path, index));
    if (text === undefined) break;
    lines = [...text.split("\n").filter((line) => line !== ""), ...lines];
  }
  return lines.slice(-count);
}

/** `remoteagent.log`, `remoteagent.log.1`, …: the higher the older. */
function fileName(path: string, index: number): string {
  return index === 0 ? path : `${path}.${index}`;
}

/** A file from byte `offset` on, at most its end from a line's beginning; undefined when there is no file. */
export function readEnd(path: string, offset = 0): string | undefined {
  const fd = openIfThere(path);
  if (fd === undefined) return undefined;
  try {
    const { size } = fstatSync(fd);
    const start = Math.max(0, offset, size - limits.tailBytesMax);
    const buffer = Buffer.alloc(Math.max(0, size - start));
    const text = buffer.toString("utf8", 0, readSync(fd, buffer, 0, buffer.length, start));
    return start === offset ? text : text.slice(text.indexOf("\n") + 1);
  } finally {
    closeSync(fd);
  }
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Reads on from where the log ended when it was made. */
export interface Follower {
  /** Whole lines that were added since the last call. */
  more(): string[];
  close(): void;
}

/** Follows the log at `path`, through any number of turnings over between two calls. */
export function followLines(path: string): Follower {
  let fd = openIfThere(path);
  let at = fd === undefined ? 0 : fstatSync(fd).size;
  let decoder = new TextDecoder();
  let rest = "";
  const buffer = Buffer.alloc(64 * 1024);

  const drain = (): void => {
    for (let bytes = -1; fd !== undefined && bytes !== 0; ) {
      bytes = readSync(fd, buffer, 0, buffer.length, at);
      at += bytes;
      rest += decoder.decode(buffer.subarray(0, bytes), { stream: true });
    }
  };
  /** Goes on with the file that came after the open one. @returns false when the open one is the newest. */
  const advance = (): boolean => {
    const index = fd === undefined ? 0 : newerThan(path, fstatSync(fd).ino);
    const next = index === undefined ? undefined : openIfThere(fileName(path, index));
    if (next === undefined) return false;
    if (fd !== undefined) closeSync(fd);
    fd = next;
    at = 0;
    decoder = new TextDecoder();
    return true;
  };
  return {
    more() {
      drain();
      for (let turns = 0; turns < limits.logFilesMax && advance(); turns++) drain();
      const lines = rest.split("\n");
      rest = lines.pop() ?? "";
      return lines.filter((line) => line !== "");
    },
    close() {
      if (fd !== undefined) closeSync(fd);
      fd = undefined;
    },
  };
}

/** The index of the file that follows the one with inode `ino`; undefined when that one is still written to. */
function newerThan(path: string, ino: number): number | undefined {
  for (let index = 0; index < limits.logFilesMax; index++) {
    if (statSync(fileName(path, index), { throwIfNoEntry: false })?.ino === ino)
      return index === 0 ? undefined : index - 1;
  }
  // It was dropped in the meantime: what is left of the newer ones begins with the oldest.
  for (let index = limits.logFilesMax - 1; index >= 0; index--)
    if (statSync(fileName(path, index), { throwIfNoEntry: false }) !== undefined) return index;
  return undefined;
}

/** True for a line of the log that was written at `since` (Unix milliseconds) or later. */
export function isSince(line: string, since: number): boolean {
  const stamp = /"timestamp":"([^"]{1,40})"/.exec(line)?.[1];
  return stamp !== undefined && Date.parse(stamp) >= since;
}

/** One JSON line of the log as a line for people; what is no JSON line is shown as it is. */
export function readable(line: string): string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    if (error instanceof SyntaxError) return line;
    throw error;
  }
  if (typeof value !== "object" || value === null) return line;
  const { severity, message, timestamp, ...fields } = value as Record<string, unknown>;
  const parts = Object.entries(fields).map(([key, field]) => `${key}=${compact(field)}`);
  return [word(timestamp), word(severity).padEnd(7), word(message), ...parts].join(" ").trimEnd();
}

function word(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function compact(value: unknown): string {
  return typeof value === "string" && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}
