// Markdown → Telegram: what typical answers become, and what holds for every text.
import { describe, expect, test } from "bun:test";
import { parseMarkdown } from "../../../src/adapters/markdown.ts";
import { width } from "../../../src/adapters/table.ts";
import { type Part, render, renderCaption, renderForming } from "../../../src/adapters/telegram/format.ts";
import { isBlank } from "../../../src/adapters/telegram/html.ts";
import { legal } from "../../../src/adapters/telegram/legal.ts";
import { textOf } from "../../../src/adapters/tree.ts";
import { nastyMarkdown, wordsOf } from "../nasty.ts";
import { checkHtml } from "./check-html.ts";

/** The one message that `markdown` becomes. */
function one(markdown: string): Part {
  const { parts, rest } = render(markdown);
  expect([parts.length, rest]).toEqual([1, ""]);
  return parts[0] ?? { html: "", plain: "" };
}

const html = (markdown: string) => one(markdown).html;

/** What must hold for each message; returns its text. */
function checkPart(part: Part, units = 4096): string {
  const { text, entities } = checkHtml(part.html);
  expect(text.length).toBeLessThanOrEqual(units);
  expect(part.plain.length).toBeLessThanOrEqual(units);
  expect(Buffer.byteLength(part.html)).toBeLessThanOrEqual(32 * 1024);
  expect(entities).toBeLessThanOrEqual(100);
  expect(isBlank(text) || isBlank(part.plain)).toBe(false);
  expect(text).toBe(text.trimEnd());
  return text;
}

