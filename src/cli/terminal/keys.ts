// Bytes from the terminal → keys. Sequences may be split anywhere between two reads.
import { limits } from "../../core/limits.ts";

/** One key. `name` is the character itself or a word such as `enter`; `text` is what it types, if anything. */
export interface Key {
  name: string;
  ctrl: boolean;
  alt: boolean;
  shift: boolean;
  text?: string;
}

/** A key, or a pasted text as a whole. `cut`: it was longer than what is taken. */
export type KeyEvent = ({ type: "key" } & Key) | { type: "paste"; text: string; cut: boolean };

const pasteStart = "\x1b[200~";
const pasteEnd = "\x1b[201~";
/** Longest escape sequence; what goes on without an end is not one. */
const sequenceMax = 64;

const finals: Record<string, string> = {
  A: "up",
  B: "down",
  C: "right",
  D: "left",
  E: "clear",
  F: "end",
  H: "home",
  M: "enter",
  P: "f1",
  Q: "f2",
  R: "f3",
  S: "f4",
  Z: "tab",
};

const tildes: Record<number, string> = {
  1: "home",
  2: "insert",
  3: "delete",
  4: "end",
  5: "pageup",
  6: "pagedown",
  7: "home",
  8: "end",
};

/** Codes of the kitty protocol and of xterm's modifyOtherKeys that are no character. */
const codePoints: Record<number, string> = {
  8: "backspace",
  9: "tab",
  10: "enter",
  13: "enter",
  27: "escape",
  127: "backspace",
  57414: "enter",
};

/** Reads keys from bytes; see {@link KeyParser.feed}. */
export class KeyParser {
  #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #buffer = "";
  #paste: string | null = null;
  #cut = false;

  /** True while an unfinished sequence waits; after some 50 ms of silence call {@link flush}. */
  get pending(): boolean {
    return this.#buffer !== "" && this.#paste === null;
  }

  /** Keys that are complete with these bytes. Invalid UTF-8 becomes U+FFFD. */
  feed(bytes: Uint8Array): KeyEvent[] {
    this.#buffer += this.#decoder.decode(bytes, { stream: true });
    return this.#read(false);
  }

  /** What was waiting is all there is: a lone escape is the escape key. */
  flush(): KeyEvent[] {
    return this.#paste === null ? this.#read(true) : [];
  }

