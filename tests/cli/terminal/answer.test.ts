// An answer in pieces must end as the same lines as at once, and cost no more the longer it gets.
import { describe, expect, test } from "bun:test";
import { parseMarkdown } from "../../../src/adapters/markdown.ts";
import { Answer } from "../../../src/cli/terminal/answer.ts";
import { renderNodes } from "../../../src/cli/terminal/render.ts";
import { type Line, lineWidth, toRow } from "../../../src/cli/terminal/style.ts";
import { limits } from "../../../src/core/limits.ts";
import { random } from "../../random.ts";

const text = (lines: readonly Line[]) =>
  lines.map((line) =>
    line
      .map((part) => part.text)
      .join("")
      .trimEnd(),
  );

const sample = `# Title

A paragraph with **bold**, *italic*, \`code\` and a [link](https://example.com/a).
It goes on here &amp; there.

- one
- two
  - nested
  - more

  still two
- three

1. first
2. second

> quoted **text**
> goes on

| name | value |
|:-----|------:|
| a    | 1     |
| 日本 | 22    |

\`\`\`ts
const a = 1;

  indented();
\`\`\`

---

The end.
`;

/** Feeds `source` in random pieces, drawing after each; gives the final lines and checks what was drawn between. */
function stream(source: string, options: { width: number; seed: number }): string[] {
  const next = random(options.seed);
  const answer = new Answer();
  const lines: Line[] = [];
  const draw = { width: options.width, links: false };
  for (let at = 0; at < source.length; ) {
    const size = 1 + Math.floor(next() * next() * 40);
    answer.push(source.slice(at, at + size));
    at += size;
    lines.push(...answer.take(draw));
    for (const line of answer.rest(draw)) expect(lineWidth(line)).toBeLessThanOrEqual(options.width);
  }
  lines.push(...answer.take(draw, true));
  expect(answer.empty).toBe(true);
  return text(lines);
}

const oneShot = (source: string, width: number) => text(renderNodes(parseMarkdown(source), { width, links: false }));