describe("typical answers", () => {
  test("marks of a line, escaped text, headings", () => {
    expect(html("# A & B\n\n**bold** *it* ~~s~~ `x<y` ***both*** a\\*b <script>")).toBe(
      "<b>A &amp; B</b>\n\n<b>bold</b> <i>it</i> <s>s</s> <code>x&lt;y</code> <b><i>both</i></b> a*b &lt;script&gt;",
    );
  });

  test("code stands alone: what surrounds it is closed and opened again", () => {
    expect(html("**run `ls -l` now**")).toBe("<b>run </b><code>ls -l</code><b> now</b>");
    expect(html("## The `x` option")).toBe("<b>The </b><code>x</code><b> option</b>");
    expect(html("[`a`](http://e.org)")).toBe('<a href="http://e.org">a</a>');
    expect(html("**a **b** c**")).toBe("<b>a b c</b>");
  });

  test("code blocks keep their language and their indentation", () => {
    expect(html("```ts\n  if (a < b) {}\n```")).toBe('<pre><code class="language-ts">  if (a &lt; b) {}</code></pre>');
    expect(html('```"><b\nx\n```')).toBe("<pre>x</pre>");
    expect(html("Run:\n\n```\nls\n```\n\nDone.")).toBe("Run:\n<pre>ls</pre>\nDone.");
    expect(html("a\n\n```\n\n```\n\nb")).toBe("a\nb");
  });

  test("lists: numbers, bullets by depth, tasks, code in an entry", () => {
    expect(html("3. a\n4. b\n   - c\n     - d\n       - e\n\n     f\n- [x] done\n- [ ] open\n1. [x] n")).toBe(
      "3. a\n4. b\n    ◦ c\n        ▪ d\n            ▪ e\n        f\n\n☑ done\n☐ open\n\n1. ☑ n",
    );
    expect(html("1. run\n   ```sh\n   ls\n   ```\n2. ```\n   x\n   ```\n-\n- - a")).toBe(
      '1. run\n<pre><code class="language-sh">ls</code></pre>\n2. \n<pre>x</pre>\n\n• \n• ◦ a',
    );
  });

  test("quotes: inner ones marked as in a letter, long ones folded", () => {
    expect(html("> a\n>\n> b\n> > c\n> > d\n\nafter")).toBe("<blockquote>a\n\nb\n&gt; c\n&gt; d</blockquote>\nafter");
    expect(html(`> ${"word ".repeat(200)}`)).toStartWith("<blockquote expandable>word word");
    expect(html("> - a\n> - **b**")).toBe("<blockquote>• a\n• <b>b</b></blockquote>");
    expect(html("- > q\n- x")).toBe("• \n<blockquote>q</blockquote>\n• x");
    expect(html("> a\n\n<!-- -->\n\n> b")).toContain("</blockquote>\n&lt;!-- --&gt;\n<blockquote>");
  });

  test("links: schemes that Telegram takes, the others as text; pictures as links", () => {
    expect(html('[a](https://e.org/?x=1&y="2"<3>)')).toContain('href="https://e.org/?x=1&amp;y=&quot;2&quot;');
    expect(html("[me](tg://user?id=1) <https://e.org>")).toBe(
      '<a href="tg://user?id=1">me</a> <a href="https://e.org">https://e.org</a>',
    );
    expect(html("[a](javascript:alert(1)) [b](./x.md) [w](mailto:a@b.c) <a@b.c> [](http://) [](x)")).toBe(
      "a (javascript:alert(1)) b (./x.md) w (a@b.c) a@b.c http:// x",
    );
    expect(html("![a cat](https://e.org/c.png) ![](c.png)")).toBe(
      '<a href="https://e.org/c.png">🖼 a cat</a> 🖼 image (c.png)',
    );
    expect(one("[a](https://e.org) <https://x.org> [**b** c](http://e.org/2)").plain).toBe(
      "a (https://e.org) https://x.org b c (http://e.org/2)",
    );
    expect(html(`[a](http://e.org/${"x".repeat(3000)})`)).toStartWith("a (http://e.org/xxx");
  });

  test("a narrow table has aligned columns, also with wide characters", () => {
    expect(html("| a | n |\n|---|--:|\n| 你好 | 1 |\n| 👍🏽 & | 22 |\n| e\u0301 |")).toBe(
      "<pre>a    │  n\n─────┼───\n你好 │  1\n👍🏽 &amp; │ 22\ne\u0301    │</pre>",
    );
    expect(html("x\n\n| a |\n|:-:|\n| abc |")).toBe("x\n<pre> a\n───\nabc</pre>");
    expect([width("abc"), width("你"), width("👩‍👩‍👧‍👦"), width("e\u0301"), width("\u200b"), width("🇩🇪")]).toEqual([
      3, 2, 2, 1, 0, 2,
    ]);
  });

  test("a wide table is one record a row", () => {
    const long = "a description that no phone shows in a line";
    expect(html(`| Name | What |  |\n|-|-|-|\n| one | ${long} | z |\n| two | | |\n| | | |`)).toBe(
      `<b>Name:</b> one\n<b>What:</b> ${long}\nz\n\n<b>Name:</b> two`,
    );
    expect(html("| A | B |\n|-|-|\n| [x](http://e.org) | 1 |")).toBe(
      '<b>A:</b> <a href="http://e.org">x</a>\n<b>B:</b> 1',
    );
    expect(html(`| ${long} | ${long} |\n|-|-|`)).toBe(`<b>${long}</b>\n<b>${long}</b>`);
  });

  test("rules, line breaks, and text that is no text", () => {
    expect(html("a\n\n---\n\nb  \nc\nd")).toBe("a\n\n──────────\n\nb\nc\nd");
    expect(html("a\u202eb\u2066c\u0000d\u001b[1me\ud800 \u200f\u05e9")).toBe("abcd[1me\ufffd \u200f\u05e9");
    for (const blank of ["", " \n\t\n", "\u200b\u200d\ufeff", "```\n\n```", "\u2800 \u3164"]) {
      expect(render(blank)).toEqual({ parts: [], rest: "" });
      expect([renderForming(blank), renderCaption(blank)]).toEqual([null, null]);
    }
  });
});

