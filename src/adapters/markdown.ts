// The one markdown tree: what the model writes, parsed once, and drawn by the terminal and every adapter.
import { Lexer, type Token, Tokenizer, type Tokens } from "marked";
import { type Chunk, Chunks, windowOf } from "./chunks.ts";

/** A piece of a line. Text is plain: entities are decoded, nothing is cleaned of control characters. */
export type Inline =
  | { type: "text"; text: string }
  | { type: "strong" | "emphasis" | "strike"; children: Inline[] }
  | { type: "code"; text: string }
  | { type: "link"; url: string; children: Inline[] }
  | { type: "image"; url: string; alt: string }
  | { type: "break" };

/** One entry of a list. `checked` is there for task lists only. */
export interface ListItem {
  checked?: boolean;
  /** Set by the splitter: the entry began in an earlier part, its marker was shown there. */
  continued?: boolean;
  children: Node[];
}

/** A block of the text. */
export type Node =
  /** `small`: beside what is said, as what tools did; in markdown it begins with `-# `, as on Discord. */
  | { type: "paragraph"; children: Inline[]; small?: true }
  | { type: "heading"; level: number; children: Inline[] }
  /** `closed` is false while the end of a fence has not been written yet. */
  | { type: "code"; language: string; text: string; closed: boolean }
  | { type: "quote"; children: Node[] }
  /** `start` is the first number of an ordered list, else null. */
  | { type: "list"; start: number | null; items: ListItem[] }
  | { type: "table"; align: ("left" | "center" | "right" | null)[]; header: Inline[][]; rows: Inline[][][] }
  | { type: "rule" };

/** What a small paragraph begins with. */
const smallMark = "-# ";

/** A block with the source that it was made of; `node` is null for blank lines. The sources add up to the text. */
export interface SourceBlock {
  raw: string;
  kind: "space" | "paragraph" | "heading" | "fence" | "quote" | "list" | "table" | "rule" | "other";
  /** The sources of a list's items. */
  items: string[];
}

/** Nesting deeper than this is shown as plain text: the lexer recurses, and a line of `>` must not end the program. */
const depthMax = 24;
const deep = new RegExp(`^(?:[ \\t]*(?:>|[-+*] |\\d{1,9}[.)] )){${depthMax},}`, "m");

/**
 * The tree of `text`. Never throws: what the lexer cannot take comes back as one plain paragraph. The work is linear:
 * a long text is parsed in pieces, and code blocks, lists and tables that they cut are one again. A paragraph that
 * fills more than a piece becomes several.
 */
export function parseMarkdown(text: string): Node[] {
  const chunks = new Chunks(text);
  const nodes: Node[] = [];
  for (let chunk = chunks.next(); chunk !== null; chunk = chunks.next()) {
    const added = parseSources(chunk.source).flatMap((one) => one.nodes);
    const joined = joinNodes(nodes.at(-1), { next: added[0], chunk });
    if (joined !== null) nodes.splice(-1, 1, joined);
    for (const node of joined === null ? added : added.slice(1)) nodes.push(node);
  }
  return nodes;
}

/** The block that a cut between two pieces went through, or null when it went through none that can be joined. */
function joinNodes(before: Node | undefined, { next, chunk }: { next: Node | undefined; chunk: Chunk }): Node | null {
  if (before?.type === "code" && next?.type === "code" && chunk.joint !== null) {
    return { ...before, text: before.text + chunk.joint + next.text, closed: next.closed };
  }
  if (before?.type === "table" && next?.type === "table" && chunk.headRepeated) {
    // Rows are added in place: a copy for each piece would make a long table's work grow with its square.
    for (const row of next.rows) before.rows.push(row);
    return before;
  }
  if (before?.type === "list" && next?.type === "list" && (before.start === null) === (next.start === null)) {
    for (const item of next.items) before.items.push(item);
    return before;
  }
  return null;
}

/**
 * The top-level blocks of a text that is no longer than a piece of {@link Chunks}, each with the source that it was
 * made of. The sources add up to the text.
 */
