// One answer → its messages: where it is cut, what stays whole, and how much work that is.
import { describe, expect, test } from "bun:test";
import { boundaries } from "../../src/adapters/boundaries.ts";
import { Chunks, lastChunk } from "../../src/adapters/chunks.ts";
import { type Node, parseMarkdown } from "../../src/adapters/markdown.ts";
import { endOf, splitMessage } from "../../src/adapters/split.ts";
import { cutNodes, textOf } from "../../src/adapters/tree.ts";
import { limits } from "../../src/core/limits.ts";
import { nastyMarkdown, wordsOf } from "./nasty.ts";

const size = (nodes: readonly Node[]) => textOf(nodes).length;
const within = (limit: number) => (nodes: readonly Node[]) => size(nodes) <= limit;

/** The texts of the parts of at most `limit` characters. */
function texts(markdown: string, limit: number): string[] {
  const { parts, rest } = splitMessage(markdown, { fits: within(limit), partsMax: 1_000 });
  expect(rest).toBe("");
  for (const part of parts) expect(size(part)).toBeLessThanOrEqual(limit);
  return parts.map(textOf);
}

describe("where a text is cut", () => {
  test("what fits is one part", () => {
    expect(texts("a\n\nb", 10)).toEqual(["a\nb"]);
    expect(texts("", 10)).toEqual([]);
  });

  test("between blocks, lines, sentences, words, graphemes, in this order", () => {
    expect(texts("one two three\n\nfour five six seven", 24)).toEqual(["one two three", "four five six seven"]);
    expect(texts("one two six\nthree four five", 16)).toEqual(["one two six", "three four five"]);
    expect(texts("It is so. And not more", 16)).toEqual(["It is so.", "And not more"]);
    expect(texts("word ".repeat(6).trim(), 12)).toEqual(["word word", "word word", "word word"]);
    expect(texts("これは。それは、あれは。", 8)).toEqual(["これは。", "それは、あれは。"]);
    expect(texts("x".repeat(100), 40)).toEqual(["x".repeat(40), "x".repeat(40), "x".repeat(20)]);
  });

  test("never inside a pair, a joined emoji or an accent", () => {
    for (const grapheme of ["😀", "👩‍👩‍👧‍👦", "e\u0301", "🇩🇪", "नि"]) {
      const all = texts(grapheme.repeat(200), 50);
      expect(all.join("")).toBe(grapheme.repeat(200));
      for (const text of all) expect(text).toBe(grapheme.repeat(text.length / grapheme.length));
    }
    expect(texts(`a${"\u0301".repeat(300)}`, 50).length).toBe(7);
  });

  test("a heading and an introduction stay with what they introduce", () => {
    expect(texts(`${"a ".repeat(20)}\n\n# head\n\n${"b ".repeat(20)}`, 60)[1]).toStartWith("head\nb b");
    expect(texts(`${"a ".repeat(20)}\n\nThese:\n\n- ${"b ".repeat(20)}`, 60)[1]).toStartWith("These:\nb b");
  });

  test("entries and rows stay whole where they can", () => {
    expect(texts("- one two\n- three four\n- five six", 22)).toEqual(["one two\nthree four", "five six"]);
    expect(texts("| h |\n|---|\n| one |\n| two |\n| six |", 10)).toEqual(["h\none\ntwo", "h\nsix"]);
  });
});

