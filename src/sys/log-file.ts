// The log on disk: appended, turned over by size, and no reason to stop when the disk is full.
import { closeSync, constants, fstatSync, openSync, renameSync, unlinkSync, writeSync } from "node:fs";
import { Failure } from "../core/failure.ts";
import { limits } from "../core/limits.ts";

export interface LogFile {
  /** Appends one line; never throws. What cannot be written is counted, and told once writing works again. */
  write(line: string): void;
  close(): void;
}

export interface LogFileOptions {
  /** Size at which the file becomes `<path>.1`. */
  bytesMax?: number;
  /** Files in all, the current one included. */
  keep?: number;
}

/**
 * Opens the log file at `path` (0600, its folder must exist) and appends.
 * @throws Failure `state` when it cannot be opened at the start.
 */
export function openLogFile(path: string, options: LogFileOptions = {}): LogFile {
  const { bytesMax = limits.logFileBytesMax, keep = limits.logFilesMax } = options;
  let file: { fd: number; bytes: number } | undefined;
  let lost = 0;
  // After a part of a line on a full disk, the next one begins on a line of its own.
  let torn = false;
  let closed = false;
  try {
    file = openAppend(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new Failure("state", `Cannot open log file ${JSON.stringify(path)}: ${code}`, { cause: error });
  }
  const append = (text: string) => {
    file ??= openAppend(path);
    const bytes = Buffer.from(`${torn ? "\n" : ""}${text}\n`);
    if (file.bytes > 0 && file.bytes + bytes.byteLength > bytesMax) file = turnOver(path, keep, file.fd);
    const written = writeSync(file.fd, bytes);
    file.bytes += written;
    torn = written > 0 ? written < bytes.byteLength : torn;
    if (written < bytes.byteLength) throw new Error("disk is full");
  };
  return {
    write(line) {
      if (closed) return;
      try {
        if (lost > 0) {
          append(JSON.stringify({ severity: "WARNING", message: `${lost} log lines could not be written` }));
          lost = 0;
        }
        append(line);
      } catch {
        lost += 1;
      }
    },
    close() {
      closed = true;
      if (file !== undefined) closeSync(file.fd);
      file = undefined;
    },
  };
}

function openAppend(path: string): { fd: number; bytes: number } {
  // O_NOFOLLOW: nobody shall make us append to another file.
  const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW;
  const fd = openSync(path, flags, 0o600);
  return { fd, bytes: fstatSync(fd).size };
}

function turnOver(path: string, keep: number, fd: number): { fd: number; bytes: number } {
  const name = (index: number) => (index === 0 ? path : `${path}.${index}`);
  if (keep <= 1) unlinkSync(path);
  for (let index = keep - 2; index >= 0; index--) {
    try {
      renameSync(name(index), name(index + 1));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
  const next = openAppend(path);
  closeSync(fd);
  return next;
}