describe("an answer that forms", () => {
  test.each([
    ["a paragraph", "", (n: number) => `line ${n}`],
    ["an entry of a list", "- entry\n", (n: number) => `  line ${n}`],
    ["a list", "", (n: number) => `- line ${n}`],
    ["a quotation", "", (n: number) => `> line ${n}`],
  ])("shows all of %s of 20,000 lines that comes at once", (_name, head, line) => {
    const answer = new Answer();
    const draw = { width: 40, links: false };
    answer.push(head + Array.from({ length: 20_000 }, (_, n) => `${line(n)}\n`).join(""));
    const lines = answer.take(draw);
    // What is left to be drawn again and again is no more than the lexer takes at once.
    expect(answer.rest(draw).length).toBeLessThanOrEqual(2 * limits.markdownChunkLines);
    lines.push(...answer.take(draw, true));
    const numbers = text(lines).flatMap((one) => [...one.matchAll(/\d+/g)].map(Number));
    expect(numbers).toEqual(Array.from({ length: 20_000 }, (_, n) => n));
  });

  test.each([20, 40, 80])("is the same in pieces as at once at width %d", (width) => {
    const whole = oneShot(sample, width);
    for (let seed = 1; seed <= 15; seed += 1) expect(stream(sample, { width, seed })).toEqual(whole);
  });

  test("is the same for random documents", () => {
    for (let seed = 1; seed <= 60; seed += 1) {
      const source = randomDocument(seed);
      expect({ seed, lines: stream(source, { width: 50, seed }) }).toEqual({ seed, lines: oneShot(source, 50) });
    }
  });

  test("gives the lines of an open code block one by one", () => {
    const answer = new Answer();
    answer.push("```sh\nfirst\nsecond\nthi");
    expect(text(answer.take({ width: 40, links: false }))).toEqual(["╭─ sh", "first", "second"]);
    expect(text(answer.rest({ width: 40, links: false }))).toEqual(["thi"]);
    expect(text(answer.take({ width: 40, links: false }, true))).toEqual(["thi", "╰──"]);
  });

  test("closes marks that are still open while they form", () => {
    const answer = new Answer();
    answer.push("some **bold te");
    expect(text(answer.rest({ width: 40, links: false }))).toEqual(["some bold te"]);
  });

  test("keeps a paragraph without end bounded", () => {
    const answer = new Answer();
    const lines: Line[] = [];
    const began = performance.now();
    for (let index = 0; index < 10_000; index += 1) {
      answer.push(`word${index} `);
      lines.push(...answer.take({ width: 60, links: false }));
    }
    lines.push(...answer.take({ width: 60, links: false }, true));
    expect(text(lines).join(" ").split(/\s+/)).toHaveLength(10_000);
    expect(performance.now() - began).toBeLessThan(4_000);
  });

  test("a table without end is cut and goes on under its head", () => {
    const answer = new Answer();
    const lines: Line[] = [];
    answer.push("| name | value |\n|---|---|\n");
    for (let index = 0; index < 2_000; index += 1) {
      answer.push(`| row ${index} | some text |\n`);
      if (index % 50 === 0) lines.push(...answer.take({ width: 60, links: false }));
    }
    lines.push(...answer.take({ width: 60, links: false }, true));
    const all = text(lines);
    expect(all.filter((line) => /^row \d+ +│ some text$/.test(line))).toHaveLength(2_000);
    expect(all.filter((line) => /^name +│ value$/.test(line)).length).toBeGreaterThan(1);
  });

  test("hostile texts end, keep their width and leave no control character", () => {
    const hostile = ["> ".repeat(5_000), "[".repeat(5_000), "*a **b ".repeat(800), "- ".repeat(3_000), "`".repeat(999)];
    for (const one of [...hostile, "\x1b]0;title\x07\x1b[2J\u202eevil\x9b31m", "&#27;[2J&#x9b;2J"]) {
      const answer = new Answer();
      answer.push(one);
      const lines = [...answer.take({ width: 30, links: true }), ...answer.take({ width: 30, links: true }, true)];
      for (const line of lines) {
        expect(lineWidth(line)).toBeLessThanOrEqual(30);
        expect(toRow(line, { color: false, links: false }).text).not.toMatch(/\p{Cc}|[\u202a-\u202e]/u);
      }
    }
  });
});

/** Blocks in random order; none that refers to another one. */
function randomDocument(seed: number): string {
  const next = random(seed * 7919);
  const words = [
    "alpha",
    "**beta**",
    "`gamma`",
    "*delta*",
    "日本語",
    "😀👩‍👩‍👧",
    "e\u0301a",
    "שלום",
    "[x](http://y.z)",
    "1.",
    "a_b",
  ];
  const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)] as T;
  const phrase = () => Array.from({ length: 1 + Math.floor(next() * 12) }, () => pick(words)).join(" ");
  const blocks: (() => string)[] = [
    phrase,
    () => `${phrase()}\n${phrase()}`,
    () => `${"#".repeat(1 + Math.floor(next() * 4))} ${phrase()}`,
    () => ["a", "b", "c"].map(() => `- ${phrase()}`).join("\n"),
    () => `- ${phrase()}\n  - ${phrase()}\n    1. ${phrase()}\n- ${phrase()}\n\n  ${phrase()}\n- ${phrase()}`,
    () => ["1", "2", "3"].map((n) => `${n}. ${phrase()}`).join("\n"),
    () => `> ${phrase()}\n> - ${phrase()}`,
    () => `| ${phrase()} | b |\n|---|:-:|\n| ${phrase()} | ${phrase()} |\n| x | y |`,
    () => `\`\`\`${pick(["", "ts", "sh"])}\n${phrase()}\n\n  ${phrase()}\n\`\`\``,
    () => `~~~\n\`\`\`\n${phrase()}\n~~~`,
    () => "---",
    () => `<b>${phrase()}</b>`,
  ];
  return `${Array.from({ length: 8 }, () => pick(blocks)()).join("\n\n")}\n`;
}
