// The painter against a terminal emulator, and the gate between foreign text and the screen.
import { describe, expect, test } from "bun:test";
import { Screen } from "../../../src/cli/terminal/screen.ts";
import { type Row, span, toRow } from "../../../src/cli/terminal/style.ts";
import { clean, fit, graphemeWidth, width } from "../../../src/cli/terminal/text.ts";
import { random } from "../../random.ts";
import { Emulator } from "./emulator.ts";

const row = (text: string): Row => toRow([span(text)], { color: true, links: true });
const terminal = (columns: number, rows: number) => new Emulator({ columns, rows, width: graphemeWidth });

const texts = [
  "",
  "a",
  "short",
  "日本語テキスト",
  "exactly ten",
  "👩‍👩‍👧 family",
  "e\u0301\u0302 marks",
  "x".repeat(20),
  "עברית",
];

describe("the painter", () => {
  test("random frames leave on the terminal what was settled, and then the live rows", () => {
    for (let seed = 1; seed <= 200; seed += 1) {
      const next = random(seed);
      const screen = new Screen(20);
      const emulator = terminal(20, 12);
      const settled: string[] = [];
      for (let frame = 0; frame < 30; frame += 1) {
        const pick = () => row(fit(texts[Math.floor(next() * texts.length)] ?? "", 20));
        const fresh = Array.from({ length: next() < 0.5 ? 0 : Math.floor(next() * 15) }, pick);
        const live = Array.from({ length: 1 + Math.floor(next() * 11) }, pick);
        const cursor = { row: Math.floor(next() * live.length), cell: Math.floor(next() * 20) };
        emulator.write(screen.draw({ settled: fresh, live, cursor }));
        settled.push(...fresh.map(plainText));
        const expected = [...settled, ...live.map(plainText)].map((line) => line.trimEnd());
        const shown = emulator.text;
        expect(shown.slice(0, expected.length)).toEqual(expected);
        expect(shown.slice(expected.length).join("")).toBe("");
        expect(emulator.row).toBe(settled.length + cursor.row);
        expect(emulator.column).toBe(cursor.cell);
        expect(emulator.wrapping && !emulator.hidden).toBe(true);
      }
    }
  });

  test("a frame that changes nothing writes nothing, and one that changes a row writes that row", () => {
    const screen = new Screen(20);
    const live = ["one", "two", "three"].map(row);
    const cursor = { row: 2, cell: 3 };
    screen.draw({ settled: [], live, cursor });
    expect(screen.draw({ settled: [], live, cursor })).toBe("");
    const next = screen.draw({ settled: [], live: ["one", "TWO", "three"].map(row), cursor });
    expect(next).toContain("TWO");
    expect(next).not.toContain("one");
    expect(next).not.toContain("three");
  });

  test("a narrower or wider window shows everything once", () => {
    for (const columns of [10, 13, 19, 21, 40]) {
      const screen = new Screen(20);
      const emulator = terminal(20, 12);
      const live = ["a line of 18 cells", "two", "❯ typed"].map(row);
      emulator.write(screen.draw({ settled: [row("final")], live, cursor: { row: 2, cell: 7 } }));
      emulator.resize(columns);
      emulator.write(screen.resize(columns));
      const after = ["rewrapped", "two", "❯ typed"].map(row);
      emulator.write(screen.draw({ settled: [], live: after, cursor: { row: 2, cell: 7 } }));
      expect(emulator.text.filter((line) => line !== "")).toEqual(["final", "rewrapped", "two", "❯ typed"]);
    }
  });

  test("the frame is one synchronized update", () => {
    const out = new Screen(20).draw({ settled: [row("x")], live: [row("y")], cursor: { row: 0, cell: 0 } });
    expect(out.startsWith("\x1b[?2026h")).toBe(true);
    expect(out.endsWith("\x1b[?2026l")).toBe(true);
  });
});

describe("text", () => {
  test.each([
    ["plain", 5],
    ["日本", 4],
    ["👩‍👩‍👧", 2],
    ["🇩🇪", 2],
    ["❤️", 2],
    ["❤", 1],
    ["1️⃣", 2],
    ["e\u0301", 1],
    ["한글", 4],
    ["ｱ", 1],
    ["Ａ", 2],
    ["\u200b", 0],
  ])("%j takes %d cells", (text, cells) => {
    expect(width(text)).toBe(cells);
  });

  test.each([
    ["\x1b[2J\x1b[Hhi", "hi"],
    ["\x1b]0;title\x07hi", "hi"],
    ["\x1b]52;c;ZXZpbA==\x1b\\hi", "hi"],
    ["\x1bPq#0\x1b\\hi", "hi"],
    ["\x9b31mhi\x9d0;t\x9c", "hi"],
    ["\x1b[31", ""],
    ["a\rb\bc\x07d", "a\nbcd"],
    ["a\u202eb\u2066c", "a\ufffdb\ufffdc"],
    ["a\u200e\u200b\ufeffb", "ab"],
    ["\tx\n12\ty", "    x\n12  y"],
    ["\ud800x", "\ufffdx"],
    ["👩‍👩‍👧 🏴󠁧󠁢󠁥󠁮󠁧󠁿", "👩‍👩‍👧 🏴󠁧󠁢󠁥󠁮󠁧󠁿"],
    ["x\u{e0041}\u{e0042}", "x"],
  ])("%j is cleaned to %j", (text, expected) => {
    expect(clean(text)).toBe(expected);
  });

  test("no text at all gets a control character through a row, whatever it is made of", () => {
    const pieces = [
      "\x1b",
      "[",
      "]",
      "0;",
      "\x07",
      "\x9b",
      "\x9c",
      "m",
      "2J",
      "\n",
      "\r",
      "P",
      "\\",
      "\u202e",
      "a",
      "\x1b[31m",
    ];
    for (let seed = 1; seed <= 2_000; seed += 1) {
      const next = random(seed);
      const text = Array.from({ length: 12 }, () => pieces[Math.floor(next() * pieces.length)]).join("");
      const link = `https://x/${text}`;
      const emulator = terminal(40, 5);
      const made = toRow([span(text), span(text, { bold: true, link })], { color: true, links: true });
      emulator.write(made.text);
      expect(emulator.links.every((one) => !/[^\x21-\x7e]/.test(one))).toBe(true);
    }
  });
});

/** A row without its attributes. */
function plainText({ text }: Row): string {
  return text.replaceAll(/\x1b\[[0-9;]*m/g, "");
}