export function parseSources(text: string): { raw: string; nodes: Node[] }[] {
  const source = normalize(text);
  const tokens = lex(source, () => lexer().lex(source));
  return tokens.map((token) => ({ raw: token.raw, nodes: toNode(token, 0) }));
}

/**
 * The top-level blocks of `text` as source, without parsing what is inside of them. For text that still grows: of a
 * long one only the start is looked at, as if no more of it had come, and the sources add up to that.
 */
export function splitMarkdown(text: string): SourceBlock[] {
  const all = normalize(text);
  const window = windowOf(all, 0);
  const source = window.length < all.length ? window.slice(0, window.lastIndexOf("\n") + 1) || window : all;
  return lex(source, () => lexer().blockTokens(source)).map((token) => ({
    raw: token.raw,
    kind: kindOf(token),
    items: token.type === "list" ? (token as Tokens.List).items.map((item) => item.raw) : [],
  }));
}

/** True when a fence that `raw` begins with is closed in it. */
export function fenceClosed(raw: string): boolean {
  const open = /^ {0,3}(`{3,}|~{3,})/.exec(raw)?.[1];
  if (open === undefined) return true;
  const last = raw.replace(/\n+$/, "").split("\n").slice(1).at(-1)?.trim() ?? "";
  return last.length >= open.length && [...last].every((character) => character === open[0]);
}

/** A line that makes a heading of the lines before it, and one that ends them. */
const underline = /\n {0,3}(?:=+|-+)[ \t]*(?:\n|$)/;
const blankLine = /\n\s*?\n/;

/**
 * The library's expression for headings with a line below steps through a paragraph character by character, and from
 * some thousands on every try costs milliseconds. So it is asked only where such a line is.
 */
class QuickTokenizer extends Tokenizer {
  override lheading(source: string): Tokens.Heading | undefined {
    const end = blankLine.exec(source)?.index ?? source.length;
    return underline.test(source.slice(0, end + 1)) ? super.lheading(source) : undefined;
  }
}

function lexer(): Lexer {
  return new Lexer({ gfm: true, tokenizer: new QuickTokenizer() });
}

function normalize(text: string): string {
  return text.replace(/\r\n?/g, "\n");
}

function lex(source: string, run: () => Token[]): Token[] {
  const plain = [{ type: "text", raw: source, text: source } as Tokens.Text];
  if (deep.test(source)) return plain;
  try {
    return run();
  } catch (error) {
    // The lexer gives up on its own "infinite loop" check and on a full stack; both are text of somebody else's.
    if (error instanceof Error) return plain;
    throw error;
  }
}

function kindOf(token: Token): SourceBlock["kind"] {
  switch (token.type) {
    case "space":
    case "paragraph":
    case "heading":
    case "list":
    case "table":
      return token.type;
    case "blockquote":
      return "quote";
    case "hr":
      return "rule";
    case "code":
      return /^ {0,3}(`{3}|~{3})/.test(token.raw) ? "fence" : "other";
    default:
      return "other";
  }
}

function toNode(token: Token, depth: number): Node[] {
  switch (token.type) {
    case "space":
    case "checkbox":
      return [];
    case "heading":
      return [{ type: "heading", level: (token as Tokens.Heading).depth, children: inline(token, depth) }];
    case "hr":
      return [{ type: "rule" }];
    case "code": {
      const code = token as Tokens.Code;
      const language = /^\S*/.exec(decodeEntities(code.lang ?? ""))?.[0] ?? "";
      return [{ type: "code", language, text: code.text, closed: fenceClosed(code.raw) }];
    }
    case "blockquote":
      return [{ type: "quote", children: blocks((token as Tokens.Blockquote).tokens, depth + 1) }];
    case "list":
      return [toList(token as Tokens.List, depth)];
    case "table":
      return [toTable(token as Tokens.Table, depth)];
    case "def": {
      // Kept visible: a definition may come after the text that refers to it was shown.
      const definition = token as Tokens.Def;
      const label: Inline = { type: "text", text: `${definition.tag}: ` };
      const link: Inline = {
        type: "link",
        url: definition.href,
        children: [{ type: "text", text: definition.href }],
      };
      return [{ type: "paragraph", children: [label, link] }];
    }
    default: {
      const [first, ...others] = inline(token, depth);
      if (first === undefined) return [];
      if (first.type !== "text" || !first.text.startsWith(smallMark))
        return [{ type: "paragraph", children: [first, ...others] }];
      const rest = first.text.slice(smallMark.length);
      const children: Inline[] = rest === "" ? others : [{ type: "text", text: rest }, ...others];
      return children.length === 0 ? [] : [{ type: "paragraph", children, small: true }];
    }
  }
}

