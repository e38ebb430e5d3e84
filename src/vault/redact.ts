// Takes known secrets and things shaped like one out of text that leaves: chat, store, log, errors.

import { secretCharsMin } from "./forms.ts";
import { createSearch, type Range, type Search } from "./search.ts";

/** What stands where a secret stood. */
const mask = "[redacted]";

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
 * A redactor over the values that `secrets` names at the time of each use. A value is found raw, in base64 (any
 * alignment, both alphabets, wrapped or not) and in hex (any case, with separators); with any of its characters as
 * percent, backslash or HTML escapes, up to three deep; and with control sequences or invisible characters inside. Long
 * lines of a value are values too. So is a value with marks of markdown between its characters. Cost is in proportion to
 * the text; without secrets there is none.
 */
export function createRedactor(secrets: () => Iterable<string>): Redactor {
  let given: readonly string[] = [];
  let search: Search | undefined;
  const current = () => {
    const now = [...secrets()];
    // Asked for each piece of each text: the same strings in the same order are the rule, and cheap to see.
    if (now.length !== given.length || now.some((value, index) => value !== given[index])) {
      given = now;
      const values = [...new Set(now)].filter((value) => value.length >= secretCharsMin);
      search = values.length === 0 ? undefined : createSearch(values);
    }
    return search;
  };
  const exact = (text: string) => {
    const found = text.length < secretCharsMin ? undefined : current()?.(text);
    return found === undefined ? text : masked(text, found.ranges);
  };
  return {
    exact,
    all: (text) => shapes.reduce((clean, shape) => clean.replace(shape, mask), exact(text)),
    stream() {
      let carry = "";
      return {
        push(piece) {
          const text = carry + piece;
          const found = current()?.(text);
          const cut = found?.settled ?? text.length;
          carry = text.slice(cut);
          return masked(text.slice(0, cut), found?.ranges ?? []);
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

/** The text with the mask in place of each range that begins in it. */
function masked(text: string, ranges: readonly Range[]): string {
  let clean = "";
  let at = 0;
  for (const { start, end } of ranges) {
    if (start >= text.length) break;
    clean += text.slice(at, start) + mask;
    at = end;
  }
  return clean + text.slice(at);
}
