// Markdown as Slack shows it: its marks, its limits, and nothing that calls anybody by accident.
import { describe, expect, test } from "bun:test";
import {
  blocksOf,
  plainBlocksOf,
  readBody,
  render,
  renderForming,
  textOf,
} from "../../../src/adapters/slack/format.ts";
import { nastyMarkdown } from "../nasty.ts";
import { checkedBlocks } from "./fake/blocks.ts";
import { newWorld } from "./fake/setup.ts";

const handles = (name: string) => (name === "ann" ? "U061F7AUR" : undefined);

function shown(markdown: string): string {
  return render(markdown, { handles, partsMax: 10 })
    .map((body) => textOf(readBody(body).stretches, { charsMax: 1_000_000 }))
    .join("\n\n");
}

test.each([
  ["**bold** *italic* ~~gone~~ `code`", "*bold* _italic_ ~gone~ `code`"],
  ["***both*** and **bold *in it* too**", "*_both_* and *bold* *_in it_* *too*"],
  ["a**b**c 你**好**吗", "a\u200b*b*\u200bc 你\u200b*好*\u200b吗"],
  ["# Title\n\ntext", "*Title*\n\ntext"],
  ["[text](https://a.b/?q=1&r=2) <https://a.b>", "<https://a.b/?q=1&amp;r=2|text> <https://a.b|https://a.b>"],
  ["[a|b](https://a.b/x|y>z)", "<https://a.b/x%7Cy%3Ez|a¦b>"],
  ["[x](javascript:alert) [y](/local)", "x (javascript:alert) y (/local)"],
  ["![a cat](https://a.b/c.png)", "<https://a.b/c.png|🖼 a cat>"],
  ["- a\n  - b\n- [x] c\n- [ ] d", "• a\n    ◦ b\n☑ c\n☐ d"],
  ["3. a\n4. b", "3. a\n4. b"],
  ["> a\n> b\n>\n> c", "> a\n> b\n> \n> c"],
  ["```js\na < b && `c`\n```", "```\na &lt; b &amp;&amp; `c`\n```"],
  ["| a | b |\n|---|---|\n| 1 | 2 |", "```\na │ b\n──┼──\n1 │ 2\n```"],
  ["@ann, @bob, mail@ann and `@ann`", "<@U061F7AUR>, @bob, mail@ann and `@ann`"],
  [
    "<!channel> <@U1> <!here> & @channel @everyone",
    "&lt;!channel&gt; &lt;@U1&gt; &lt;!here&gt; &amp; @channel @everyone",
  ],
  ["\\*not bold\\* and 2 * 3 * 4", "*\u200bnot bold* and 2 * 3 * 4"],
  ["`<!channel>`", "`&lt;!channel&gt;`"],
  ["\u202Eevil\u0007", "evil"],
])("%j", (markdown, text) => expect(shown(markdown)).toBe(text));

test("a wide table becomes rows of named cells, and no word is lost", () => {
  const wide = `| Name | What it does for whom |\n|---|---|\n| first | ${"words ".repeat(20)}|\n| second | [link](https://a.b) |`;
  const text = shown(wide);
  expect(text).toContain("*Name:* first");
  expect(text).toContain("*What it does for whom:* <https://a.b|link>");
});

test("a table in a quote is drawn as well", () => {
  expect(shown("> | a | b |\n> |---|---|\n> | 1 | 2 |")).toContain("> 1 │ 2");
});

test("what tools did stands in small", () => {
  const [body = ""] = render("-# `ls` · `make` (failed)\n\nDone", { handles, partsMax: 1 });
  expect(blocksOf(readBody(body).stretches)).toMatchObject([
    { type: "context", elements: [{ type: "mrkdwn", text: "`ls` · `make` (failed)" }] },
    { type: "section", text: { text: "Done" } },
  ]);
});

describe("limits", () => {
  const world = newWorld({});
  const legal = (body: string) => {
    const { stretches } = readBody(body);
    checkedBlocks(world, blocksOf(stretches));
    checkedBlocks(world, plainBlocksOf(stretches));
    expect(textOf(stretches).length).toBeLessThanOrEqual(4_000);
    expect(stretches.every(({ text }) => text.trim() !== "")).toBe(true);
  };
  test.each([
    "line 1\n",
    "- a\n  - b\n",
    "> a\n",
    "word ",
    "[a",
    "*a ",
    "a*b_c`d[e]~f ",
    "```\n<a & b>\n",
    "| a | b |\n",
    "-# small\n\n",
  ])("a long text of %j", (pattern) => {
    const text = pattern.repeat(Math.ceil(60_000 / pattern.length));
    for (const body of render(text, { handles, partsMax: 11 })) legal(body);
    legal(renderForming(text, { handles }));
  });
  test("whatever is written is legal, also while it forms", () => {
    for (let seed = 1; seed <= 30; seed += 1) {
      const text = nastyMarkdown(seed, 40);
      for (const body of render(text, { handles, partsMax: 11 })) legal(body);
      for (let part = 1; part <= 3; part += 1)
        legal(renderForming(text.slice(0, (text.length * part) / 3), { handles }));
    }
  });
  test("nothing at all is still a message", () => {
    expect(render("", { handles, partsMax: 3 })).toHaveLength(1);
    legal(render(" \n ", { handles, partsMax: 3 })[0] ?? "");
  });
  test("no word is lost or doubled where a text is cut", () => {
    const words = Array.from({ length: 6_000 }, (_, index) => `w${index}`);
    const text = shown(words.map((word, index) => (index % 7 === 0 ? `**${word}**` : word)).join(" "));
    expect([...text.matchAll(/w\d+/g)].map(([word]) => word)).toEqual(words);
  });
  test("a code block stays one as long as a message holds it", () => {
    const code = Array.from({ length: 200 }, (_, index) => `line ${index} = ${"x".repeat(20)}`).join("\n");
    const [body = ""] = render(`\`\`\`\n${code}\n\`\`\``, { handles, partsMax: 3 });
    expect(readBody(body).stretches).toEqual([{ kind: "code", text: code }]);
  });
});

describe("a stream", () => {
  const stream = (markdown: string) => readBody(renderForming(markdown, { handles })).stream;
  test("it is the markdown itself, without what is just being done", () => {
    expect(stream("Hello **wor")).toBe("Hello **wor");
    expect(stream("…")).toBe("");
    expect(stream("Done.\n\n`bash` …")).toBe("Done.");
    expect(stream("Done.\n\n`bash` … and 2 more")).toBe("Done.");
  });
  test("it calls nobody, however the text is cut", () => {
    const text = "a <!channel> <@U1>";
    let before = "";
    for (let at = 0; at <= text.length; at += 1) {
      const now = stream(text.slice(0, at)) ?? "";
      expect(now.startsWith(before)).toBe(true);
      before = now;
    }
    expect(before).toBe("a <\u2060!channel> <\u2060@U1>");
  });
  test("it has no links, however the text is cut: nothing switches their previews off", () => {
    const text = "see https://a.example/?k=1 and [b](http://b.example)";
    let before = "";
    for (let at = 0; at <= text.length; at += 1) {
      const now = stream(text.slice(0, at)) ?? "";
      expect(now).not.toMatch(/https?:\//);
      if (at < text.indexOf("[")) expect(now.startsWith(before)).toBe(true);
      before = now;
    }
    expect(before.replaceAll("\u200B", "")).toBe(text);
  });
  test("a long one is not streamed", () => expect(stream("x".repeat(12_000))).toBeUndefined());
});
