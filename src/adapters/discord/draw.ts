// Blocks → Discord's own markdown (support.discord.com/hc/en-us/articles/210298617): what it lacks is made readable.
import type { Inline, ListItem, Node } from "../markdown.ts";
import { drawTable } from "../table.ts";
import { inlineText } from "../tree.ts";

const ruler = "──────────";
/** Stands before each line of a quote in a quote, which Discord does not have. */
const innerQuote = "▏ ";
/** Discord shows headings of three sizes. */
const headingLevels = 3;

/** Draws `nodes`, which must be legal. White space around the text is gone. */
export function draw(nodes: readonly Node[]): string {
  return blocks(nodes, { quoted: false })
    .join("\n")
    .replace(/^(?:[ \t]*\n)+/, "")
    .trimEnd();
}

/** True when a person would see nothing of `text`. */
export function isBlank(text: string): boolean {
  return !/[^\s\p{M}\p{Cf}\p{Cc}\u115f\u1160\u2800\u3164\uffa0*_~>`\\]/u.test(text);
}

interface Around {
  /** Inside of a quote already. */
  quoted: boolean;
}

/** The lines of blocks; between two of them is a blank one where they would run together. */
function blocks(nodes: readonly Node[], around: Around): string[] {
  const lines: string[] = [];
  for (const [index, node] of nodes.entries()) {
    const own = block(node, around);
    if (own.length === 0) continue;
    if (lines.length > 0 && !isTight(nodes[index - 1], node)) lines.push("");
    lines.push(...own);
  }
  return lines;
}

/** Discord sets headings and code apart by itself. */
function isTight(before: Node | undefined, node: Node): boolean {
  return before?.type === "heading" || before?.type === "code" || before?.type === "table" || node.type === "code";
}

function block(node: Node, around: Around): string[] {
  switch (node.type) {
    case "paragraph":
      return textLines(node.children).map((line) => (node.small === true ? `-# ${line}` : line));
    case "heading":
      return heading(node);
    case "code":
      return fence(node.text, node.language);
    case "table":
      return fence(drawTable(node), "");
    case "rule":
      return [ruler];
    case "quote": {
      const mark = around.quoted ? innerQuote : "> ";
      return blocks(node.children, { quoted: true }).map((line) => `${mark}${line}`);
    }
    case "list":
      return node.items.flatMap((item, index) => listItem(item, { number: ordinal(node.start, index), around }));
  }
}

function ordinal(start: number | null, index: number): number | null {
  return start === null ? null : start + index;
}

function heading({ level, children }: Extract<Node, { type: "heading" }>): string[] {
  const text = textLines(children).join(" ");
  if (isBlank(text)) return [];
  // Bold in bold would end it.
  if (level > headingLevels) return [`**${escaped(inlineText(children).replace(/\s+/g, " ").trim())}**`];
  return [`${"#".repeat(level)} ${text}`];
}

/** A block of code. Three backticks in it would end it: something without width keeps them apart. */
function fence(text: string, language: string): string[] {
  if (text.trim() === "") return [];
  const named = /^[\w+#.-]{1,30}$/.test(language) ? language : "";
  return [`\`\`\`${named}`, ...text.replace(/\s+$/, "").replaceAll("```", "`\u200b`\u200b`").split("\n"), "```"];
}

function listItem(item: ListItem, { number, around }: { number: number | null; around: Around }): string[] {
  const box = item.checked === undefined ? "" : item.checked ? "☑ " : "☐ ";
  const marker = number === null ? "- " : `${number}. `;
  const indent = " ".repeat(marker.length);
  const lines = blocks(item.children, around).filter((line) => line !== "");
  const first = item.continued === true ? indent : marker + box;
  if (lines.length === 0) return item.continued === true ? [] : [first.trimEnd()];
  // A fence works at the beginning of a line only, and would keep the blanks before its lines.
  let code = false;
  const drawn = lines.map((line, index) => {
    const edge = line.startsWith("```");
    const plain = code || edge;
    if (edge) code = !code;
    return plain ? line : `${index === 0 ? first : indent}${line}`;
  });
  return lines[0]?.startsWith("```") === true && item.continued !== true ? [first.trimEnd(), ...drawn] : drawn;
}

/** The lines of a text; a line that would begin a heading, a list or a quote is kept from it. */
function textLines(children: readonly Inline[]): string[] {
  const text = inlines(children);
  if (isBlank(text)) return [];
  return text.split("\n").map((line) =>
    line
      .trim()
      .replace(/^(?=#{1,3} |-# |[-+] |>)/, "\\")
      .replace(/^(\d{1,9})([.)] )/, "$1\\$2"),
  );
}

function inlines(children: readonly Inline[]): string {
  return children.map(inline).join("");
}

function inline(child: Inline): string {
  switch (child.type) {
    case "text":
      return escaped(child.text);
    case "break":
      return "\n";
    case "code":
      return codeSpan(child.text);
    case "strong":
      return marked(child.children, "**");
    case "emphasis":
      return marked(child.children, "*");
    case "strike":
      return marked(child.children, "~~");
    case "image":
      return link(child.url, escaped(child.alt.trim() === "" ? "image" : child.alt), child.alt);
    case "link":
      return link(child.url, inlines(child.children), inlineText(child.children));
  }
}

/** Marks hold what they touch: white space at the edges stays outside. */
function marked(children: readonly Inline[], mark: string): string {
  const text = inlines(children);
  const inner = text.trim();
  if (isBlank(inner)) return text;
  const start = text.slice(0, text.indexOf(inner));
  return `${start}${mark}${inner}${mark}${text.slice(start.length + inner.length)}`;
}

function codeSpan(text: string): string {
  const flat = text.replace(/\s+/g, " ");
  if (flat.trim() === "") return flat;
  if (!flat.includes("`")) return `\`${flat}\``;
  return flat.includes("``") ? escaped(flat) : `\`\` ${flat} \`\``;
}

/** A link with its words. Words that are an address themselves are not hidden behind another: Discord shows both then. */
function link(url: string, words: string, plain: string): string {
  const target = URL.parse(url);
  if (target === null || !/^https?:$/.test(target.protocol) || url.length > 1_500) return words || escaped(url);
  const address = `<${target.href.replaceAll(">", "%3E")}>`;
  if (plain.trim() === "" || plain === url || `${plain}/` === target.href) return address;
  if (/:\/\/|^www\.|discord\.gg/i.test(plain)) return `${words} (${address})`;
  return `[${words.replaceAll("\n", " ")}](${address})`;
}

/** Text in which nothing is a mark. */
function escaped(text: string): string {
  return text.replace(/[\\*_~`|<[\]]/g, "\\$&");
}
