// Which words of a stored value are secret: all of a variable, and of a file what looks like a key and not like a setting.
import { Buffer } from "node:buffer";
import type { EntryKind } from "../store/vaults.ts";
import { secretCharsMin } from "./forms.ts";
import { textOf } from "./names.ts";

/** Words of a file that are shorter are not taken for secrets unless their name says so. */
const wordCharsMin = 16;
/** Of one value; a file of credentials has a few. */
const wordsMax = 500;
const depthMax = 16;

const secretName = /key|token|secret|pass|credential|auth|cookie|signature|private/i;
const plainName = /(?:uri|url|_id|type|domain|email|expiry|scopes?)$/i;

/** What the redactor looks for of one entry. */
export function secretWords(kind: EntryKind, bytes: Uint8Array): string[] {
  const text = textOf(bytes);
  if (text === undefined) return binaryWords(bytes);
  const inside = [...wordsIn(text)].slice(0, wordsMax);
  return kind === "env" ? [...new Set([text, ...inside.filter((word) => word !== text)])] : [...new Set(inside)];
}

function wordsIn(text: string): Set<string> {
  const found = new Set<string>();
  const parsed = parseJson(text);
  if (parsed !== undefined) collect(parsed, { name: "", depth: 0, found });
  else if (/[\r\n]/.test(text) || text.length > 200) for (const word of looseWords(text)) found.add(word);
  return found;
}

function parseJson(text: string): unknown {
  if (!/^\s*[{[]/.test(text)) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined; // Not JSON after all: it is read as plain text.
  }
}

function collect(value: unknown, { name, depth, found }: { name: string; depth: number; found: Set<string> }): void {
  if (depth > depthMax || found.size >= wordsMax) return;
  if (typeof value === "string") {
    const named = secretName.test(name) && !plainName.test(name);
    if (named ? value.length >= secretCharsMin && !isAddress(value) : looksRandom(value)) found.add(value);
  } else if (Array.isArray(value)) for (const item of value) collect(item, { name, depth: depth + 1, found });
  else if (typeof value === "object" && value !== null)
    for (const [key, item] of Object.entries(value)) collect(item, { name: key, depth: depth + 1, found });
}

/** Words of lines such as `key: value`, `KEY=value` and the body of a PEM block. */
function looseWords(text: string): string[] {
  const words: string[] = [];
  for (const line of text.split(/[\r\n]+/)) {
    if (words.length >= wordsMax) break;
    const setting = /^\s*([\w.-]{1,100})\s*[:=]\s*["']?(.*?)["']?\s*$/.exec(line);
    const [, name = "", value = ""] = setting ?? [];
    if (setting !== null && secretName.test(name) && !plainName.test(name) && value.length >= secretCharsMin) {
      if (!isAddress(value)) words.push(value);
    } else words.push(...line.split(/[\s"'<>=,;]+/).filter((word) => looksRandom(word)));
  }
  return words;
}

/** Letters and digits mixed, without what addresses and sentences are made of. */
function looksRandom(word: string): boolean {
  if (word.length < wordCharsMin || /\s/.test(word) || isAddress(word)) return false;
  return /[A-Za-z]/.test(word) && /[0-9]/.test(word) && !/^[a-z]+(?:[-_.][a-z0-9]+)+$/.test(word);
}

/** An address without a login and without a key in its path or query, or one of mail. */
function isAddress(word: string): boolean {
  if (/^[^@\s]+@[^@\s]+\.[a-z]{2,}$/i.test(word)) return true;
  const path = /^[a-z][a-z0-9+.-]{1,20}:\/\/[^/?#@]*([^@]*)$/i.exec(word)?.[1];
  return path !== undefined && !path.split(/[/?&=#]/).some((part) => looksRandom(part));
}

/** Bytes that are no text are carried out as text: in base64 in one piece or in lines, or in hex. */
function binaryWords(bytes: Uint8Array): string[] {
  const base64 = Buffer.from(bytes).toString("base64").replace(/=+$/, "");
  const hex = Buffer.from(bytes).toString("hex");
  const pieces = (text: string, length: number) => text.match(new RegExp(`.{${length}}`, "g")) ?? [];
  const words = [base64, hex, ...pieces(base64, 76), ...pieces(base64, 64), ...pieces(hex, 32)];
  return [...new Set(words)].filter((word) => word.length >= wordCharsMin).slice(0, wordsMax);
}
