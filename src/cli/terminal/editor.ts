// The line editor's text and cursor: pure state, no terminal. Its unit is what a person sees as one character.
import { graphemes, strip } from "./text.ts";

/** One character as a person sees it, a line end, or a folded paste (then `shown` says what stands for it). */
export interface Atom {
  text: string;
  shown?: string;
}

interface Snapshot {
  atoms: readonly Atom[];
  cursor: number;
}

const undoMax = 200;
/** A paste of more lines or characters than this is shown folded. */
const pasteLinesMax = 8;
const pasteCharsMax = 1_000;

export class Editor {
  #atoms: readonly Atom[] = [];
  #cursor = 0;
  #killed: readonly Atom[] = [];
  #undo: Snapshot[] = [];
  /** The last edit's kind: a run of typing is one step of undo, a run of kills one piece to yank. */
  #last = "";

  get atoms(): readonly Atom[] {
    return this.#atoms;
  }
  get cursor(): number {
    return this.#cursor;
  }
  /** The whole text, pastes unfolded. */
  get text(): string {
    return textOf(this.#atoms);
  }
  /** The text before the cursor. */
  get before(): string {
    return textOf(this.#atoms.slice(0, this.#cursor));
  }
  get empty(): boolean {
    return this.#atoms.length === 0;
  }

  /** Types `text` at the cursor; control characters are left out. */
  insert(text: string): void {
    const safe = strip(text);
    if (safe === "") return;
    this.#remember("insert");
    // A combining mark joins the character before it.
    const joined = this.#atoms[this.#cursor - 1];
    const from = joined !== undefined && joined.shown === undefined ? this.#cursor - 1 : this.#cursor;
    const added = graphemes((from < this.#cursor ? (joined?.text ?? "") : "") + safe).map((one) => ({ text: one }));
    this.#replace(from, this.#cursor, added);
  }

  /** Inserts a pasted text; a large one is shown folded and kept whole. */
  paste(text: string): void {
    const safe = strip(text);
    const lines = safe.replace(/\n$/, "").split("\n").length;
    if (lines <= pasteLinesMax && safe.length <= pasteCharsMax) {
      this.#last = "";
      this.insert(safe);
      this.#last = "";
      return;
    }
    this.#remember("paste");
    const size = lines > 1 ? `${lines} lines` : `${safe.length} characters`;
    this.#replace(this.#cursor, this.#cursor, [{ text: safe, shown: `[pasted ${size}]` }]);
  }

  /** Replaces everything; the cursor goes to the end. */
  set(text: string): void {
    this.#remember("set");
    this.#replace(
      0,
      this.#atoms.length,
      graphemes(strip(text)).map((one) => ({ text: one })),
    );
  }

  /** Empties the editor for the next message; nothing of it can be undone. */
  reset(): void {
    this.#atoms = [];
    this.#cursor = 0;
    this.#undo = [];
    this.#last = "";
  }

  left(): void {
    this.#moveTo(this.#cursor - 1);
  }
  right(): void {
    this.#moveTo(this.#cursor + 1);
  }
  home(): void {
    this.#moveTo(this.#lineStart(this.#cursor));
  }
  end(): void {
    this.#moveTo(this.#lineEnd(this.#cursor));
  }
  wordLeft(): void {
    this.#moveTo(this.#wordStart());
  }
  wordRight(): void {
    this.#moveTo(this.#wordEnd());
  }

  /** One line up in the text; false on its first line. */
  up(): boolean {
    const start = this.#lineStart(this.#cursor);
    if (start === 0) return false;
    const before = this.#lineStart(start - 1);
    this.#moveTo(Math.min(before + this.#cursor - start, start - 1));
    return true;
  }

  /** One line down in the text; false on its last line. */
  down(): boolean {
    const end = this.#lineEnd(this.#cursor);
    if (end === this.#atoms.length) return false;
    const column = this.#cursor - this.#lineStart(this.#cursor);
    this.#moveTo(Math.min(end + 1 + column, this.#lineEnd(end + 1)));
    return true;
  }

  backspace(): void {
    this.#erase(this.#cursor - 1, this.#cursor);
  }
  delete(): void {
    this.#erase(this.#cursor, this.#cursor + 1);
  }
  /** To the end of the line; at the end, the line end itself. */
  killToEnd(): void {
    const end = this.#lineEnd(this.#cursor);
    this.#kill(this.#cursor, end === this.#cursor ? end + 1 : end);
  }
  killToStart(): void {
    const start = this.#lineStart(this.#cursor);
    this.#kill(start === this.#cursor ? start - 1 : start, this.#cursor);
  }
  /** Back over the word, as shells do: to the space before it. */
  killWordBack(): void {
    let at = this.#cursor;
    while (at > 0 && isSpace(this.#atoms[at - 1])) at -= 1;
    while (at > 0 && !isSpace(this.#atoms[at - 1])) at -= 1;
    this.#kill(at, this.#cursor);
  }
  killWordLeft(): void {
    this.#kill(this.#wordStart(), this.#cursor);
  }
  killWordRight(): void {
    this.#kill(this.#cursor, this.#wordEnd());
  }
  /** Puts back what was killed last. */
  yank(): void {
    if (this.#killed.length === 0) return;
    this.#remember("yank");
    this.#replace(this.#cursor, this.#cursor, this.#killed);
  }
  /** Exchanges the two characters around the cursor. */
  transpose(): void {
    const at = Math.min(this.#cursor, this.#atoms.length - 1);
    const [a, b] = [this.#atoms[at - 1], this.#atoms[at]];
    if (at < 1 || a === undefined || b === undefined) return;
    this.#remember("transpose");
    this.#replace(at - 1, at + 1, [b, a]);
  }

  undo(): void {
    const before = this.#undo.pop();
    if (before === undefined) return;
    this.#atoms = before.atoms;
    this.#cursor = before.cursor;
    this.#last = "";
  }

  #moveTo(place: number): void {
    this.#cursor = Math.max(0, Math.min(place, this.#atoms.length));
    this.#last = "";
  }

  #remember(kind: string): void {
    if (kind !== "insert" || this.#last !== "insert") {
      this.#undo.push({ atoms: this.#atoms, cursor: this.#cursor });
      if (this.#undo.length > undoMax) this.#undo.shift();
    }
    this.#last = kind;
  }

  #replace(from: number, to: number, added: readonly Atom[]): void {
    this.#atoms = [...this.#atoms.slice(0, from), ...added, ...this.#atoms.slice(to)];
    this.#cursor = from + added.length;
  }

  #erase(from: number, to: number): void {
    if (from < 0 || to > this.#atoms.length || from === to) return;
    this.#remember("erase");
    this.#replace(from, to, []);
  }

  #kill(from: number, to: number): void {
    const start = Math.max(0, from);
    const end = Math.min(to, this.#atoms.length);
    if (start >= end) return;
    const piece = this.#atoms.slice(start, end);
    const goesOn = this.#last === "kill";
    this.#remember("kill");
    const backwards = end === this.#cursor;
    if (!goesOn) this.#killed = piece;
    else this.#killed = backwards ? [...piece, ...this.#killed] : [...this.#killed, ...piece];
    this.#replace(start, end, []);
  }

  #lineStart(from: number): number {
    let at = from;
    while (at > 0 && this.#atoms[at - 1]?.text !== "\n") at -= 1;
    return at;
  }
  #lineEnd(from: number): number {
    let at = from;
    while (at < this.#atoms.length && this.#atoms[at]?.text !== "\n") at += 1;
    return at;
  }
  #wordStart(): number {
    let at = this.#cursor;
    while (at > 0 && !isWord(this.#atoms[at - 1])) at -= 1;
    while (at > 0 && isWord(this.#atoms[at - 1])) at -= 1;
    return at;
  }
  #wordEnd(): number {
    let at = this.#cursor;
    while (at < this.#atoms.length && !isWord(this.#atoms[at])) at += 1;
    while (at < this.#atoms.length && isWord(this.#atoms[at])) at += 1;
    return at;
  }
}

function textOf(atoms: readonly Atom[]): string {
  return atoms.map((atom) => atom.text).join("");
}
function isSpace(atom: Atom | undefined): boolean {
  return atom !== undefined && atom.shown === undefined && /^\s$/.test(atom.text);
}
function isWord(atom: Atom | undefined): boolean {
  return atom !== undefined && (atom.shown !== undefined || /^[\p{L}\p{N}\p{M}_]/u.test(atom.text));
}
