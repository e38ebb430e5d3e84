// A markdown tree → lines of styled text at a width. Pure: the same tree and width give the same lines.
import type { Inline, Node } from "../../adapters/markdown.ts";
import { dim, hardCut, type Line, type Span, type Style, span, wrap } from "./style.ts";
import { renderTable } from "./table.ts";
import { clean, cleanLine, fit } from "./text.ts";

/** What decides how a tree is drawn. `links`: the terminal shows OSC 8 links. */
export interface RenderOptions {
  width: number;
  links: boolean;
}

/** The lines of `nodes`, an empty line between two blocks. */
export function renderNodes(nodes: readonly Node[], options: RenderOptions): Line[] {
  return nodes.flatMap((node, index) => {
    const lines = renderNode(node, options);
    return index === 0 ? lines : [[], ...lines];
  });
}

/** The lines of one block. */
export function renderNode(node: Node, options: RenderOptions): Line[] {
  const { width } = options;
  switch (node.type) {
    case "paragraph":
      return wrap(inlineSpans(node.children, options), width);
    case "heading": {
      const style: Style = node.level <= 2 ? { bold: true, color: "cyan" } : { bold: true };
      const mark = node.level <= 1 ? [] : [span(`${"#".repeat(node.level)} `, { ...style, dim: true })];
      return wrap([...mark, ...inlineSpans(node.children, options, style)], width);
    }
    case "code": {
      const head = fenceHead(node.language, width);
      return [head, ...codeLines(node.text, width), ...(node.closed ? [fenceFoot()] : [])];
    }
    case "quote": {
      const inside = renderNodes(node.children, { ...options, width: Math.max(1, width - 2) });
      return inside.map((line) => [span("▎ ", dim), ...line]);
    }
    case "list":
      return node.items.flatMap((item, index) => {
        const marker = node.start === null ? "• " : `${node.start + index}. `;
        return renderItem(item.children, { ...options, marker, checked: item.checked });
      });
    case "table":
      return renderTable(node, {
        width,
        cell: (children, style) => inlineSpans(children, options, style),
      });
    case "rule":
      return [[span("─".repeat(Math.max(1, Math.min(width, 40))), dim)]];
  }
}

/** One list entry: its marker and its blocks, indented by the marker's width. */
export function renderItem(
  children: readonly Node[],
  options: RenderOptions & { marker: string; checked?: boolean | undefined },
): Line[] {
  const { checked } = options;
  const box = checked === undefined ? "" : checked ? "☑ " : "☐ ";
  // On a very narrow terminal deep nesting would leave no room; the indent gives way first.
  const marker = checked !== undefined && options.marker === "• " ? box : options.marker + box;
  const indent = Math.min(marker.length, Math.max(1, Math.floor(options.width / 3)));
  const inner = { width: Math.max(1, options.width - indent), links: options.links };
  const lines: Line[] = [];
  for (const [index, child] of children.entries()) {
    if (index > 0 && child.type !== "list" && children[index - 1]?.type !== "list") lines.push([]);
    lines.push(...renderNode(child, inner));
  }
  if (lines.length === 0) lines.push([]);
  const head = fit(marker, indent).padEnd(indent);
  return lines.map((line, index) => [span(index === 0 ? head : " ".repeat(indent), { color: "cyan" }), ...line]);
}

/** First line of a code frame. */
export function fenceHead(language: string, cells: number): Line {
  const label = fit(cleanLine(language), Math.max(0, cells - 4));
  return [span(label === "" ? "╭──" : `╭─ ${label}`, dim)];
}

/** Last line of a code frame. */
export function fenceFoot(): Line {
  return [span("╰──", dim)];
}

/** The lines of code; long ones are cut at the width, and no bar stands before them, so that they copy well. */
export function codeLines(text: string, cells: number): Line[] {
  return clean(text)
    .split("\n")
    .flatMap((line) => hardCut([span(line, { color: "yellow" })], Math.max(1, cells)).map((piece) => piece.spans));
}

/** Inline content as spans; `base` is what surrounds it. */
export function inlineSpans(children: readonly Inline[], options: { links: boolean }, base: Style = {}): Span[] {
  return children.flatMap((child) => inlineSpan(child, options, base));
}

function inlineSpan(child: Inline, options: { links: boolean }, base: Style): Span[] {
  switch (child.type) {
    case "text":
      // A single line end of the source is a space; wrapping is ours.
      return [span(clean(child.text).replace(/ *\n */g, " "), base)];
    case "strong":
      return inlineSpans(child.children, options, { ...base, bold: true });
    case "emphasis":
      return inlineSpans(child.children, options, { ...base, italic: true });
    case "strike":
      return inlineSpans(child.children, options, { ...base, strike: true });
    case "code":
      return [span(cleanLine(child.text), { ...base, color: "yellow" })];
    case "break":
      return [span("\n", base)];
    case "image":
      return [span(`[image: ${cleanLine(child.alt || child.url)}]`, { ...base, dim: true })];
    case "link":
      return linkSpans(child, options, base);
  }
}

/** Shows the address whenever the text does not say it, unless the terminal itself can show it. */
function linkSpans(link: Extract<Inline, { type: "link" }>, options: { links: boolean }, base: Style): Span[] {
  const url = cleanLine(link.url);
  const style: Style = { ...base, underline: true, color: "blue", link: url };
  const inside = inlineSpans(link.children, options, style);
  const text = inside.map((part) => part.text).join("");
  const same = text === url || `mailto:${text}` === url || `http://${text}` === url;
  // A text that looks like another address is how people are led astray: then both are shown.
  const misleading = /^\s*(?:[a-z]+:\/\/|www\.)|^\s*[\w-]+(?:\.[\w-]+)+(?:[/?#]|\s*$)/i.test(text);
  if (same || url === "" || (options.links && !misleading)) return inside;
  return [...inside, span(` (${url})`, { ...base, dim: true })];
}
