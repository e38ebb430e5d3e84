// Markdown → messages of Slack: sections of mrkdwn and blocks of code within its limits, and the text that stands for both.
import { limits } from "../../core/limits.ts";
import { boundaries } from "../boundaries.ts";
import { lastChunk } from "../chunks.ts";
import { closeMarks } from "../forming.ts";
import { type Node, parseMarkdown } from "../markdown.ts";
import { endOf, splitMessage } from "../split.ts";
import { drawTable, isNarrow } from "../table.ts";
import { cutNodes, textOf as wordsOf } from "../tree.ts";
import { clean, drawBlock, fenced, type Handles } from "./mrkdwn.ts";
import { entities } from "./text.ts";

/** A stretch of a message: words with marks, small ones beside them, or code that is shown as it is. */
export interface Stretch {
  kind: "words" | "small" | "code";
  text: string;
}

/** A block of a message. Source: docs.slack.dev/reference/block-kit/blocks. */
export type Block = Record<string, unknown> & { type: string };

/** Of a section. */
const sectionCharsMax = 3_000;
/** Of all blocks of a message together. No page says it; above about 13,200 Slack answers `msg_blocks_too_long`. */
const blocksCharsMax = 12_000;
/** Of the words of a message; the rest is for buttons and for what cuts add. */
const messageCharsMax = 10_000;
/** Slack takes 50 blocks; one is kept for buttons. */
const stretchesMax = 45;
/** By which a block may grow when it is cut into two sections. */
const cutCharsMax = 64;
/** Of the text beside blocks: chat.update takes 4,000 characters of it (`msg_too_long`). */
const textCharsMax = 3_900;
/** Of text that a stream takes at once and in all: its `markdown_text` has 12,000. */
const streamCharsMax = 11_000;
/** Stand between the parts of a stored body; no text has them. */
const stretchesApart = "\u001E";
const streamApart = "\u001D";
/** By the letter that a stretch begins with there. */
const kinds: Readonly<Record<string, Stretch["kind"]>> = { w: "words", s: "small", c: "code" };
const reserved = new RegExp(`[${stretchesApart}${streamApart}]`, "g");

/** An answer as bodies of messages, none blank; of a long one as many as `partsMax`. Never throws. */
export function render(markdown: string, { handles, partsMax }: { handles: Handles; partsMax: number }): string[] {
  const fits = (nodes: readonly Node[]) => isWithin(nodes, handles);
  const { parts } = splitMessage(markdown, { fits, partsMax });
  const bodies = parts.map((nodes) => stretchesOf(nodes, handles)).filter((all) => all.length > 0);
  return bodies.length === 0 ? [bodyOf([nothingYet])] : bodies.map((all) => bodyOf(all));
}

/** An answer that is still being written, as one body: its end where it is long, and what a stream shows of it. */
export function renderForming(markdown: string, { handles }: { handles: Handles }): string {
  const source = lastChunk(markdown, limits.formingChars);
  const nodes = parseMarkdown(closeMarks(source));
  const fits = (some: readonly Node[]) => isWithin(some, handles);
  const whole = source.length === markdown.length && fits(nodes);
  const end = whole ? nodes : endOf(nodes, (some) => fits([more, ...some]));
  const shown = stretchesOf(whole ? end : [more, ...end], handles);
  const body = bodyOf(shown.length === 0 ? [nothingYet] : shown);
  return markdown.length > streamCharsMax ? body : `${body}${streamApart}${streamText(markdown)}`;
}

const nothingYet: Stretch = { kind: "words", text: "…" };
const more: Node = { type: "paragraph", children: [{ type: "text", text: "…" }] };

/**
 * What a stream may show: without a last paragraph that says what is just being done, which will be another one, and
 * with nothing that Slack would take for a mention of many, and without links: streams have no switch for previews.
 */
