// The fake Telegram reads marked-up text as strictly as the real one.
import { describe, expect, test } from "bun:test";
import { tidied, withFound } from "./entities.ts";
import { parseHtml } from "./html.ts";
import { parseMarkdownV2 } from "./markdown-v2.ts";

describe("HTML", () => {
  test.each([
    ["<br>", 'Unsupported start tag "br" at byte offset 0'],
    ["a < b", 'Unsupported start tag "" at byte offset 2'],
    ["é <p>x</p>", 'Unsupported start tag "p" at byte offset 3'],
    ["<b/>", 'Unsupported start tag "b/" at byte offset 0'],
    ["x <b", "Unclosed start tag at byte offset 2"],
    ["<a href", 'Unclosed start tag "a" at byte offset 0'],
    ['<a href="x"', "Unclosed start tag at byte offset 0"],
    ['<a ="x">y</a>', 'Empty attribute name in the tag "a" at byte offset 0'],
    ["<a href=x/>y</a>", "Unexpected end of name token at byte offset 8"],
    ["<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'],
    ["x</b>", "Unexpected end tag at byte offset 1"],
    ["<b>x</b", "Unclosed end tag at byte offset 4"],
    ["<b>x</i>", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'],
    ["<b><i>x</b></i>", 'Unmatched end tag at byte offset 7, expected "</i>", found "</b>"'],
    ["<b>x", 'Can\'t find end tag corresponding to start tag "b"'],
    ['<tg-emoji emoji-id="x">y</tg-emoji>', "Invalid custom emoji identifier specified"],
  ])("refuses %s", (html, what) => {
    expect(() => parseHtml(html)).toThrow(`Bad Request: can't parse entities: ${what}`);
  });

  test("knows four names and all numbers, with or without the semicolon", () => {
    expect(parseHtml("&lt;&gt;&amp;&quot;&#65;&#x42;&lt &nbsp; & &#0;").text).toBe('<>&"AB< &nbsp; & &#0;');
  });

  test("refuses half a character by number", () => {
    expect(() => parseHtml("&#xD800;")).toThrow("can't parse entities");
  });

  test("marks parts in UTF-16 units, inner ones too", () => {
    expect(parseHtml("🙂 <b>a <i>b</i></b> <s>x</s>")).toEqual({
      text: "🙂 a b x",
      entities: [
        { type: "italic", offset: 5, length: 1 },
        { type: "bold", offset: 3, length: 3 },
        { type: "strikethrough", offset: 7, length: 1 },
      ],
    });
  });

  test("a block of code may name its language", () => {
    expect(parseHtml('<pre><code class="language-ts">x</code></pre> <code>y</code>').entities).toEqual([
      { type: "pre", offset: 0, length: 1, language: "ts" },
      { type: "code", offset: 2, length: 1 },
    ]);
  });

  test("links, people, quotations and spoilers", () => {
    const html =
      '<a href="https://example.com/?a=1&amp;b=2">l</a><a href="tg://user?id=5">p</a><blockquote expandable>q</blockquote><tg-spoiler>s</tg-spoiler>';
    expect(parseHtml(html).entities).toEqual([
      { type: "text_link", offset: 0, length: 1, url: "https://example.com/?a=1&b=2" },
      { type: "text_mention", offset: 1, length: 1, user: { id: 5 } },
      { type: "expandable_blockquote", offset: 2, length: 1 },
      { type: "spoiler", offset: 3, length: 1 },
    ]);
  });

  test("a link that leads nowhere becomes text", () => {
    expect(parseHtml('<a href="javascript:x">l</a><a href="http://localhost/">m</a>')).toEqual({
      text: "lm",
      entities: [],
    });
  });
});

describe("MarkdownV2", () => {
  test("pairs, code and links", () => {
    expect(parseMarkdownV2("*b _i_* `c\\`` [l](https://example.com/\\)) ||s|| 1\\.")).toEqual({
      text: "b i c` l s 1.",
      entities: [
        { type: "italic", offset: 2, length: 1 },
        { type: "bold", offset: 0, length: 3 },
        { type: "code", offset: 4, length: 2 },
        { type: "text_link", offset: 7, length: 1, url: "https://example.com/)" },
        { type: "spoiler", offset: 9, length: 1 },
      ],
    });
  });

  test("a block of code, a quotation of two lines", () => {
    expect(parseMarkdownV2("```ts\nx\n```\n>a\n>b").entities).toEqual([
      { type: "pre", offset: 0, length: 2, language: "ts" },
      { type: "blockquote", offset: 3, length: 3 },
    ]);
  });

  test.each([
    ["1.", "Character '.' is reserved and must be escaped with the preceding '\\'"],
    ["*x", "Can't find end of Bold entity at byte offset 0"],
    ["`x", "Can't find end of Code entity at byte offset 0"],
    ["[x]y", "Can't find end of a URL at byte offset 2"],
  ])("refuses %s", (source, what) => {
    expect(() => parseMarkdownV2(source)).toThrow(`can't parse entities: ${what}`);
  });
});

describe("plain text", () => {
  test("the server finds commands, names, links and tags, but not inside code", () => {
    const text = "/start@a_bot see https://example.com/a. mail a@b.org #tag @someone /x";
    const found = withFound({ text, entities: [{ type: "code", offset: text.length - 2, length: 2 }] }).entities;
    expect(found.map(({ type, offset, length }) => `${type} ${text.slice(offset, offset + length)}`)).toEqual([
      "bot_command /start@a_bot",
      "url https://example.com/a",
      "email a@b.org",
      "hashtag #tag",
      "mention @someone",
      "code /x",
    ]);
  });

  test("a path is no command", () => {
    expect(withFound({ text: "see /usr/bin and a/b", entities: [] }).entities).toEqual([]);
  });

  test("white space around is cut and the marks move along", () => {
    const entities = [{ type: "bold", offset: 0, length: 5 }];
    expect(tidied({ text: " \ra\u0001b  ", entities })).toEqual({
      text: "a b",
      entities: [{ type: "bold", offset: 0, length: 3 }],
    });
  });
});
