// Takes known secrets and things shaped like one out of text that leaves: chat, store, log, errors.
import { Buffer } from "node:buffer";

/** What stands where a secret stood. */
const mask = "[redacted]";

/** Secrets shorter than this are not looked for: they would tear holes into ordinary text. */
const secretCharsMin = 8;

/** Longest stretch that a stream holds back while a secret could still be forming, in characters. */
const carryCharsMax = 8192;

/** Published forms of tokens, each with a fixed prefix or frame so that ordinary code is left alone. */
const shapes: readonly RegExp[] = [
  /-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----[\s\S]{0,8000}?-----END [A-Z ]{0,20}PRIVATE KEY-----/g,
  /\bsk-(?:ant-|proj-|or-)?[A-Za-z0-9_-]{20,200}\b/g,
  /\b(?:gh[pousr]_[A-Za-z0-9]{30,255}|github_pat_[A-Za-z0-9_]{50,255})\b/g,
  /\bxox[abeprs]-[A-Za-z0-9-]{10,255}\b/g,
  /\bxapp-[0-9]-[A-Za-z0-9-]{10,255}\b/g,
  /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g,
  /\bAIza[A-Za-z0-9_-]{35}\b/g,
  /\bnpm_[A-Za-z0-9]{36}\b/g,
  /\b[0-9]{8,10}:AA[A-Za-z0-9_-]{33}\b/g,
  /\beyJ[A-Za-z0-9_-]{10,2000}\.eyJ[A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]{10,1000}\b/g,
  /(?<=:\/\/[^\s:/@]{1,100}:)[^\s/@]{3,200}(?=@)/g,
  /(?<=\bauthorization:\s{0,5}(?:bearer|basic|token)\s{1,5})[A-Za-z0-9._~+/=-]{8,4000}/gi,
];

/** Removes secrets from whole texts and from streams of pieces. */
export interface Redactor {
  /** Exact values, in each encoding. */
  exact(text: string): string;
  /** Exact values and token shapes. */
  all(text: string): string;
  /** Exact values, also when one is split over pieces. What it holds back comes with `end`. */
  stream(): { push(piece: string): string; end(): string };
}

/**
 * A redactor over the values that `secrets` names at the time of each use. Values are found raw, in
 * base64 (all three alignments, both alphabets), in hex and percent-encoded.
 */
export function createRedactor(secrets: () => Iterable<string>): Redactor {
  let key = "";
  let forms: string[] = [];
  const current = () => {
    const values = [...new Set(secrets())].filter((value) => value.length >= secretCharsMin);
    const now = values.join("\u0000");
    if (now !== key) {
      key = now;
      forms = [...new Set(values.flatMap(encodings))].sort((a, b) => b.length - a.length);
    }
    return forms;
  };
  const exact = (text: string) => {
    let clean = text;
    for (const form of current()) if (clean.includes(form)) clean = clean.replaceAll(form, mask);
    return clean;
  };
  return {
    exact,
    all: (text) => shapes.reduce((clean, shape) => clean.replace(shape, mask), exact(text)),
    stream() {
      let carry = "";
      return {
        push(piece) {
          carry += piece;
          const clean = exact(carry);
          const keep = Math.min(heldBack(clean, current()), carryCharsMax);
          carry = clean.slice(clean.length - keep);
          return clean.slice(0, clean.length - keep);
        },
        end() {
          const rest = exact(carry);
          carry = "";
          return rest;
        },
      };
    },
  };
}

/** Length of the longest end of `text` that is the beginning of one of `forms`. */
function heldBack(text: string, forms: readonly string[]): number {
  let longest = 0;
  for (const form of forms) {
    for (let length = Math.min(form.length - 1, text.length); length > longest; length--) {
      if (form.startsWith(text.slice(text.length - length))) longest = length;
    }
  }
  return longest;
}

/** The forms in which a value may stand in a text. */
function encodings(value: string): string[] {
  const bytes = Buffer.from(value, "utf8");
  const hex = bytes.toString("hex");
  const found = [value, hex, hex.toUpperCase(), encodeURIComponent(value), JSON.stringify(value).slice(1, -1)];
  for (let shift = 0; shift < 3; shift++) {
    // With `shift` bytes before it, only the characters that depend on the value alone are stable.
    const text = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString("base64")
      .replace(/=+$/, "");
    const start = Math.ceil((shift * 8) / 6);
    const end = Math.floor(((shift + bytes.length) * 8) / 6);
    const stable = text.slice(start, end);
    if (stable.length >= secretCharsMin) found.push(stable, stable.replaceAll("+", "-").replaceAll("/", "_"));
  }
  return found;
}