function streamText(markdown: string): string {
  const settled = markdown.replace(/(?:^|\n\n)[^\n]*…(?: and \d+ more)?\s*$/, "");
  return withoutLinks(clean(settled).replace(/<(?=[!@#])/g, "<\u2060"));
}

/** What stands in a body. `stream` is there for forming ones. */
export function readBody(body: string): { stretches: Stretch[]; stream?: string } {
  const at = body.indexOf(streamApart);
  const shown = at < 0 ? body : body.slice(0, at);
  const stretches = shown
    .split(stretchesApart)
    .map((one): Stretch => ({ kind: kinds[one[0] ?? ""] ?? "words", text: one.slice(1) }));
  return { stretches, ...(at < 0 ? {} : { stream: body.slice(at + 1) }) };
}

function bodyOf(stretches: readonly Stretch[]): string {
  return stretches.map(({ kind, text }) => `${kind[0]}${text.replace(reserved, "")}`).join(stretchesApart);
}

/** Blocks of a message. */
export function blocksOf(stretches: readonly Stretch[]): Block[] {
  return stretches.map(({ kind, text }) => {
    if (kind === "code") {
      const code = { type: "rich_text_preformatted", elements: [{ type: "text", text }] };
      return { type: "rich_text", elements: [code] };
    }
    // Links and mentions are written out: what stands in plain words stays that.
    const words = { type: "mrkdwn", text, verbatim: true };
    return kind === "small" ? { type: "context", elements: [words] } : { type: "section", text: words, expand: true };
  });
}

/** The same as text alone: for notifications, and for a message whose blocks are refused. */
export function textOf(stretches: readonly Stretch[], { charsMax = textCharsMax } = {}): string {
  const text = stretches
    .map(({ kind, text: own }) => (kind === "code" ? `\`\`\`\n${fenced(own)}\n\`\`\`` : own))
    .join("\n\n");
  return text.length <= charsMax ? text : `${text.slice(0, charsMax - 1).toWellFormed()}…`;
}

/** Blocks that hold the same words without any marks: nothing in them can be malformed. */
export function plainBlocksOf(stretches: readonly Stretch[]): Block[] {
  return (
    stretches
      .flatMap(({ kind, text }) => pieces(kind === "code" ? entities(text) : text))
      // What is escaped may take more room than it did; four sections are surely no more than a message holds.
      .slice(0, Math.floor(blocksCharsMax / sectionCharsMax))
      .map((text) => ({ type: "section", text: { type: "plain_text", text, emoji: false } }))
  );
}

/** The text under a file, in one piece; a long one is cut. It has no links: nothing would switch their previews off. */
export function captionOf(markdown: string, handles: Handles): string {
  const [first = ""] = render(markdown, { handles, partsMax: 1 });
  const bare = textOf(readBody(first).stretches).replace(
    /<((?:https?:|mailto:)[^<>|]*)\|([^<>]*)>/gi,
    (_whole, url: string, label: string) => (label === url ? url : `${label} (${url})`),
  );
  return withoutLinks(bare);
}

/** Addresses as words: Slack fetches what it takes for a link, and shows a preview of it. */
function withoutLinks(text: string): string {
  return text.replace(/(?<=\b(?:https?|ftp|mailto)):/gi, ":\u200B");
}

/** Whether one message holds these blocks, however they will be cut into stretches. */
function isWithin(nodes: readonly Node[], handles: Handles): boolean {
  let chars = 0;
  let codes = 0;
  for (const node of nodes) {
    const code = codeOf(node);
    if (code !== undefined || isSmall(node)) codes += 1;
    chars += (code ?? drawBlock(node, handles)).length + 2;
    if (chars > messageCharsMax) return false;
  }
  // A stretch that was cut holds a quarter of what it might at least; words begin anew behind each code.
  return Math.ceil((4 * chars) / sectionCharsMax) + 2 * codes <= stretchesMax;
}

function isSmall(node: Node): boolean {
  return node.type === "paragraph" && node.small === true;
}

/** What stands as it is in a block of its own. */
function codeOf(node: Node): string | undefined {
  if (node.type === "code") return clean(node.text).replace(/\s+$/, "");
  return node.type === "table" && isNarrow(node) ? clean(drawTable(node)) : undefined;
}

/** Blocks as stretches. Neighbours share one as long as it holds them; one that is too long is cut where it may be. */
function stretchesOf(nodes: readonly Node[], handles: Handles): Stretch[] {
  const all: Stretch[] = [];
  const add = ({ kind, text }: Stretch) => {
    const last = all.at(-1);
    if (kind === "words" && last?.kind === "words" && last.text.length + text.length + 2 <= sectionCharsMax)
      last.text += `\n\n${text}`;
    else all.push({ kind, text });
  };
  for (const node of nodes) for (const one of drawn(node, handles)) if (one.text.trim() !== "") add(one);
  return all;
}

function drawn(node: Node, handles: Handles): Stretch[] {
  const code = codeOf(node);
  if (code !== undefined) return [{ kind: "code", text: code }];
  const text = drawBlock(node, handles);
  if (text.length <= sectionCharsMax) return [{ kind: isSmall(node) ? "small" : "words", text }];
  const halves = halved(node);
  const grown = halves.reduce((sum, half) => sum + drawBlock(half, handles).length, -text.length);
  // A link that is cut is there twice: where that takes much room, its words have to do.
  if (halves.length < 2 || grown > cutCharsMax)
    return pieces(entities(wordsOf([node]))).map((one) => ({ kind: "words", text: one }));
  return halves.flatMap((half) => drawn(half, handles));
}

/** A block in two, near its middle; itself when it has no place for that. */
function halved(node: Node): Node[] {
  const places = boundaries([node]);
  const middle = Math.floor(places.length / 2);
  const near = places.slice(Math.floor(middle / 2), middle + Math.ceil(middle / 2) + 1);
  const best = near.toSorted((one, other) => one.rank - other.rank)[0];
  if (best === undefined) return [node];
  const [head, tail] = cutNodes([node], best.at);
  return head.length === 0 || tail.length === 0 ? [node] : [...head, ...tail];
}

/** Escaped words in texts that a section holds. */
function pieces(escaped: string): string[] {
  const all: string[] = [];
  let piece = "";
  for (const [one] of escaped.matchAll(/&(?:amp|lt|gt);|[\s\S]/gu)) {
    if (piece.length + one.length > sectionCharsMax) {
      all.push(piece);
      piece = "";
    }
    piece += one;
  }
  return piece === "" ? all : [...all, piece];
}
