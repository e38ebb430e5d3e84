// Markdown → messages of Discord, within its length of 2,000 characters, code blocks whole in each.
import { limits } from "../../core/limits.ts";
import { lastChunk } from "../chunks.ts";
import { closeMarks } from "../forming.ts";
import { type Inline, type Node, parseMarkdown } from "../markdown.ts";
import { endOf, splitMessage } from "../split.ts";
import { isNarrow } from "../table.ts";
import { draw, isBlank } from "./draw.ts";

/** Characters of one message: docs.discord.com/developers/resources/message#create-message. UTF-16 units are stricter. */
export const contentMax = 2_000;

/** What stands where there is nothing to see yet. */
export const nothingYet = "…";

/** An answer as messages, none blank; no more than `partsMax` of them. Never throws. */
export function render(markdown: string, { partsMax = limits.answerPartsMax }: { partsMax?: number } = {}): string[] {
  const { parts } = splitMessage(markdown, { fits, prepare: legal, partsMax });
  return parts.map(draw).filter((text) => !isBlank(text));
}

/**
 * An answer that is still being written, as one message: marks that are open are closed, and of a long text the end is
 * shown behind "…". Undefined while there is nothing to see.
 */
export function renderForming(markdown: string): string | undefined {
  const source = lastChunk(markdown, limits.formingChars);
  const nodes = legal(parseMarkdown(closeMarks(source)));
  if (source.length === markdown.length && fits(nodes)) return visible(nodes);
  const more: Node = { type: "paragraph", children: [{ type: "text", text: nothingYet }] };
  const end = endOf(nodes, (some) => fits([more, ...some]));
  return isBlank(draw(end)) ? undefined : visible([more, ...end]);
}

/** The text of a file in one message; what does not fit is cut. */
export function renderCaption(markdown: string): string {
  return render(markdown, { partsMax: 1 })[0] ?? "";
}

function visible(nodes: readonly Node[]): string | undefined {
  const text = draw(nodes);
  return isBlank(text) ? undefined : text;
}

function fits(nodes: readonly Node[]): boolean {
  return draw(nodes).length <= contentMax;
}

/** The tree as Discord can show it: control characters are gone, and a table that a phone would break is a list. */
function legal(nodes: readonly Node[]): Node[] {
  return nodes.map(legalNode);
}

function legalNode(node: Node): Node {
  switch (node.type) {
    case "paragraph":
    case "heading":
      return { ...node, children: cleanInlines(node.children) };
    case "code":
      return { ...node, text: clean(node.text) };
    case "quote":
      return { ...node, children: legal(node.children) };
    case "list":
      return { ...node, items: node.items.map((item) => ({ ...item, children: legal(item.children) })) };
    case "table": {
      const rows = node.rows.map((row) => row.map(cleanInlines));
      const table = { ...node, header: node.header.map(cleanInlines), rows };
      return isNarrow(table) ? table : records(table);
    }
    case "rule":
      return node;
  }
}

/** Each row as an entry: its first cell, and below it the others behind their headers. */
function records({ header, rows }: Extract<Node, { type: "table" }>): Node {
  const items = rows.map(([first = [], ...others]) => {
    const cells = others.flatMap((cell, index): Inline[] => {
      const name = header[index + 1] ?? [];
      return cell.length === 0 ? [] : [{ type: "break" }, ...name, { type: "text", text: ": " }, ...cell];
    });
    const bold: Inline[] = first.length === 0 ? [] : [{ type: "strong", children: first }];
    const children: Inline[] = bold.length === 0 && cells[0]?.type === "break" ? cells.slice(1) : [...bold, ...cells];
    return { children: [{ type: "paragraph" as const, children }] };
  });
  if (items.length > 0) return { type: "list", start: null, items };
  const names = header.flatMap((cell, index): Inline[] => [
    ...(index === 0 ? [] : [{ type: "text" as const, text: ", " }]),
    ...cell,
  ]);
  return { type: "paragraph", children: names };
}

function cleanInlines(children: readonly Inline[]): Inline[] {
  return children.map((child): Inline => {
    if (child.type === "break") return child;
    if (child.type === "text" || child.type === "code") return { ...child, text: clean(child.text) };
    if (child.type === "image") return { ...child, alt: clean(child.alt) };
    return { ...child, children: cleanInlines(child.children) };
  });
}

/** `text` without lone surrogates, control characters and what reorders the text around it. */
function clean(text: string): string {
  if (/^[\n\t\x20-\x7e]*$/.test(text)) return text;
  return text
    .toWellFormed()
    .replace(/\r\n?|[\u2028\u2029]/g, "\n")
    .replace(/(?![\n\t])\p{Cc}|[\u202a-\u202e\u2066-\u2069]/gu, "");
}
