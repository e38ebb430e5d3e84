// The one markdown tree: what the adapters may rely on.
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { Lexer } from "marked";
import { fenceClosed, type Inline, parseMarkdown, parseSources, splitMarkdown } from "../../src/adapters/markdown.ts";
import { textOf } from "../../src/adapters/tree.ts";
import { limits } from "../../src/core/limits.ts";

describe("the markdown tree", () => {
  test("has blocks and inline pieces of our own, with entities decoded", () => {
    expect(parseMarkdown("## A &amp; **b**\n\ntext `x &lt;` [l](http://a/?q=1&amp;r) ![i](p.png)\\\nnext")).toEqual([
      {
        type: "heading",
        level: 2,
        children: [
          { type: "text", text: "A & " },
          { type: "strong", children: [{ type: "text", text: "b" }] },
        ],
      },
      {
        type: "paragraph",
        children: [
          { type: "text", text: "text " },
          { type: "code", text: "x &lt;" },
          { type: "text", text: " " },
          { type: "link", url: "http://a/?q=1&r", children: [{ type: "text", text: "l" }] },
          { type: "text", text: " " },
          { type: "image", url: "p.png", alt: "i" },
          { type: "break" },
          { type: "text", text: "next" },
        ],
      },
    ]);
  });

  test("lists, task lists, tables, code and quotes", () => {
    const [list, table, code, quote, rule] = parseMarkdown(
      "2. a\n3. [x] b\n\n| h | i |\n|:-|-:|\n| 1 | 2 |\n\n~~~sh -x\nls\n~~~\n\n> q\n\n***\n",
    );
    expect(list).toMatchObject({ type: "list", start: 2, items: [{ children: [{}] }, { checked: true }] });
    expect(table).toMatchObject({
      type: "table",
      align: ["left", "right"],
      header: [[{ text: "h" }], [{ text: "i" }]],
    });
    expect(code).toEqual({ type: "code", language: "sh", text: "ls", closed: true });
    expect(quote).toMatchObject({ type: "quote", children: [{ type: "paragraph" }] });
    expect(rule).toEqual({ type: "rule" });
  });

  test("HTML stays text, and an unclosed fence is not closed", () => {
    expect(parseMarkdown("<script>x</script>")).toEqual([
      { type: "paragraph", children: [{ type: "text", text: "<script>x</script>" }] },
    ]);
    expect(parseMarkdown("```\na")).toMatchObject([{ type: "code", closed: false }]);
    expect([fenceClosed("```\na\n```\n"), fenceClosed("````\na\n```\n"), fenceClosed("text")]).toEqual([
      true,
      false,
      true,
    ]);
  });

  test("the sources of the blocks add up to the text", () => {
    const text = "# a\r\n\npara\nmore\n\n- x\n  - y\n\n\n```\nz\n```\n[r]: http://a\n| a |\n|-|\n| b |\n";
    expect(
      splitMarkdown(text)
        .map((block) => block.raw)
        .join(""),
    ).toBe(text.replaceAll("\r\n", "\n"));
  });

  test("no text makes it throw", () => {
    for (const text of [
      "> ".repeat(20_000),
      "- ".repeat(20_000),
      "[".repeat(20_000),
      "\0",
      "\ud800",
      "&#x110000;&#0;",
    ]) {
      expect(parseMarkdown(text).length).toBeGreaterThan(0);
    }
  });
});

