// What keys do to the prompt: text, cursor, history, completion, undo.
import { describe, expect, test } from "bun:test";
import { Editor } from "../../../src/cli/terminal/editor.ts";
import { History } from "../../../src/cli/terminal/history.ts";
import { Prompt } from "../../../src/cli/terminal/input.ts";
import { type Key, KeyParser } from "../../../src/cli/terminal/keys.ts";
import { promptLines } from "../../../src/cli/terminal/prompt.ts";
import { random } from "../../random.ts";

const encoder = new TextEncoder();

/** Types raw terminal input into a prompt; gives what was submitted. */
function type(prompt: Prompt, input: string): string[] {
  const parser = new KeyParser();
  const sent: string[] = [];
  for (const event of [...parser.feed(encoder.encode(input)), ...parser.flush()]) {
    const action = prompt.press(event);
    if (action.type === "submit") sent.push(action.text);
  }
  return sent;
}

const prompt = (entries: string[] = []) => {
  const made = new Prompt(new History(entries));
  made.commands = ["status", "stop", "sessions", "switch", "help"].map((name) => ({ name, summary: `about ${name}` }));
  return made;
};

/** What stands in the prompt after typing, with the cursor as `|`. */
function after(input: string, entries: string[] = []): string {
  const made = prompt(entries);
  type(made, input);
  const { before, text } = made.editor;
  return `${before}|${text.slice(before.length)}`;
}

describe("the line editor", () => {
  test.each([
    ["abc\x1b[D\x1b[DX", "aX|bc"],
    ["one two\x1b[1;5D\x1b[1;5DX", "X|one two"],
    ["one two\x01X\x05Y", "Xone twoY|"],
    ["one two\x17X", "one X|"],
    ["one two\x01\x0b\x19\x19", "one twoone two|"],
    ["one two three\x17\x17\x19", "one two three|"],
    ["abc\x15x", "x|"],
    ["ab\x14", "ba|"],
    ["hello world\x17\x1f", "hello world|"],
    ["one\x1b\rtwo\nthree", "one\ntwo\nthree|"],
    ["one\\\rtwo", "one\ntwo|"],
    ["one\ntwo\x1b[AX", "oneX|\ntwo"],
    ["e\u0301x\x7f\x7f", "|"],
    ["👩‍👩‍👧日\x7f", "👩‍👩‍👧|"],
    ["👩‍👩‍👧日\x1b[D\x1b[D\x1b[3~", "|日"],
    ["\x1b[200~a\tb\x1b[31mred\x1b[0m\x1b[201~", "a\tbred|"],
    ["/st\t", "/status|"],
    ["/sta\t", "/status |"],
    ["/st\t\t", "/stop|"],
    ["/st\t\t\t", "/status|"],
    ["/s\t\x1b[Z", "/switch|"],
    ["/he\tx", "/help x|"],
    ["/us\t", "/us|"],
  ])("%j", (input, expected) => {
    expect(after(input)).toBe(expected);
  });

  test("history: arrows with a prefix, back to what was being typed, reverse search", () => {
    const entries = ["git status", "ls", "git push", "echo"];
    expect(after("\x1b[A\x1b[A", entries)).toBe("git push|");
    expect(after("git\x1b[A\x1b[A", entries)).toBe("git status|");
    expect(after("git\x1b[A\x1b[A\x1b[A\x1b[B\x1b[B", entries)).toBe("git|");
    expect(after("\x12git", entries)).toBe("git push|");
    expect(after("\x12git\x12", entries)).toBe("git status|");
    expect(after("\x12git\x12\x12", entries)).toBe("git status|");
    expect(after("draft\x12git\x07", entries)).toBe("draft|");
    const made = prompt(entries);
    expect(type(made, "\x12stat\r")).toEqual(["git status"]);
  });

  test("large pastes are folded on the screen and sent whole", () => {
    const made = prompt();
    const pasted = Array.from({ length: 120 }, (_, index) => `line ${index}`).join("\n");
    const sent = type(made, `see: \x1b[200~${pasted}\x1b[201~ ok`);
    expect(sent).toEqual([]);
    const shown = promptLines(made.editor, { columns: 60, height: 5, hint: "" });
    expect(shown.lines.map((line) => line.map((part) => part.text).join(""))).toEqual(["❯ see: [pasted 120 lines] ok"]);
    expect(type(made, "\r")).toEqual([`see: ${pasted} ok`]);
  });

  test("the cursor stands where the next character goes, in wide text and narrow windows", () => {
    const editor = new Editor();
    editor.insert("日本語の文");
    const view = promptLines(editor, { columns: 10, height: 5, hint: "" });
    expect(view.lines.map((line) => line.map((part) => part.text).join(""))).toEqual(["❯ 日本語", "  の文"]);
    expect(view.cursor).toEqual({ row: 1, cell: 6 });
  });

  test("random keys keep text, cursor and undo consistent", () => {
    const names = ["left", "right", "up", "down", "home", "end", "backspace", "delete", "tab", "a", "k", "u", "w", "y"];
    for (let seed = 1; seed <= 100; seed += 1) {
      const next = random(seed);
      const made = prompt(["old", "older one"]);
      for (let step = 0; step < 100; step += 1) {
        const name = names[Math.floor(next() * names.length)] ?? "a";
        const key: Key = {
          name,
          ctrl: next() < 0.3,
          alt: next() < 0.2,
          shift: false,
          text: name.length === 1 ? name : undefined,
        };
        if (next() < 0.2) made.editor.insert(["x y", "\n", "é", "日", "\u0301"][Math.floor(next() * 5)] ?? "");
        made.press({ type: "key", ...key });
        const { cursor, atoms, before, text } = made.editor;
        expect(cursor >= 0 && cursor <= atoms.length && text.startsWith(before)).toBe(true);
        const view = promptLines(made.editor, { columns: 12, height: 3, hint: "" });
        expect(view.lines.length).toBeLessThanOrEqual(3);
        expect(view.cursor.row >= 0 && view.cursor.row < view.lines.length).toBe(true);
      }
      for (let step = 0; step < 300; step += 1) made.editor.undo();
    }
  });
});
