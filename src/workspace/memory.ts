// MEMORY.md: what the agent keeps for next time, as text that people edit too.
import { basename, dirname } from "node:path";
import { errorText, Failure } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import { writeAtomic } from "../sys/atomic.ts";
import { openBeneath, readBeneath } from "../sys/beneath.ts";
import type { Log } from "../sys/log.ts";
import { oneLine } from "./names.ts";

/**
 * The memory in the file at `path`, at most `limits.memoryCharsMax` long; what is cut off is said in
 * the last line. Empty when there is no file.
 * @throws Failure `state` when a link or something other than a file stands there.
 */
export async function readMemory(path: string): Promise<string> {
  const found = await readBeneath(dirname(path), { path: basename(path), bytesMax: limits.memoryFileBytesMax });
  if (found === undefined) return "";
  const text = new TextDecoder().decode(found.bytes).replaceAll("\0", "").trim();
  if (text.length <= limits.memoryCharsMax) return text;
  return `${text.slice(0, limits.memoryCharsMax).replace(/[\uD800-\uDBFF]$/, "")}\n[${basename(path)} is longer than ${limits.memoryCharsMax} characters; the rest is not shown]`;
}

/**
 * The memory as a prompt shows it. Agents can put anything in its place, so what cannot be read is said there and
 * logged, and no turn fails by it.
 */
export async function promptMemory(path: string, log: Log): Promise<string> {
  try {
    return await readMemory(path);
  } catch (error) {
    log.warn("Cannot read a memory", { path, error: errorText(error) });
    return `[${basename(path)} is no file that can be read; it was not read]`;
  }
}

/**
 * Adds `text` as a line of its own to the file at `path`, in one write at its end, so that an edit
 * made at the same time is not lost.
 * @throws Failure `tool` when it is empty, too long, or the memory is full; `state` for a link in the way.
 */
export async function appendMemory(path: string, text: string): Promise<void> {
  const line = text.replaceAll("\0", "").replaceAll("\r\n", "\n").trim();
  if (line === "") throw new Failure("tool", "Cannot remember this: the text is empty");
  if (line.length > limits.memoryLineCharsMax) {
    throw new Failure(
      "tool",
      `Cannot remember this: it has ${line.length} characters and ${limits.memoryLineCharsMax} are allowed`,
      {
        hint: "Write the long text to a file and remember where it is",
      },
    );
  }
  const file = await openBeneath(dirname(path), basename(path), { for: "append" });
  try {
    const { size } = await file.stat();
    if (size + line.length > limits.memoryFileBytesMax) {
      throw new Failure("tool", `Cannot remember this: ${basename(path)} is full at ${size} bytes`, {
        hint: "Shorten the file first",
      });
    }
    const last = new Uint8Array(1);
    if (size > 0) await file.read(last, 0, 1, size - 1);
    const before = size > 0 && last[0] !== 0x0a ? "\n" : "";
    await file.writeFile(`${before}${line}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
}

/**
 * Puts `text` where `old` stands in the memory at `path`; an empty `text` takes it out, with its line end.
 * @throws Failure `tool` when `old` does not stand there exactly once, or the memory would be full; `state` for a link.
 */
export async function replaceInMemory(path: string, { old, text }: { old: string; text: string }): Promise<void> {
  const found = await readBeneath(dirname(path), { path: basename(path), bytesMax: limits.memoryFileBytesMax });
  const kept = new TextDecoder().decode(found?.bytes ?? new Uint8Array());
  const times = old === "" ? 0 : kept.split(old).length - 1;
  if (times !== 1) {
    const state = times === 0 ? "it does not stand there" : `it stands there ${times} times`;
    throw new Failure("tool", `Cannot change ${JSON.stringify(oneLine(old, 80))} in the memory: ${state}`, {
      hint: "Read the memory and give the exact text",
    });
  }
  const clean = text.replaceAll("\0", "").trim();
  const changed = clean === "" ? kept.replace(`${old}\n`, "").replace(old, "") : kept.replace(old, () => clean);
  if (Buffer.byteLength(changed) > limits.memoryFileBytesMax) {
    throw new Failure(
      "tool",
      `Cannot change the memory: ${basename(path)} would have more than ${limits.memoryFileBytesMax} bytes`,
    );
  }
  await writeAtomic(path, changed);
}
