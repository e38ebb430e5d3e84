// The forms in which a secret is looked for: itself, its lines, and both in base64 and hex.
import { Buffer } from "node:buffer";
import { readings } from "./reading.ts";

/** Secrets shorter than this are not looked for: they would tear holes into ordinary text. */
export const secretCharsMin = 8;

/** What is left of one may be this short. */
const entangledCharsMin = 6;

/** A line of a secret is a secret of its own from this length on. */
const lineCharsMin = 16;

/** What markdown takes away when it formats a text: `**`, `_`, `~~` and backticks. */
export const marks = "*_~`";

/** Words to look for, each with one byte a character. */
export interface Forms {
  text: Set<string>;
  /** The same without marks of formatting; found where such marks stand between their characters. */
  unmarked: Set<string>;
  base64: Set<string>;
  hex: Set<string>;
}

/** The forms of all values. */
export function formsOf(values: readonly string[]): Forms {
  const forms: Forms = { text: new Set(), unmarked: new Set(), base64: new Set(), hex: new Set() };
  for (const part of values.flatMap(partsOf)) {
    // A value may hold what looks like an escape; it is looked for in each reading of it.
    for (const { bytes } of readings(part)) {
      if (bytes.length < secretCharsMin) continue;
      forms.text.add(bytes);
      for (const word of entangled(bytes)) forms.text.add(word);
    }
    for (const bytes of new Set(
      [part, part.replaceAll("\r", "")].map((text) => Buffer.from(text).toString("latin1")),
    )) {
      for (const word of base64(bytes)) forms.base64.add(word);
      const pairs = Buffer.from(bytes, "latin1").toString("hex");
      forms.hex.add(pairs);
      // As in `0x70, 0x40`; the x is skipped.
      forms.hex.add(pairs.replace(/../g, "0$&"));
    }
  }
  for (const word of forms.text) {
    const bare = word.replace(/[*_~`]+/g, "");
    if (bare.length >= secretCharsMin) forms.unmarked.add(bare);
  }
  return forms;
}

/** A value, without the line end that a file gave it, and its long lines. */
function partsOf(value: string): string[] {
  const lines = value.split(/[\r\n]+/).map((line) => line.trim());
  const long = lines.length === 1 ? [] : lines.filter((line) => line.length >= lineCharsMin);
  const trimmed = value.trim();
  return [...new Set([value, ...(trimmed.length >= secretCharsMin ? [trimmed] : []), ...long])];
}

/**
 * What a value becomes when what stands around it makes an escape with its first or last characters: after a backslash,
 * `n` is a line end; before anything, a backslash at the end is gone.
 */
function entangled(bytes: string): string[] {
  const digits = /^[0-9a-fA-F]{1,4}/.exec(bytes)?.[0].length ?? 0;
  const control = /^[0-?]{0,64}[ -/]{0,4}[@-~]/.exec(bytes)?.[0].length ?? 0;
  const whole = [bytes, bytes.replace(/\\+$/, "")];
  const after = whole.flatMap((word) => [
    ...readings(`\\${word}`)
      .slice(1)
      .map((reading) => reading.bytes),
    ...[1, 2, 3, 4].filter((length) => length <= digits).map((length) => word.slice(length)),
    word.slice(control),
  ]);
  return [...whole, ...after].filter((word) => word.length >= entangledCharsMin);
}

/** Base64 of bytes with none, one and two before them, as far as it depends on them alone. */
function base64(bytes: string): string[] {
  return [0, 1, 2].flatMap((shift) => {
    const text = Buffer.from("\0".repeat(shift) + bytes, "latin1").toString("base64");
    const stable = text.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + bytes.length) * 8) / 6));
    return stable.length >= secretCharsMin ? [stable] : [];
  });
}
