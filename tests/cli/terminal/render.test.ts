// What a markdown tree looks like at several widths, and what its links say.
import { describe, expect, test } from "bun:test";
import { parseMarkdown } from "../../../src/adapters/markdown.ts";
import { renderNodes } from "../../../src/cli/terminal/render.ts";
import { toRow } from "../../../src/cli/terminal/style.ts";

const draw = (source: string, width: number) =>
  renderNodes(parseMarkdown(source), { width, links: false }).map((line) =>
    toRow(line, { color: false, links: false }).text.trimEnd(),
  );

const document = `# Report

## Details
Some **bold** and *italic* words, \`code\` and a [page](https://example.org/a).

3. three
4. four
   - [x] done
   - [ ] open

> A quote that is
> somewhat longer.

| name | count | note |
|------|------:|:----:|
| tea | 3 | good for the morning |
| 緑茶 | 12 | ok |

\`\`\`ts
const answer: number = 42; // long
\`\`\`
`;

describe("rendering", () => {
  test.each([20, 44, 90])("a document at width %d", (width) => {
    expect(draw(document, width).join("\n")).toMatchSnapshot();
  });

  test("links show where they lead", () => {
    const link = (source: string, links: boolean) =>
      renderNodes(parseMarkdown(source), { width: 80, links })
        .map((line) => toRow(line, { color: false, links }).text)
        .join("");
    expect(link("[page](https://a.example/x)", false)).toBe("page (https://a.example/x)");
    expect(link("[page](https://a.example/x)", true)).toBe("\x1b]8;;https://a.example/x\x1b\\page\x1b]8;;\x1b\\");
    expect(link("https://a.example/x", false)).toBe("https://a.example/x");
    expect(link("[https://bank.example](https://evil.example)", true)).toContain(" (https://evil.example)");
    expect(link("[bank.example](https://evil.example)", true)).toContain(" (https://evil.example)");
    expect(link("[x](javascript:alert(1))", true)).not.toContain("\x1b]8");
    expect(link("[x](https://e.example/\u001b]0;t\u0007)", true)).not.toContain("\u0007");
  });

  test("one column is enough to show everything", () => {
    for (const width of [1, 2, 3, 5]) expect(draw(document, width).length).toBeGreaterThan(10);
  });
});
