// Keys → what they do to the prompt: editing, history, search, completion. What leaves the prompt is an action.
import type { ChatCommand } from "../../core/frame.ts";
import { limits } from "../../core/limits.ts";
import { candidates, commonStart } from "./complete.ts";
import { Editor } from "./editor.ts";
import type { History } from "./history.ts";
import type { Key, KeyEvent } from "./keys.ts";

/** What the screen has to do after a key. */
export type Action =
  | { type: "none" }
  | { type: "submit"; text: string }
  /** ctrl-c; `empty`: there was nothing to clear. */
  | { type: "interrupt"; empty: boolean }
  | { type: "leave" }
  | { type: "suspend" }
  | { type: "redraw" };

/** A reverse search; `before` is what stood in the prompt when it began. */
interface Search {
  query: string;
  nth: number;
  found: string;
  before: string;
}

const none: Action = { type: "none" };

/** The prompt: an editor with history, reverse search and completion. */
export class Prompt {
  readonly editor = new Editor();
  #history: History;
  #search: Search | null = null;
  /** Place in the list of candidates while tab goes through them. */
  #selected: number | null = null;
  #offered: ChatCommand[] = [];
  commands: readonly ChatCommand[] = [];

  constructor(history: History) {
    this.#history = history;
  }

  /** The commands to list now, and the one that is chosen. */
  get completion(): { commands: readonly ChatCommand[]; selected: number | null } {
    if (this.#search !== null) return { commands: [], selected: null };
    if (this.#selected !== null) return { commands: this.#offered, selected: this.#selected };
    return { commands: candidates(this.editor.text, this.commands), selected: null };
  }

  /** The line of the reverse search, while it is on. */
  get searchLine(): string | null {
    const search = this.#search;
    if (search === null) return null;
    const failed = search.query !== "" && search.found === "" ? "nothing found: " : "search: ";
    return `${failed}${search.query}`;
  }

  /** Puts text that was refused before its writer again, unless something else was begun meanwhile. */
  restore(text: string): void {
    if (!this.editor.empty) return;
    // Nobody edits that by the character.
    if (text.length > limits.inputCharsMax) this.editor.paste(text);
    else this.editor.set(text);
  }

  /** Takes a key or a paste. */
  press(event: KeyEvent): Action {
    if (event.type === "paste") {
      this.#search = null;
      this.#selected = null;
      this.editor.paste(event.text);
      return none;
    }
    if (this.#search !== null) {
      const action = this.#searchKey(event, this.#search);
      if (action !== null) return action;
    }
    if (event.name !== "tab") this.#selected = null;
    return this.#control(event) ?? this.#edit(event);
  }

  /** Keys that do more than edit; null when it is none of them. */
  #control(key: Key): Action | null {
    const { editor } = this;
    switch (chord(key)) {
      case "enter":
        return this.#enter();
      case "alt-enter":
      case "shift-enter":
      case "ctrl-enter":
      case "ctrl-j":
        editor.insert("\n");
        return none;
      case "ctrl-c": {
        const empty = editor.empty;
        editor.set("");
        this.#history.leave();
        return { type: "interrupt", empty };
      }
      case "ctrl-d":
        if (editor.empty) return { type: "leave" };
        editor.delete();
        return none;
      case "ctrl-z":
        return { type: "suspend" };
      case "ctrl-l":
        return { type: "redraw" };
      case "ctrl-r":
        this.#search = { query: "", nth: 0, found: "", before: editor.text };
        return none;
      case "tab":
        this.#complete(1);
        return none;
      case "shift-tab":
        this.#complete(-1);
        return none;
      case "up":
      case "ctrl-p":
        if (!editor.up()) this.#walk(this.#history.older(editor.text, editor.before));
        return none;
      case "down":
      case "ctrl-n":
        if (!editor.down()) this.#walk(this.#history.newer());
        return none;
      default:
        return null;
    }
  }

  #edit(key: Key): Action {
    const edit = edits[chord(key)];
    if (edit !== undefined) edit(this.editor);
    else if (key.text !== undefined && !key.ctrl && !key.alt) this.editor.insert(key.text);
    return none;
  }

