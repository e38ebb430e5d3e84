// What a command printed, as a model should read it: bytes in any pieces → clean lines.
import { stripVTControlCharacters } from "node:util";

/** A line without end is passed on in pieces of this size, so that memory stays bounded. */
const lineCharsMax = 16 * 1024;

/** Turns a terminal's bytes into text. */
export interface Screen {
  /** Text that is finished by these bytes: whole lines, or a piece of a very long one. */
  push(bytes: Uint8Array): string;
  /** What is left when the stream is over. */
  end(): string;
}

/**
 * Invalid UTF-8 becomes U+FFFD, colours and cursor movements go away, of a line that was written over
 * (carriage return, backspace) the last state stays, other control characters become U+FFFD.
 */
export function createScreen(): Screen {
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let pending = "";
  const take = (text: string): string => {
    pending += text;
    const newline = pending.lastIndexOf("\n");
    let out = "";
    if (newline >= 0) {
      out = `${cleanLines(pending.slice(0, newline))}\n`;
      pending = pending.slice(newline + 1);
    }
    if (pending.length > lineCharsMax) {
      // Only the state after the last carriage return can still be seen.
      pending = pending.slice(Math.max(0, pending.lastIndexOf("\r", pending.length - 2)));
    }
    if (pending.length > lineCharsMax) {
      out += cleanLine(pending);
      pending = "";
    }
    return out;
  };
  return {
    push: (bytes) => take(decoder.decode(bytes, { stream: true })),
    end() {
      const out = take(decoder.decode()) + cleanLine(pending);
      pending = "";
      return out;
    },
  };
}

const controls = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/;
const allControls = new RegExp(controls.source, "g");

/** Lines that are complete; most output has nothing to clean, and then costs one look. */
function cleanLines(raw: string): string {
  return controls.test(raw) ? raw.split("\n").map(cleanLine).join("\n") : raw;
}

function cleanLine(raw: string): string {
  if (!controls.test(raw)) return raw;
  const plain = stripVTControlCharacters(raw);
  const states = plain.includes("\r") ? plain.split("\r").filter((state) => state !== "") : [plain];
  let line = states.at(-1) ?? "";
  if (line.includes("\b")) line = rubOut(line);
  return line.replaceAll("\x07", "").replace(allControls, "\uFFFD");
}

function rubOut(line: string): string {
  const kept: string[] = [];
  for (const char of line) {
    if (char === "\b") kept.pop();
    else kept.push(char);
  }
  return kept.join("");
}
