// Markdown → messages of Telegram: HTML within the server's limits, and the text to send if it is refused anyway.
import { limits } from "../../core/limits.ts";
import { lastChunk } from "../chunks.ts";
import { closeMarks } from "../forming.ts";
import { type Node, parseMarkdown } from "../markdown.ts";
import { endOf, splitMessage } from "../split.ts";
import { type Drawn, draw, isBlank } from "./html.ts";
import { legal } from "./legal.ts";

/** One message. */
export interface Part {
  /** For `parse_mode: "HTML"`. */
  html: string;
  /** For no parse mode, when the server says that it cannot parse the other. */
  plain: string;
}

/** What the server counts, per message or caption. */
interface Bounds {
  /** UTF-16 units of the text as it is shown. */
  units: number;
}

const message: Bounds = { units: 4_096 };
const caption: Bounds = { units: 1_024 };
/** The request's text with its tags, in bytes of UTF-8. */
const htmlBytesMax = 32 * 1024;
/** Formatting beyond this many stretches is dropped by the server. */
const entitiesMax = 100;
/** More than about 9,500 bytes of formatting, mostly addresses of links, are refused (ENTITIES_TOO_LONG). */
const entityBytesMax = 8_000;

/**
 * An answer as messages, none blank. `rest` is the markdown that more than `partsMax` messages would take, to be
 * sent as a file; it begins with the block that the last message ends in. Never throws.
 */
export function render(
  markdown: string,
  { partsMax = limits.answerPartsMax }: { partsMax?: number } = {},
): { parts: Part[]; rest: string } {
  const fits = (nodes: readonly Node[]) => isWithin(draw(nodes), message);
  const { parts, rest } = splitMessage(markdown, { fits, prepare: legal, partsMax });
  return { parts: parts.map((nodes) => toPart(draw(nodes), message)).filter(({ plain }) => !isBlank(plain)), rest };
}

/**
 * An answer that is still being written, as one message: marks that are open are closed, and of a long text the end
 * is shown behind "…". Null while there is nothing to see. The work does not grow with the text's length, but for a
 * look for open code blocks in at most the last `limits.formingScanChars`.
 */
export function renderForming(markdown: string): Part | null {
  const source = lastChunk(markdown, limits.formingChars);
  const nodes = legal(parseMarkdown(closeMarks(source)));
  const fits = (some: readonly Node[]) => isWithin(draw(some), message);
  if (source.length === markdown.length && fits(nodes)) return visible(draw(nodes));
  const more: Node = { type: "paragraph", children: [{ type: "text", text: "…" }] };
  const end = endOf(nodes, (some) => fits([more, ...some]));
  return isBlank(draw(end).text) ? null : visible(draw([more, ...end]));
}

/** The text of a file or picture; null when it is blank or does not fit, and belongs into a message of its own. */
export function renderCaption(markdown: string): Part | null {
  const fits = (nodes: readonly Node[]) => isWithin(draw(nodes), caption);
  const { parts, rest } = splitMessage(markdown, { fits, prepare: legal, partsMax: 1 });
  const nodes = rest === "" ? parts[0] : undefined;
  return nodes === undefined ? null : visible(draw(nodes), caption);
}

function visible(drawn: Drawn, bounds: Bounds = message): Part | null {
  return isBlank(drawn.text) ? null : toPart(drawn, bounds);
}

/** Addresses are left out of the plain text where they would make it too long. */
function toPart({ html, text, plain }: Drawn, { units }: Bounds): Part {
  return { html, plain: plain.length <= units ? plain : text };
}

function isWithin(drawn: Drawn, { units }: Bounds): boolean {
  return (
    drawn.text.length <= units &&
    drawn.entities <= entitiesMax &&
    drawn.entityBytes <= entityBytesMax &&
    Buffer.byteLength(drawn.html) <= htmlBytesMax
  );
}