  #read(end: boolean): KeyEvent[] {
    const events: KeyEvent[] = [];
    while (this.#buffer !== "") {
      if (this.#paste !== null) {
        const done = this.#readPaste();
        if (done === null) break;
        events.push(done);
        continue;
      }
      if (this.#buffer.startsWith(pasteStart)) {
        this.#buffer = this.#buffer.slice(pasteStart.length);
        this.#paste = "";
        this.#cut = false;
        continue;
      }
      const length = keyLength(this.#buffer, end);
      if (length === 0) break;
      const key = toKey(this.#buffer.slice(0, length));
      this.#buffer = this.#buffer.slice(length);
      if (key !== null) events.push({ type: "key", ...key });
    }
    return events;
  }

  #readPaste(): KeyEvent | null {
    const at = this.#buffer.indexOf(pasteEnd);
    // The end mark may be split: its possible beginning is kept back.
    const take = at < 0 ? this.#buffer.length - splitEnd(this.#buffer) : at;
    const room = limits.frameBytesMax - (this.#paste?.length ?? 0);
    if (take > room) this.#cut = true;
    this.#paste = (this.#paste ?? "") + this.#buffer.slice(0, Math.min(take, room));
    this.#buffer = this.#buffer.slice(at < 0 ? take : at + pasteEnd.length);
    if (at < 0) return null;
    const text = this.#paste.toWellFormed().replace(/\r\n?/g, "\n");
    this.#paste = null;
    return { type: "paste", text, cut: this.#cut };
  }
}

/** How many characters at the end may be the beginning of the paste's end mark. */
function splitEnd(text: string): number {
  for (let length = Math.min(pasteEnd.length - 1, text.length); length > 0; length -= 1) {
    if (pasteEnd.startsWith(text.slice(-length))) return length;
  }
  return 0;
}

/** Length of the first key in `text`; 0 when it is not complete yet. */
function keyLength(text: string, end: boolean): number {
  if (!text.startsWith("\x1b")) return (text.codePointAt(0) ?? 0) > 0xffff ? 2 : 1;
  // A second escape before the sequence: alt with an escape sequence, as some terminals send alt-arrow.
  const from = text.startsWith("\x1b\x1b[") || text.startsWith("\x1b\x1bO") ? 1 : 0;
  const kind = text[from + 1];
  if (kind === undefined) return end ? 1 : 0;
  if (kind === "[") {
    const rest = text.slice(from + 2, from + 2 + sequenceMax);
    const match = /^\[?[0-?]*[ -/]*([@-~]|\p{Cc})/u.exec(rest);
    if (match !== null) {
      // A control character ends a broken sequence and is a key of its own.
      const broken = (match[1]?.charCodeAt(0) ?? 0) < 32;
      return from + 2 + match[0].length - (broken ? 1 : 0);
    }
    if (rest.length >= sequenceMax || /[^ -~]/.test(rest)) return from + 2;
    return end ? text.length : 0;
  }
  if (kind === "O") {
    if (text.length > from + 2) return from + 3;
    return end ? text.length : 0;
  }
  if (kind === "\x1b") return text.length === 2 && !end ? 0 : 1;
  return 1 + ((text.codePointAt(1) ?? 0) > 0xffff ? 2 : 1);
}

function toKey(raw: string): Key | null {
  if (!raw.startsWith("\x1b") || raw.length === 1) return plainKey(raw);
  const doubled = raw.startsWith("\x1b\x1b") && raw.length > 2;
  const sequence = doubled ? raw.slice(1) : raw;
  if (sequence.length === 2 && sequence !== "\x1b[" && sequence !== "\x1bO") {
    return { ...plainKey(sequence.slice(1)), alt: true, text: undefined };
  }
  const key = sequence.startsWith("\x1bO") ? named(finals[sequence[2] ?? ""], 1) : csiKey(sequence.slice(2));
  return key !== null && doubled ? { ...key, alt: true } : key;
}

/** A key without an escape before it. */
function plainKey(character: string): Key {
  const base = { ctrl: false, alt: false, shift: false };
  const code = character.codePointAt(0) ?? 0;
  if (character === "\r") return { ...base, name: "enter" };
  if (character === "\n") return { ...base, name: "j", ctrl: true };
  if (character === "\t") return { ...base, name: "tab" };
  if (character === "\x1b") return { ...base, name: "escape" };
  if (code === 127 || code === 8) return { ...base, name: "backspace" };
  if (code === 0) return { ...base, name: "space", ctrl: true };
  if (code <= 26) return { ...base, name: String.fromCharCode(code + 96), ctrl: true };
  if (code < 32) return { ...base, name: String.fromCharCode(code + 64), ctrl: true };
  if (code >= 0x80 && code < 0xa0) return { ...base, name: "unknown" };
  return { ...base, name: character === " " ? "space" : character, text: character };
}

/** The inside of `ESC [ …`: xterm, rxvt, linux console and kitty forms. */
function csiKey(body: string): Key | null {
  const final = body.at(-1) ?? "";
  const numbers = body.slice(0, -1).split(";");
  const first = Number.parseInt(numbers[0] ?? "", 10);
  const [modifier, kind] = (numbers[1] ?? "").split(":").map((part) => Number.parseInt(part, 10) || 1);
  // Kitty reports releases as kind 3 when asked to; they are no keys.
  if (kind === 3) return null;
  // Reports of the terminal, of its mouse, and the linux console's function keys.
  if (/^[[<=>?]/.test(body) || (/[A-Z]/.test(final) && first > 1)) return null;
  if (final === "u") return coded(first, modifier ?? 1);
  if (final === "~") {
    if (first === 27) return coded(Number.parseInt(numbers[2] ?? "", 10), modifier ?? 1);
    return named(tildes[first], modifier ?? 1);
  }
  if (/^[abcd]$/.test(body)) return named(finals[body.toUpperCase()], 2);
  const key = named(finals[final], modifier ?? 1);
  return key !== null && final === "Z" ? { ...key, shift: true } : key;
}

function named(name: string | undefined, modifier: number): Key | null {
  return name === undefined ? null : { name, ...modifiers(modifier) };
}

/** A key given by its code point and modifiers. */
function coded(code: number, modifier: number): Key | null {
  const held = modifiers(modifier);
  const name = codePoints[code];
  if (name !== undefined) return { name, ...held };
  if (!(code >= 32 && code <= 0x10ffff) || (code >= 0xd800 && code < 0xf900)) return null;
  const character = String.fromCodePoint(code);
  const text = held.shift ? character.toUpperCase() : character;
  const types = !held.ctrl && !held.alt && !(code >= 0x7f && code < 0xa0);
  return { name: character === " " ? "space" : character, ...held, ...(types ? { text } : {}) };
}

/** The modifier number of xterm: 1 + shift + 2·alt + 4·ctrl + 8·super; locks above do not count. */
function modifiers(value: number): { ctrl: boolean; alt: boolean; shift: boolean } {
  const bits = Math.max(0, value - 1);
  return { shift: (bits & 1) !== 0, alt: (bits & 2) !== 0, ctrl: (bits & 4) !== 0 };
}
