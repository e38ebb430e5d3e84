// Every link between the documents leads to a file that is there, and to a heading in it.
import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";

const root = join(import.meta.dir, "../..");
const documents = [
  "README.md",
  ...readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".md"))
    .map((path) => join("docs", path)),
];

/** What is no code: links in it are examples. */
const prose = (text: string) => text.replace(/^```[\s\S]*?^```/gm, "").replace(/`[^`\n]*`/g, "");

/** Headings as their addresses: lower case, words joined by dashes. */
function anchors(path: string): Set<string> {
  const text = readFileSync(path, "utf8").replace(/^```[\s\S]*?^```/gm, "");
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, "")
        .trim()
        .replace(/\s/g, "-"),
    ),
  );
}

function broken(document: string): string[] {
  const links = [...prose(readFileSync(join(root, document), "utf8")).matchAll(/\]\(([^)#\s]*)(?:#([^)\s]*))?\)/g)];
  return links.flatMap(([, to = "", anchor]) => {
    if (/^[a-z]+:/.test(to)) return [];
    const path = to === "" ? document : normalize(join(dirname(document), to));
    if (!existsSync(join(root, path))) return [`${document}: ${to} is not there`];
    if (anchor === undefined || !path.endsWith(".md") || anchors(join(root, path)).has(anchor)) return [];
    return [`${document}: ${to}#${anchor} is not there`];
  });
}

test("links of the documents lead somewhere", () => {
  expect(documents.length).toBeGreaterThan(10);
  expect(documents.flatMap(broken)).toEqual([]);
});