  #enter(): Action {
    const { editor } = this;
    // A backslash at the very end asks for another line.
    if (editor.cursor === editor.atoms.length && /(?:^|[^\\])\\$/.test(editor.before)) {
      editor.backspace();
      editor.insert("\n");
      return none;
    }
    const text = editor.text;
    if (text.trim() === "") return none;
    editor.reset();
    this.#history.add(text);
    return { type: "submit", text };
  }

  #walk(entry: string | undefined): void {
    if (entry !== undefined) this.editor.set(entry);
  }

  /** Tab: what all candidates share first, then one after the other. */
  #complete(step: 1 | -1): void {
    const { editor } = this;
    if (this.#selected === null) {
      if (editor.cursor !== editor.atoms.length) return;
      this.#offered = candidates(editor.text, this.commands);
      const [only, second] = this.#offered;
      if (only === undefined) return;
      if (second === undefined) {
        editor.set(`/${only.name} `);
        return;
      }
      const common = `/${commonStart(this.#offered.map((command) => command.name))}`;
      if (common.length > editor.text.length) {
        editor.set(common);
        return;
      }
      this.#selected = step === 1 ? -1 : 0;
    }
    const count = this.#offered.length;
    this.#selected = (this.#selected + step + count) % count;
    editor.set(`/${this.#offered[this.#selected]?.name ?? ""}`);
  }

  /** A key while searching; null when it ends the search and has its own meaning, too. */
  #searchKey(key: Key, search: Search): Action | null {
    const name = chord(key);
    if (name === "ctrl-c" || name === "ctrl-g" || name === "escape") {
      this.#search = null;
      this.editor.set(search.before);
      return none;
    }
    if (name === "ctrl-r") return this.#find({ ...search, nth: search.nth + 1 }, search);
    if (name === "backspace") return this.#find({ ...search, query: search.query.slice(0, -1), nth: 0 }, null);
    if (key.text !== undefined && !key.ctrl && !key.alt) {
      return this.#find({ ...search, query: search.query + key.text, nth: 0 }, null);
    }
    this.#search = null;
    return null;
  }

  /** Searches; when nothing more is found `otherwise` stays. */
  #find(next: Search, otherwise: Search | null): Action {
    const found = next.query === "" ? undefined : this.#history.find(next.query, next.nth);
    this.#search = found === undefined && otherwise !== null ? otherwise : { ...next, found: found ?? "" };
    if (found !== undefined) this.editor.set(found);
    return none;
  }
}

/** Key and modifiers as one word: `ctrl-a`, `alt-b`, `shift-tab`. */
function chord(key: Key): string {
  const word = key.name.length > 1 || key.ctrl || key.alt;
  return `${key.ctrl ? "ctrl-" : ""}${key.alt ? "alt-" : ""}${key.shift && word ? "shift-" : ""}${key.name}`;
}

const edits: Record<string, (editor: Editor) => void> = {
  space: (editor) => editor.insert(" "),
  "shift-space": (editor) => editor.insert(" "),
  backspace: (editor) => editor.backspace(),
  "shift-backspace": (editor) => editor.backspace(),
  delete: (editor) => editor.delete(),
  left: (editor) => editor.left(),
  right: (editor) => editor.right(),
  home: (editor) => editor.home(),
  end: (editor) => editor.end(),
  "ctrl-a": (editor) => editor.home(),
  "ctrl-e": (editor) => editor.end(),
  "ctrl-b": (editor) => editor.left(),
  "ctrl-f": (editor) => editor.right(),
  "ctrl-h": (editor) => editor.backspace(),
  "ctrl-k": (editor) => editor.killToEnd(),
  "ctrl-u": (editor) => editor.killToStart(),
  "ctrl-w": (editor) => editor.killWordBack(),
  "ctrl-y": (editor) => editor.yank(),
  "ctrl-t": (editor) => editor.transpose(),
  "ctrl-_": (editor) => editor.undo(),
  "ctrl-/": (editor) => editor.undo(),
  "ctrl-left": (editor) => editor.wordLeft(),
  "ctrl-right": (editor) => editor.wordRight(),
  "alt-left": (editor) => editor.wordLeft(),
  "alt-right": (editor) => editor.wordRight(),
  "alt-b": (editor) => editor.wordLeft(),
  "alt-f": (editor) => editor.wordRight(),
  "alt-d": (editor) => editor.killWordRight(),
  "alt-backspace": (editor) => editor.killWordLeft(),
  "ctrl-backspace": (editor) => editor.killWordLeft(),
  "ctrl-delete": (editor) => editor.killWordRight(),
  "alt-delete": (editor) => editor.killWordRight(),
};
