// An answer that is still being written: finished blocks come out once as lines, the unfinished rest is redrawn.
import { fenceClosed, parseMarkdown, type SourceBlock, splitMarkdown } from "../../adapters/markdown.ts";
import { limits } from "../../core/limits.ts";
import { codeLines, fenceFoot, fenceHead, type RenderOptions, renderItem, renderNode } from "./render.ts";
import type { Line } from "./style.ts";

/** An open code block whose lines come out one by one; its source is not kept. */
interface OpenFence {
  mark: string;
  /** Indentation of the opening line, taken from each line of code. */
  indent: number;
}

/**
 * Markdown in pieces → lines. {@link take} gives lines that no later text can change, each once; {@link rest}
 * draws what is left. The work for a piece is bounded by the unfinished block, not by the length of the answer.
 */
export class Answer {
  #tail = "";
  #fence: OpenFence | null = null;
  #started = false;
  /** The list that goes on after its last finished entry: the next number, or null for bullets. */
  #list: { next: number | null } | null = null;
  /** Complete lines of the tail that were looked at already and hold no finished block. */
  #seen = 0;
  /** From this length on the tail is looked at again even without a new line. */
  #lookAgain: number = limits.answerParagraphCharsMax;

  /** Adds text. */
  push(delta: string): void {
    this.#tail += delta;
  }

  /** True when nothing is left to draw. */
  get empty(): boolean {
    return this.#tail === "" && this.#fence === null;
  }

  /** Forgets the unfinished rest. */
  dropRest(): void {
    this.#keep("");
  }