describe("long answers", () => {
  test("parts end between blocks, and keep a heading with its text", () => {
    const block = (n: number) => `## Part ${n}\n\n${`Sentence ${n}. `.repeat(100)}`;
    const { parts } = render([1, 2, 3, 4, 5, 6].map(block).join("\n\n"));
    expect(parts.length).toBe(2);
    for (const part of parts) expect(checkPart(part)).toMatch(/^Part \d\n\n[\s\S]*\.$/);
  });

  test("a code block is closed and opened again with its language, at the end of a line", () => {
    const code = Array.from({ length: 400 }, (_, n) => `    line ${n} of <code>`).join("\n");
    const { parts } = render(`Here:\n\n\`\`\`py\n${code}\n\`\`\`\n\nDone.`);
    expect(parts.length).toBeGreaterThan(2);
    const lines = parts.flatMap((part) => checkPart(part).split("\n"));
    expect(lines).toEqual(["Here:", ...code.split("\n"), "Done."]);
    for (const { html: text } of parts.slice(1)) expect(text).toStartWith('<pre><code class="language-py">    line');
  });

  test("a long table repeats its head, a long list goes on with its numbers", () => {
    const rows = Array.from({ length: 500 }, (_, n) => `| ${n} | value ${n} |`).join("\n");
    const tables = render(`| id | v |\n|-|-|\n${rows}`);
    for (const part of tables.parts) expect(checkPart(part)).toMatch(/^id +│ v\n─+┼─+\n\d+ +│ value/);
    const list = render(Array.from({ length: 90 }, (_, n) => `${n + 1}. ${"item text ".repeat(10)}`).join("\n"));
    const texts = list.parts.map((part) => checkPart(part)).join("\n");
    expect([...(texts.match(/^\d+\./gm) ?? [])]).toEqual(Array.from({ length: 90 }, (_, n) => `${n + 1}.`));
  });

  test("an entry that is divided has its marker once", () => {
    const { parts } = render(`7. ${"long words. ".repeat(600)}\n8. end`);
    const text = parts.map((part) => checkPart(part)).join("\n");
    expect(text.match(/^\s*\d+\./gm)).toEqual(["7.", "8."]);
  });

  test("formatting stays within what the server takes: stretches, addresses, bytes", () => {
    for (const piece of ["**b** x ", `[l](http://e.org/${"u".repeat(1500)}) `, "&<>😀你 ", "`c` *i* "]) {
      const { parts } = render(piece.repeat(600));
      for (const part of parts) checkPart(part);
      for (const { html: text } of parts) {
        const addresses = text.match(/href="[^"]*"/g)?.join("").length ?? 0;
        expect(addresses).toBeLessThan(8_000);
      }
    }
  });

  test("what is too much is handed back as markdown that goes on", () => {
    const text = Array.from({ length: 3_000 }, (_, n) => `Paragraph w${n} has *some* words to say.`).join("\n\n");
    const { parts, rest } = render(text);
    expect(parts.length).toBe(10);
    expect(text.endsWith(rest)).toBe(true);
    const shown = parts.flatMap((part) => wordsOf(checkPart(part)));
    expect([...new Set([...shown, ...wordsOf(rest)])]).toEqual(wordsOf(text));
    const code = render(`\`\`\`js\n${"call(argument);\n".repeat(10_000)}\`\`\`\n`);
    expect(code.rest).toStartWith("```js\ncall(argument);\n");
    expect(render(text, { partsMax: 2 }).parts.length).toBe(2);
  });

  test("captions: a kilobyte of text, or none", () => {
    expect(renderCaption("**a** [b](http://e.org)")?.html).toBe('<b>a</b> <a href="http://e.org">b</a>');
    const full = renderCaption(`**${"x".repeat(1024)}**`);
    expect(checkPart(full ?? { html: "", plain: "" }, 1024).length).toBe(1024);
    expect(renderCaption("x".repeat(1025))).toBeNull();
    expect(renderCaption("😀".repeat(512))?.plain.length).toBe(1024);
  });
});

