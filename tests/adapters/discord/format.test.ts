// Markdown in Discord's dialect: what it lacks is readable, what it has is used, and no message is too long.
import { expect, test } from "bun:test";
import { contentMax, render, renderCaption, renderForming } from "../../../src/adapters/discord/format.ts";
import { parseMarkdown } from "../../../src/adapters/markdown.ts";
import { textOf } from "../../../src/adapters/tree.ts";
import { nastyMarkdown } from "../nasty.ts";

test.each([
  ["plain **bold** *it* ~~no~~ `code`", "plain **bold** *it* ~~no~~ `code`"],
  ["# One\n\n## Two\n\n### Three\n\n#### Four", "# One\n## Two\n### Three\n**Four**"],
  ["a_b_c 2*3 | x ~ `", "a\\_b\\_c 2\\*3 \\| x \\~ \\`"],
  [
    "[words](https://example.com/a_b) https://example.com/c_d",
    "[words](<https://example.com/a_b>) <https://example.com/c_d>",
  ],
  ["[https://good.example](https://evil.example)", "https://good.example (<https://evil.example/>)"],
  ["[run](javascript:alert(1))", "run"],
  ["![chart](https://example.com/c.png)", "[chart](<https://example.com/c.png>)"],
  ["<@123> <#5> @everyone", "\\<@123> \\<#5> @everyone"],
  ["- a\n- b\n  - c\n\n1. x\n2. y", "- a\n- b\n  - c\n\n1. x\n2. y"],
  ["- [x] done\n- [ ] open", "- ☑ done\n- ☐ open"],
  ["> one\n> > two", "> one\n> \n> ▏ two"],
  ["\\# no\n\n1\\. no\n\n\\- no", "\\# no\n\n1\\. no\n\n\\- no"],
  ["```ts\nconst a = 1;\n```", "```ts\nconst a = 1;\n```"],
  ["````md\n```\nx\n```\n````", "```md\n`\u200b`\u200b`\nx\n`\u200b`\u200b`\n```"],
  ["``a`b``", "`` a`b ``"],
  ["| a | b |\n|---|--:|\n| 1 | 22 |", "```\na │  b\n──┼───\n1 │ 22\n```"],
  ["---", "──────────"],
])("%p", (markdown, shown) => {
  expect(render(markdown)).toEqual([shown]);
});

test("a table that a phone would break is a list of its rows", () => {
  const cell = "a rather long cell of many words";
  const [text] = render(`| name | what | why |\n|---|---|---|\n| one | ${cell} | ${cell} |\n| two | x | |`);
  expect(text).toBe(`- **one**\n  what: ${cell}\n  why: ${cell}\n- **two**\n  what: x`);
});

test("what tools did stands in small", () => {
  expect(render("-# `ls` · `make` (failed)\n\nDone")).toEqual(["-# `ls` · `make` (failed)\n\nDone"]);
});

test("a long code block is whole in each message", () => {
  const parts = render(`Before\n\n\`\`\`js\n${"const answer = 42;\n".repeat(400)}\`\`\`\n\nafter`);
  expect(parts.length).toBeGreaterThan(3);
  for (const part of parts) {
    expect(part.length).toBeLessThanOrEqual(contentMax);
    expect((part.match(/^```/gm) ?? []).length % 2).toBe(0);
  }
  expect(parts.join("").match(/const answer = 42;/g)).toHaveLength(400);
});

test("no text is lost, whatever is cut", () => {
  const words = (text: string) => text.replace(/[^\p{L}\p{N}]+/gu, "");
  const markdown = Array.from(
    { length: 120 },
    (_, index) => `Paragraph ${index} has **some** words and \`code\`.`,
  ).join("\n\n");
  expect(words(render(markdown).join(""))).toBe(words(textOf(parseMarkdown(markdown))));
});

test("more than so many messages are cut off there", () => {
  expect(render("x ".repeat(50_000), { partsMax: 3 })).toHaveLength(3);
});

test.each(Array.from({ length: 60 }, (_, seed) => [seed] as const))("nothing breaks it: seed %i", (seed) => {
  const text = nastyMarkdown(seed, 40);
  for (const part of [...render(text), renderForming(text) ?? "-", renderCaption(text)]) {
    expect(part.length).toBeLessThanOrEqual(contentMax);
    expect(part.isWellFormed()).toBe(true);
  }
});

test("an answer that forms closes what is open, and shows the end of a long one", () => {
  expect(renderForming("")).toBeUndefined();
  expect(renderForming("so **bol")).toBe("so **bol**");
  expect(renderForming("```js\nlet a")).toBe("```js\nlet a\n```");
  const long = renderForming(`${"word ".repeat(2_000)}end`) ?? "";
  expect(long.startsWith("…")).toBe(true);
  expect(long.endsWith("end")).toBe(true);
  expect(long.length).toBeLessThanOrEqual(contentMax);
});