describe("long texts", () => {
  const numbered = <T>(count: number, line: (n: number) => T) => Array.from({ length: count }, (_, n) => line(n));

  test("a paragraph without end becomes several that the lexer takes one by one", () => {
    const lines = numbered(50_000, (n) => `line ${n}`);
    const nodes = parseMarkdown(lines.join("\n"));
    const texts = nodes.map((node) => textOf([node]));
    expect(texts.join("\n").split("\n")).toEqual(lines);
    const longest = Math.max(...texts.map((text) => text.split("\n").length));
    expect(longest).toBeLessThanOrEqual(limits.markdownChunkLines);
  });

  test("code, lists and tables are one block however long they are", () => {
    const code = numbered(20_000, (n) => `  line ${n}`).join("\n");
    expect(parseMarkdown(`\`\`\`js\n${code}\n\`\`\`\n`)).toEqual([
      { type: "code", language: "js", text: code, closed: true },
    ]);
    expect(parseMarkdown(`\`\`\`\n${code}`)).toMatchObject([{ type: "code", closed: false }]);
    const [list, ...behindList] = parseMarkdown(numbered(20_000, (n) => `${n + 1}. entry ${n}`).join("\n"));
    expect(behindList).toEqual([]);
    if (list?.type !== "list") throw new Error("no list");
    expect([list.start, list.items.length, textOf(list.items.at(-1)?.children ?? [])]).toEqual([
      1,
      20_000,
      "entry 19999",
    ]);
    const rows = numbered(20_000, (n) => `| ${n} | x |`).join("\n");
    const [table, ...behindTable] = parseMarkdown(`| a | b |\n|---|---|\n${rows}\n`);
    expect(behindTable).toEqual([]);
    if (table?.type !== "table") throw new Error("no table");
    const cells: Inline[][] = numbered(20_000, (n) => [{ type: "text", text: `${n}` }]);
    expect(table.rows.map(([cell]) => cell ?? [])).toEqual(cells);
  });

  test("headings by a line below are what the library makes of them", () => {
    for (const text of [
      "a\n===",
      "a\nb\n  --\nc",
      "a\n\n---\n",
      "a\n \t\n===\n",
      "a\n=== x",
      "- a\n  ---\n",
      "> a\n> ===\n",
    ]) {
      const theirs = new Lexer({ gfm: true }).lex(text);
      expect(parseSources(text).map(({ raw }) => raw)).toEqual(theirs.map(({ raw }) => raw));
      const headings = theirs.filter(({ type }) => type === "heading").length;
      expect(parseMarkdown(text).filter(({ type }) => type === "heading").length).toBe(headings);
    }
    expect(parseMarkdown("a\nb\n---")[0]).toMatchObject({ type: "heading", level: 2 });
  });

  test("headings by a line below keep it, wherever a piece ends", () => {
    const nodes = parseMarkdown("a\n-\n".repeat(20_000));
    expect(nodes.length).toBe(20_000);
    expect(new Set(nodes.map(({ type }) => type))).toEqual(new Set(["heading"]));
  });

  test("of a growing text only the start is looked at", () => {
    const raw = splitMarkdown("- a\n\nb\n".repeat(50_000))
      .map((block) => block.raw)
      .join("");
    expect(raw.split("\n").length - 1).toBe(limits.markdownChunkLines);
    const paragraph = splitMarkdown("word ".repeat(50_000));
    expect(paragraph.map((block) => block.raw.length)).toEqual([limits.markdownChunkChars]);
  });

  test("a paragraph may be a small one", () => {
    const text = (value: string) => ({ type: "text" as const, text: value });
    expect(parseMarkdown("-# `ls` · done\n\nSaid -# so\n\n-#none")).toEqual([
      { type: "paragraph", small: true, children: [{ type: "code", text: "ls" }, text(" · done")] },
      { type: "paragraph", children: [text("Said -# so")] },
      { type: "paragraph", children: [text("-#none")] },
    ]);
  });

  test("no text takes long", async () => {
    // In a process of its own, because what is tested here never came back.
    const child = Bun.spawn([process.execPath, join(import.meta.dir, "long-texts.ts")], { stdout: "pipe" });
    const timer = setTimeout(() => child.kill("SIGKILL"), 50_000);
    const out = await new Response(child.stdout).text();
    clearTimeout(timer);
    expect(out).toBe("all\n");
  }, 60_000);
});
