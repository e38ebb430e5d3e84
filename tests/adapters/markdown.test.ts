// The one markdown tree: what the adapters may rely on.
import { describe, expect, test } from "bun:test";
import { fenceClosed, parseMarkdown, splitMarkdown } from "../../src/adapters/markdown.ts";

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