  /** What is left of the tail; nothing of it was looked at. */
  #keep(rest: string): void {
    this.#tail = rest;
    this.#seen = 0;
    this.#lookAgain = limits.answerParagraphCharsMax;
  }

  /** The lines that became final since the last call; with `end`, all that is left. */
  take(options: RenderOptions, end = false): Line[] {
    const lines: Line[] = [];
    for (;;) {
      const before = this.#tail.length;
      if (this.#fence !== null) lines.push(...this.#takeFence(options, end));
      else lines.push(...this.#takeBlocks(options, end));
      if (this.#tail.length === before || this.#tail === "") break;
    }
    if (end && this.#fence !== null) {
      this.#fence = null;
      lines.push(fenceFoot());
    }
    return lines;
  }

  /** What is not final yet, as it looks now. */
  rest(options: RenderOptions): Line[] {
    if (this.#fence !== null) {
      const line = this.#tail.slice(indentOf(this.#tail, this.#fence.indent));
      return line === "" || mayClose(line, this.#fence.mark) ? [] : codeLines(line, options.width);
    }
    if (this.#tail.trim() === "") return [];
    return this.#draw(closeMarks(this.#tail), options, false);
  }

  /** Renders blocks with the spacing that belongs before them. Pure when `keep` is false. */
  #draw(source: string, options: RenderOptions, keep: boolean): Line[] {
    const lines: Line[] = [];
    let started = this.#started;
    let list = this.#list;
    for (const [index, node] of parseMarkdown(source).entries()) {
      const goesOn =
        index === 0 && list !== null && node.type === "list" && (node.start === null) === (list.next === null);
      if (started && !goesOn) lines.push([]);
      const start = goesOn ? (list?.next ?? null) : node.type === "list" ? node.start : null;
      if (node.type === "list") {
        for (const [place, item] of node.items.entries()) {
          const marker = start === null ? "• " : `${start + place}. `;
          lines.push(...renderItem(item.children, { ...options, marker, checked: item.checked }));
        }
        list = { next: start === null ? null : start + node.items.length };
      } else {
        lines.push(...renderNode(node, options));
        list = null;
      }
      started = true;
    }
    if (keep) {
      this.#started = started;
      this.#list = list;
    }
    return lines;
  }

  #takeBlocks(options: RenderOptions, end: boolean): Line[] {
    const tail = normalizeEnds(this.#tail);
    this.#tail = tail;
    if (end) {
      this.dropRest();
      return this.#draw(tail, options, true);
    }
    const complete = tail.lastIndexOf("\n") + 1;
    if (complete === this.#seen && tail.length < this.#lookAgain) return [];
    const opened = this.#openFence(options, complete);
    if (opened !== null) return opened;
    const blocks = splitMarkdown(tail.slice(0, complete));
    const finished = finishedPart(blocks);
    if (finished.length > 0) {
      this.#keep(tail.slice(finished.length));
      const lines = this.#draw(tail.slice(0, finished.length), options, true);
      if (!finished.insideList) this.#list = null;
      return lines;
    }
    this.#seen = complete;
    this.#lookAgain = tail.length + limits.answerParagraphCharsMax;
    return this.#takeOverlong(blocks, options);
  }

  /** A block that grows without end is cut where a line or a word ends: redrawing all of it would cost too much. */
  #takeOverlong(blocks: readonly SourceBlock[], options: RenderOptions): Line[] {
    const kind = blocks.at(-1)?.kind ?? "paragraph";
    const most = kind === "paragraph" ? limits.answerParagraphCharsMax : limits.answerBlockCharsMax;
    const looked = blocks.reduce((sum, { raw }) => sum + raw.length, 0);
    // More has come than is looked at at once: what follows the block in hand is not known yet.
    const full = looked < this.#tail.lastIndexOf("\n") + 1;
    if (this.#tail.length < most && !full) return [];
    const part = full ? this.#tail.slice(0, looked) : this.#tail;
    const least = Math.min(most, part.length) / 2;
    const line = part.lastIndexOf("\n");
    const space = part.lastIndexOf(" ");
    const cut = line > least ? line + 1 : space > least ? space + 1 : wholeLength(part);
    const source = this.#tail.slice(0, cut);
    // A table goes on under its head; without it the rows would be no table any more.
    const head = kind === "table" ? source.split("\n", 2).map((row) => `${row}\n`) : [];
    this.#keep(head.join("") + this.#tail.slice(cut));
    const lines = this.#draw(source, options, true);
    this.#started = false;
    return lines;
  }

  /** Enters an open fence at the start of the tail: from there on its lines are final one by one. */
  #openFence(options: RenderOptions, complete: number): Line[] | null {
    const match = /^(?:[ ]*\n)*( {0,3})(`{3,}|~{3,})([^\n]*)\n/.exec(this.#tail.slice(0, complete));
    const mark = match?.[2] ?? "";
    const info = match?.[3] ?? "";
    if (match === null || (mark.startsWith("`") && info.includes("`"))) return null;
    const lines: Line[] = this.#started ? [[]] : [];
    lines.push(fenceHead(/^\s*(\S*)/.exec(info)?.[1] ?? "", options.width));
    this.#fence = { mark, indent: match[1]?.length ?? 0 };
    this.#started = true;
    this.#list = null;
    this.#keep(this.#tail.slice(match[0].length));
    return lines;
  }

  #takeFence(options: RenderOptions, end: boolean): Line[] {
    const fence = this.#fence;
    if (fence === null) return [];
    const text = normalizeEnds(end && this.#tail !== "" ? `${this.#tail}\n` : this.#tail);
    const lines: Line[] = [];
    let from = 0;
    for (let to = text.indexOf("\n"); to >= 0; to = text.indexOf("\n", from)) {
      const line = text.slice(from, to);
      from = to + 1;
      if (closes(line, fence.mark)) {
        lines.push(fenceFoot());
        this.#fence = null;
        break;
      }
      lines.push(...codeLines(line.slice(indentOf(line, fence.indent)), options.width));
    }
    this.#tail = text.slice(from);
    if (this.#fence !== null && this.#tail.length > limits.answerBlockCharsMax) {
      // One line of code without an end.
      const cut = wholeLength(this.#tail);
      lines.push(...codeLines(this.#tail.slice(0, cut), options.width));
      this.#tail = this.#tail.slice(cut);
    }
    return lines;
  }
}

/** `\r\n` as `\n`; a `\r` at the very end waits for what follows. */
function normalizeEnds(text: string): string {
  return text.includes("\r") ? text.replace(/\r\n|\r(?!$)/g, "\n") : text;
}

/** A cut that does not split a surrogate pair. */
function wholeLength(text: string): number {
  const last = text.charCodeAt(text.length - 1);
  return last >= 0xd800 && last < 0xdc00 ? text.length - 1 : text.length;
}

function closes(line: string, mark: string): boolean {
  return line.replace(/^ {0,3}/, "").trimEnd().length >= mark.length && mayClose(line, mark);
}

/** True for the beginning of a closing fence, too. */
function mayClose(line: string, mark: string): boolean {
  const text = line.replace(/^ {0,3}/, "").trimEnd();
  return text !== "" && [...text].every((character) => character === mark[0]);
}

function indentOf(line: string, most: number): number {
  let count = 0;
  while (count < most && line[count] === " ") count += 1;
  return count;
}

/** How much of the source no later line can change: finished blocks, and finished entries of a last list. */
function finishedPart(blocks: readonly SourceBlock[]): { length: number; insideList: boolean } {
  const last = blocks.findLastIndex((block) => block.kind !== "space");
  const block = blocks[last];
  const before = blocks.slice(0, Math.max(0, last)).reduce((sum, one) => sum + one.raw.length, 0);
  if (block === undefined) return { length: 0, insideList: false };
  const spaced = last < blocks.length - 1 || /\n[ \t]*\n$/.test(block.raw);
  if (isClosed(block, spaced)) return { length: before + block.raw.length, insideList: false };
  if (block.items.length > 1) return { length: before + itemsLength(block), insideList: true };
  return { length: before, insideList: false };
}

/** Length of all entries of a list but the last. */
function itemsLength(block: SourceBlock): number {
  let length = 0;
  for (const item of block.items.slice(0, -1)) {
    // An entry's source may have lost the line end before the next one.
    length = block.raw.indexOf(item, length) + item.length;
    while (block.raw[length] === "\n") length += 1;
  }
  return length;
}

function isClosed(block: SourceBlock, spaced: boolean): boolean {
  switch (block.kind) {
    case "heading":
    case "rule":
      return true;
    case "fence":
      return fenceClosed(block.raw);
    case "paragraph":
    case "table":
    case "quote":
      return spaced;
    default:
      return false;
  }
}

/** Closes marks that the writer has most likely just opened, so that the style is there while the text forms. */
function closeMarks(text: string): string {
  const from = text.lastIndexOf("\n\n") + 1;
  const last = text.slice(from);
  if (/^ {0,3}(?:```|~~~)/m.test(last)) return text;
  const ticks = last.match(/`+/g) ?? [];
  if (ticks.length % 2 === 1) return last.endsWith("`") ? text : `${text}${ticks.at(-1) ?? ""}`;
  const strong = last.match(/\*\*/g)?.length ?? 0;
  return strong % 2 === 1 && !/[\s*]$/.test(last) ? `${text}**` : text;
}