describe("mark-up at a cut", () => {
  const split = (markdown: string, limit: number) => splitMessage(markdown, { fits: within(limit) }).parts;

  test("is closed and opened again", () => {
    const parts = split("**one *two three* four**", 8);
    expect(parts[0]).toEqual([
      {
        type: "paragraph",
        children: [
          {
            type: "strong",
            children: [
              { type: "text", text: "one " },
              { type: "emphasis", children: [{ type: "text", text: "two" }] },
            ],
          },
        ],
      },
    ]);
    expect(parts[1]).toMatchObject([{ children: [{ type: "strong", children: [{ type: "emphasis" }] }] }]);
    expect(split("> [some long words](http://a)", 10)).toMatchObject([
      [{ type: "quote", children: [{ children: [{ type: "link", url: "http://a" }] }] }],
      [{ type: "quote", children: [{ children: [{ type: "link", url: "http://a" }] }] }],
    ]);
  });

  test("code keeps its language and its lines", () => {
    const parts = split("```sh\n  one\n  two\n\n  three\n```", 13);
    expect(parts).toEqual([
      [{ type: "code", language: "sh", text: "  one\n  two", closed: true }],
      [{ type: "code", language: "sh", text: "\n  three", closed: true }],
    ]);
  });

  test("a list goes on with its number; an entry that was begun says so", () => {
    const parts = split("5. one two three four\n6. five", 14);
    expect(parts).toMatchObject([
      [{ type: "list", start: 5, items: [{}] }],
      [{ type: "list", start: 5, items: [{ continued: true }, {}] }],
    ]);
    expect(split("5. one\n6. two\n7. six", 8)).toMatchObject([[{ start: 5 }], [{ start: 7 }]]);
  });

  test("every place divides the text without losing anything of it", () => {
    const bare = (nodes: Node[]) => textOf(nodes).replace(/\s+/g, "");
    for (let seed = 0; seed < 40; seed += 1) {
      const nodes = parseMarkdown(nastyMarkdown(seed, 6).replaceAll("|", "")).slice(0, 40);
      const places = boundaries(nodes);
      for (const place of places.filter((_, index) => index % (1 + Math.floor(places.length / 50)) === 0)) {
        const [head, tail] = cutNodes(nodes, place.at);
        expect(bare(head) + bare(tail)).toBe(bare(nodes));
      }
    }
  });
});

describe("bounds", () => {
  test("no more parts than asked for; the rest is source from the cut block on", () => {
    const text = Array.from({ length: 30 }, (_, n) => `**w${n}** and more of it`).join("\n\n");
    const { parts, rest } = splitMessage(text, { fits: within(50), partsMax: 3 });
    expect(parts.length).toBe(3);
    expect(text.endsWith(rest)).toBe(true);
    expect([...parts.flatMap((part) => wordsOf(textOf(part))), ...wordsOf(rest)]).toEqual(wordsOf(text));
    expect(splitMessage("a\n\nb", { fits: within(10), partsMax: 1 }).rest).toBe("");
  });

  test("a block that never fits becomes plain text; a limit of nothing ends as well", () => {
    const noLists = (nodes: readonly Node[]) => size(nodes) <= 20 && !nodes.some(({ type }) => type === "list");
    expect(splitMessage("- a **b**\n- c", { fits: noLists }).parts).toEqual([
      [{ type: "paragraph", children: [{ type: "text", text: "a b\nc" }] }],
    ]);
    const none = splitMessage("# ab\n\n- c", { fits: (nodes) => nodes.length === 0, partsMax: 9 });
    expect(none.parts.map(textOf).join("")).toBe("abc");
  });

  test("the work grows with what is shown, not with what there is", () => {
    const measured = (text: string, partsMax: number) => {
      let units = 0;
      const fits = (nodes: readonly Node[]) => {
        units += size(nodes);
        return size(nodes) <= 4_000;
      };
      splitMessage(text, { fits, partsMax });
      return units;
    };
    for (const unit of ["word ", "A sentence.\n", "A paragraph.\n\n", "x"]) {
      const [small, large] = [100_000, 1_000_000].map((length) => unit.repeat(length / unit.length));
      expect(measured(large ?? "", 10)).toBeLessThan(measured(small ?? "", 10) * 1.2 + 100_000);
      expect(measured(small ?? "", 1_000)).toBeLessThan(100_000 * 60);
    }
  });

  test("the longest end that fits begins at a word", () => {
    const nodes = parseMarkdown("# head\n\none two **three four**\n\n- five");
    expect(textOf(endOf(nodes, within(18)))).toBe("three four\nfive");
    expect(endOf(nodes, within(100))).toBe(nodes);
    expect(endOf(nodes, () => false)).toEqual([]);
    expect(textOf(endOf(parseMarkdown("😀".repeat(50)), within(9)))).toBe("😀".repeat(4));
  });
});

