// What `vault` asks a person or reads from a pipe: values, passphrases, a yes. None of it ever stands in the arguments.
import { Buffer } from "node:buffer";
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { isatty } from "node:tty";
import { Failure } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import type { Io } from "../io.ts";
import { Cancelled, createPrompt, type Prompt } from "../setup/prompt.ts";

/** One dialogue at the terminal. @throws Failure `usage` when nobody sits there, or leaves. */
export async function dialogue<Result>(
  io: Io,
  { otherwise, ask }: { otherwise: string; ask: (prompt: Prompt) => Promise<Result> },
): Promise<Result> {
  if (!io.interactive) throw new Failure("usage", "Cannot ask: this is no terminal", { hint: otherwise });
  const prompt = createPrompt({ input: process.stdin, output: process.stdout });
  try {
    return await ask(prompt);
  } catch (error) {
    if (error instanceof Cancelled) throw new Failure("usage", "Nothing was changed");
    throw error;
  } finally {
    prompt.close();
  }
}

/** The value of a variable: a hidden line at a terminal, else all of stdin without its last line end. */
export async function readValue(name: string, io: Io): Promise<Uint8Array> {
  if (isatty(0)) {
    const otherwise = `Pipe the value in: remoteagent vault set ${name} < file`;
    return Buffer.from(await dialogue(io, { otherwise, ask: (prompt) => prompt.secret(`Value of ${name}`) }));
  }
  const bytes = await readStdin(limits.secretBytesMax + 2);
  const end = bytes.at(-1) === 0x0a ? (bytes.at(-2) === 0x0d ? 2 : 1) : 0;
  return bytes.subarray(0, bytes.byteLength - end);
}

/** All of stdin. @throws Failure `usage` when it is longer. */
export async function readStdin(bytesMax: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) throw new Failure("usage", `Cannot read the value: it has more than ${bytesMax} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** A file's bytes. @throws Failure `usage` when it is none, or longer. */
export function readBytes(path: string, bytesMax: number): Uint8Array {
  const cannot = (reason: string, cause?: unknown) =>
    new Failure("usage", `Cannot read ${JSON.stringify(path)}: ${reason}`, { cause });
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw cannot(code === "ENOENT" ? "it does not exist" : "it cannot be read", error);
  }
  try {
    if (!fstatSync(fd).isFile()) throw cannot("it is not a file");
    const bytes = Buffer.alloc(bytesMax + 1);
    let filled = 0;
    for (let read = -1; read !== 0 && filled < bytes.byteLength; filled += read)
      read = readSync(fd, bytes, filled, bytes.byteLength - filled, null);
    if (filled > bytesMax) throw cannot(`it has more than ${bytesMax} bytes`);
    return bytes.subarray(0, filled);
  } finally {
    closeSync(fd);
  }
}

/** The passphrase from its file, else asked for; a new one is asked for twice. */
export async function readPassphrase(
  io: Io,
  { file, fresh = false }: { file: string | undefined; fresh?: boolean },
): Promise<string> {
  if (file !== undefined) {
    const text = Buffer.from(readBytes(file, limits.secretBytesMax)).toString();
    return text.replace(/\r?\n[\s\S]*$/, "");
  }
  const otherwise = `Name a file that holds it: --${fresh ? "new-" : ""}passphrase-file`;
  return dialogue(io, {
    otherwise,
    async ask(prompt) {
      const first = await prompt.secret(fresh ? "New passphrase" : "Passphrase of the vault");
      if (fresh && first !== (await prompt.secret("The same again")))
        throw new Failure("usage", "Nothing was changed: the two passphrases differ");
      return first;
    },
  });
}

/** Asks before something is gone. @throws Failure `usage` without a yes. */
export async function confirm(question: string, { io, yes }: { io: Io; yes: boolean }): Promise<void> {
  if (yes) return;
  const sure = await dialogue(io, { otherwise: "--yes does it unasked", ask: (prompt) => prompt.yes(question, false) });
  if (!sure) throw new Failure("usage", "Nothing was changed");
}