function blocks(tokens: Token[] | undefined, depth: number): Node[] {
  return (tokens ?? []).flatMap((token) => toNode(token, depth));
}

function toList(list: Tokens.List, depth: number): Node {
  const items = list.items.map((item): ListItem => {
    const children = blocks(item.tokens, depth + 1);
    return item.task ? { checked: item.checked === true, children } : { children };
  });
  return { type: "list", start: list.ordered ? Number(list.start) || 0 : null, items };
}

function toTable(table: Tokens.Table, depth: number): Node {
  const cell = (one: Tokens.TableCell) => inlines(one.tokens, depth);
  return {
    type: "table",
    align: table.align,
    header: table.header.map(cell),
    rows: table.rows.map((row) => row.map(cell)),
  };
}

/** The inline children of a block; a block without any is its own text. */
function inline(token: Token, depth: number): Inline[] {
  if ("tokens" in token && token.tokens !== undefined) return inlines(token.tokens, depth);
  const text = "text" in token && typeof token.text === "string" ? token.text : token.raw;
  return text.trim() === "" ? [] : [{ type: "text", text: token.type === "html" ? text.trimEnd() : text }];
}

function inlines(tokens: Token[], depth: number): Inline[] {
  return tokens.flatMap((token): Inline[] => {
    switch (token.type) {
      case "strong":
        return [{ type: "strong", children: inline(token, depth + 1) }];
      case "em":
        return [{ type: "emphasis", children: inline(token, depth + 1) }];
      case "del":
        return [{ type: "strike", children: inline(token, depth + 1) }];
      case "codespan":
        return [{ type: "code", text: (token as Tokens.Codespan).text }];
      case "br":
        return [{ type: "break" }];
      case "link":
        return [{ type: "link", url: decodeEntities((token as Tokens.Link).href), children: inline(token, depth + 1) }];
      case "image": {
        const image = token as Tokens.Image;
        return [{ type: "image", url: decodeEntities(image.href), alt: decodeEntities(image.text) }];
      }
      case "checkbox":
        return [];
      case "html":
        return /^<br\s*\/?>$/i.test(token.raw) ? [{ type: "break" }] : [{ type: "text", text: token.raw }];
      case "escape":
        return [{ type: "text", text: (token as Tokens.Escape).text }];
      default: {
        const text = "text" in token && typeof token.text === "string" ? token.text : token.raw;
        if ("tokens" in token && token.tokens !== undefined && depth < depthMax)
          return inlines(token.tokens, depth + 1);
        return [{ type: "text", text: decodeEntities(text) }];
      }
    }
  });
}

const entities: Record<string, string> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: "\u00a0",
  copy: "©",
  mdash: "—",
  ndash: "–",
  hellip: "…",
};

/** Decodes numeric entities and the few named ones that models write; others stay as they are. */
function decodeEntities(text: string): string {
  if (!text.includes("&")) return text;
  return text.replace(/&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([a-z]{2,6}));/g, (whole, decimal, hex, name) => {
    if (name !== undefined) return entities[String(name)] ?? whole;
    const code = decimal === undefined ? Number.parseInt(String(hex), 16) : Number(decimal);
    return code === 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ? "\ufffd" : String.fromCodePoint(code);
  });
}