describe("a forming answer", () => {
  test("marks that are open are closed", () => {
    const cases: [string, string][] = [
      ["Hello **wor", "Hello <b>wor</b>"],
      ["Hello **", "Hello"],
      ["run `ls -", "run <code>ls -</code>"],
      ["a *b **c", "a <i>b </i><b><i>c</i></b>"],
      ["a ~~b", "a <s>b</s>"],
      ["see [the do", "see the do"],
      ["see [the docs](https://e.o", "see the docs"],
      ["```js\nlet a = **1", '<pre><code class="language-js">let a = **1</code></pre>'],
      ["- **x", "• <b>x</b>"],
      ["done **a** b", "done <b>a</b> b"],
      ["snake_case_na", "snake_case_na"],
      ["2 * 3 * 4", "2 * 3 * 4"],
    ];
    for (const [source, expected] of cases) expect(renderForming(source)?.html).toBe(expected);
  });

  test("of a long one the end is shown, and an open code block is still one", () => {
    const text = Array.from({ length: 2_000 }, (_, n) => `Line w${n} of the **answer**.`).join("\n\n");
    const part = renderForming(text) ?? { html: "", plain: "" };
    const shown = checkPart(part);
    expect(shown).toMatch(/^…\n\n/);
    expect(wordsOf(shown)).toEqual(wordsOf(text).slice(-wordsOf(shown).length));
    expect(wordsOf(shown).length).toBeGreaterThan(40);
    const code = renderForming(`Look:\n\n\`\`\`sh\n${"echo hello world\n".repeat(2_000)}echo w1`) ?? part;
    expect(code.html).toMatch(/^…\n<pre><code class="language-sh">echo hello world\n[\s\S]*\necho w1<\/code><\/pre>$/);
    expect(checkPart(code).length).toBeGreaterThan(3_900);
    for (const mark of ["x", "*", "> ", "\ud83d", "e\u0301", "[a](", "| "])
      checkPart(renderForming(mark.repeat(100_000)) ?? part);
  });

  test("every beginning of a nasty text is one valid message", () => {
    for (let seed = 0; seed < 20; seed += 1) {
      const text = nastyMarkdown(seed, 12);
      for (let at = 0; at <= text.length; at += 1 + Math.floor(text.length / 60)) {
        const part = renderForming(text.slice(0, at));
        if (part !== null) checkPart(part);
      }
    }
  });
});

describe("whatever comes", () => {
  test("parts are valid, bounded, not blank, and lose no word", () => {
    for (let seed = 100; seed < 220; seed += 1) {
      const text = nastyMarkdown(seed, 5 + (seed % 40)).slice(0, 16_000);
      const { parts, rest } = render(text, { partsMax: 1_000 });
      expect(rest).toBe("");
      const shown = parts.map((part) => checkPart(part)).join("\n");
      const missing = new Set(wordsOf(textOf(legal(parseMarkdown(text)))));
      for (const word of wordsOf(shown)) missing.delete(word);
      expect([seed, ...missing]).toEqual([seed]);
    }
  });

  test("also of texts beyond one chunk", () => {
    for (let seed = 0; seed < 6; seed += 1) {
      for (const part of render(nastyMarkdown(seed, 1_500)).parts) checkPart(part);
    }
  });

  test("a hundred thousand of anything", () => {
    for (const mark of [
      "*",
      "_",
      "`",
      "[",
      "](",
      "> ",
      "- ",
      "~",
      "<",
      "&",
      "|",
      "\n",
      "#",
      "a",
      "\u0301",
      "😀",
      "\ud800",
      "a* ",
      "**a ",
      "1. ",
    ]) {
      const { parts } = render(mark.repeat(100_000));
      for (const part of parts) checkPart(part);
      expect(parts.length).toBeLessThanOrEqual(10);
    }
  });

  test("deep nesting is shown", () => {
    const list = Array.from({ length: 100 }, (_, depth) => `${"  ".repeat(depth)}- w${depth}`).join("\n");
    const quote = `${"> ".repeat(200)}w1`;
    const strong = "**a *b ".repeat(1_500);
    for (const text of [list, quote, strong, `${list}\n\n${quote}`]) {
      for (const part of render(text).parts) checkPart(part);
    }
    expect(
      wordsOf(
        render(list)
          .parts.map(({ plain }) => plain)
          .join("\n"),
      ).length,
    ).toBe(100);
  });
});
