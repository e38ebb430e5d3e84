// The markdown tree as Telegram can show it: addresses that it refuses, pictures and wide tables become text.
import type { Inline, Node } from "../markdown.ts";
import { isNarrow } from "../table.ts";
import { inlineText } from "../tree.ts";

/** Longest address of a link, in UTF-16 units; all of a message's formatting together has about four times as much. */
const urlUnitsMax = 2_048;
/** Of an address that is shown as text. */
const urlShownUnits = 300;

/** `nodes` with nothing in them that Telegram would refuse, drop or garble. Words stay, also those of addresses. */
export function legal(nodes: readonly Node[]): Node[] {
  return nodes.flatMap(legalNode);
}

function legalNode(node: Node): Node[] {
  switch (node.type) {
    case "paragraph":
    case "heading":
      return [{ ...node, children: legalInlines(node.children) }];
    case "quote":
      return [{ ...node, children: legal(node.children) }];
    case "list":
      return [{ ...node, items: node.items.map((item) => ({ ...item, children: legal(item.children) })) }];
    case "code":
      return [{ ...node, text: clean(node.text) }];
    case "table": {
      const header = node.header.map(legalInlines);
      const table = { ...node, header, rows: node.rows.map((row) => row.map(legalInlines)) };
      return isNarrow(table) ? [table] : records(table);
    }
    case "rule":
      return [node];
  }
}

/**
 * `text` without lone surrogates, control characters and what reorders the text around it. Marks and joiners that
 * scripts and emoji need stay.
 */
function clean(text: string): string {
  if (/^[\n\t\x20-\x7e]*$/.test(text)) return text;
  return text
    .toWellFormed()
    .replace(/\r\n?|[\u2028\u2029]/g, "\n")
    .replace(/(?![\n\t])\p{Cc}|[\u202a-\u202e\u2066-\u2069]/gu, "");
}

function legalInlines(children: readonly Inline[]): Inline[] {
  return children.flatMap((child): Inline[] => {
    switch (child.type) {
      case "text":
      case "code":
        return [{ ...child, text: clean(child.text) }];
      case "break":
        return [child];
      case "image":
        return link(child.url, [{ type: "text", text: `🖼 ${clean(child.alt).trim() || "image"}` }]);
      case "link":
        return link(child.url, legalInlines(child.children));
      default:
        return [{ ...child, children: legalInlines(child.children) }];
    }
  });
}

/** A link, or its words with the address behind them where Telegram would drop that. */
function link(address: string, children: Inline[]): Inline[] {
  const text = inlineText(children).trim();
  const url = clean(address).trim();
  if (isLinkable(url)) {
    return [{ type: "link", url, children: text === "" ? [{ type: "text", text: shortened(url) }] : children }];
  }
  // Telegram makes a link of an e-mail address by itself, of `mailto:` never.
  const shown = shortened(url.replace(/^mailto:/i, ""));
  if (shown === "" || shown === text) return children;
  return text === "" ? [{ type: "text", text: shown }] : [...children, { type: "text", text: ` (${shown})` }];
}

function shortened(url: string): string {
  return url.length <= urlShownUnits ? url : `${url.slice(0, urlShownUnits).toWellFormed()}…`;
}

function isLinkable(url: string): boolean {
  if (url.length > urlUnitsMax || /\s/.test(url)) return false;
  if (/^tg:\/\/\S+$/i.test(url)) return true;
  return /^https?:\/\//i.test(url) && URL.canParse(url);
}

/** One paragraph a row, one line a cell: `header: value`. */
function records(table: Extract<Node, { type: "table" }>): Node[] {
  const line = (header: Inline[] | undefined, cell: Inline[]): Inline[] => {
    const label = header === undefined ? "" : inlineText(header).trim();
    if (label === "") return cell;
    return [
      { type: "strong", children: [...(header ?? []), { type: "text", text: ":" }] },
      { type: "text", text: " " },
      ...cell,
    ];
  };
  const rows = table.rows
    .map((row) =>
      row
        .map((cell, column) => (inlineText(cell).trim() === "" ? null : line(table.header[column], cell)))
        .filter((one) => one !== null),
    )
    .filter((lines) => lines.length > 0);
  if (rows.length === 0) rows.push(table.header.map((cell) => [{ type: "strong", children: cell }]));
  return rows.map((lines) => ({
    type: "paragraph",
    children: lines.flatMap((one, index): Inline[] => (index === 0 ? one : [{ type: "break" }, ...one])),
  }));
}