describe("chunks of source", () => {
  const all = (text: string, chars: number) => {
    const chunks = new Chunks(text, { chars });
    const found = [];
    for (let chunk = chunks.next(); chunk !== null; chunk = chunks.next()) found.push(chunk);
    return found;
  };

  test("a text is cut before a block, else an entry, else a line, else a word", () => {
    const sources = (text: string, chars: number) => all(text, chars).map(({ source }) => source);
    expect(sources("one\ntwo\n\nthree\nfour\nfive", 17)).toEqual(["one\ntwo\n\n", "three\nfour\nfive"]);
    expect(sources("- one\n  two\n- three\n  four\n", 18)).toEqual(["- one\n  two\n", "- three\n  four\n"]);
    expect(sources("one\ntwo\nsix\n", 10)).toEqual(["one\ntwo\n", "six\n"]);
    expect(sources("one two six", 10)).toEqual(["one two ", "six"]);
    expect(sources("😀".repeat(6), 5)).toEqual(["😀😀", "😀😀", "😀😀"]);
  });

  test("code blocks and tables are whole in each", () => {
    const code = all(`\`\`\`\`js\n${"a();\n".repeat(10)}\`\`\`\`\nend\n`, 30);
    expect(code[0]).toMatchObject({ source: "````js\na();\na();\na();\na();\n````\n", joint: null });
    expect(code[1]?.source).toStartWith("````js\na();\n");
    expect(code[1]?.joint).toBe("\n");
    expect(code.at(-1)?.source).toEndWith("````\nend\n");
    const table = all(`| a |\n|---|\n${"| 1 |\n".repeat(10)}`, 30);
    for (const { source } of table) expect(source).toStartWith("| a |\n|---|\n| 1 |\n");
    expect(table.map(({ headRepeated }) => headRepeated)).toEqual([false, ...table.slice(1).map(() => true)]);
    expect(all("b\n| a |\n|---|\n| 1 |\n", 8)[0]?.source).toBe("b\n");
    expect(all("one\ntwo\nthree\nfour\n---\nfive\n", 23)[0]?.source).toBe("one\ntwo\nthree\n");
    expect(all("- x\n      ~~~\n      a\n      b\n      ~~~\nend", 24).at(-1)?.source).toBe("~~~\n      b\n~~~\nend");
  });

  test("a chunk has a bounded number of lines, whatever they are", () => {
    for (const line of ["a", "- a", "  b", "", "> a", "| a |", "```", "-"]) {
      const chunks = all(`${line}\n`.repeat(5_000), 1_000_000);
      // The mark that closes a code block, and the one that opens it again.
      const counts = chunks.map(({ source }) => source.split("\n").length - 1);
      expect(Math.max(...counts)).toBeLessThanOrEqual(limits.markdownChunkLines + 2);
    }
  });

  test("a code block longer than a chunk is one block again", () => {
    const code = Array.from({ length: 3_000 }, (_, n) => `  line ${n}`).join("\n");
    const { parts } = splitMessage(`\`\`\`c\n${code}\n\`\`\``, { fits: within(1_000_000) });
    expect(parts).toEqual([[{ type: "code", language: "c", text: code, closed: true }]]);
    const line = splitMessage(`\`\`\`\n${"word ".repeat(9_000)}\n\`\`\``, { fits: within(1_000_000) });
    expect(textOf(line.parts[0] ?? [])).toBe("word ".repeat(9_000));
  });

  test("no word of a nasty text is lost, and what is left is told", () => {
    for (let seed = 0; seed < 30; seed += 1) {
      const text = nastyMarkdown(seed, 60);
      const chunks = new Chunks(text, { chars: 500 });
      const seen: string[] = [];
      for (let chunk = chunks.next(); chunk !== null; chunk = chunks.next()) {
        seen.push(...wordsOf(chunk.source));
        expect(chunk.source.length).toBeLessThan(3_000);
        expect(new Set([...seen, ...wordsOf(chunks.rest)])).toEqual(new Set(wordsOf(text)));
      }
      expect(chunks.rest).toBe("");
    }
  });

  test("the last one opens what is open", () => {
    expect(lastChunk("short", 10)).toBe("short");
    expect(lastChunk("one\ntwo\nthree\n", 8)).toBe("three\n");
    expect(lastChunk(`\`\`\`js\n${"a();\n".repeat(9)}`, 12)).toBe("```js\na();\na();\n");
    expect(lastChunk(`\`\`\`\na\n\`\`\`\n${"b\n".repeat(9)}`, 4)).toBe("b\n");
    expect(lastChunk("😀".repeat(9), 5)).toBe("😀".repeat(3));
  });
});
