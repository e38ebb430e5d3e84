// Where a markdown tree may be cut: every place in order, each with how much a reader would mind it.
import type { Inline, Node } from "./markdown.ts";
import { rowSize } from "./tree.ts";

/** How good a place is; 0 is best. */
export const ranks = { block: 0, item: 1, line: 2, sentence: 3, word: 4, grapheme: 5 } as const;

/** A place behind `at` units of the tree. A text takes its length; a break, a rule, an entry and a row take one. */
export interface Boundary {
  at: number;
  rank: number;
}

/** The largest stretch without any place for a cut; words longer than this are cut between graphemes. */
const wordUnitsMax = 32;
/** Graphemes longer than this are cut between characters: stacked marks have no end of their own. */
const graphemeUnitsMax = 32;

const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });

/** All places of `nodes` where a cut leaves something on both sides. */
export function boundaries(nodes: readonly Node[]): Boundary[] {
  const walk = new Walk();
  walk.nodes(nodes, { nested: false });
  return walk.places();
}

class Walk {
  #at = 0;
  readonly #places: Boundary[] = [];

  /** In order, one for each offset, none at the start or the end. */
  places(): Boundary[] {
    const found: Boundary[] = [];
    for (const place of this.#places) {
      const last = found.at(-1);
      if (place.at <= 0 || place.at >= this.#at) continue;
      if (last !== undefined && last.at === place.at) last.rank = Math.min(last.rank, place.rank);
      else found.push({ ...place });
    }
    return found;
  }

  nodes(nodes: readonly Node[], { nested }: { nested: boolean }): void {
    for (const [index, node] of nodes.entries()) {
      if (index > 0) this.#mark(rankBetween(nodes[index - 1], node, { nested }));
      this.#node(node);
    }
  }

  #mark(rank: number): void {
    this.#places.push({ at: this.#at, rank });
  }

  #node(node: Node): void {
    switch (node.type) {
      case "paragraph":
      case "heading":
        this.#inlines(node.children, { rank: ranks.line });
        break;
      case "quote":
        this.nodes(node.children, { nested: true });
        break;
      case "code":
        this.#code(node.text);
        this.#at += 1;
        break;
      case "list":
        for (const item of node.items) {
          this.#mark(ranks.item);
          this.#at += 1;
          this.nodes(item.children, { nested: true });
        }
        break;
      case "table":
        if (node.rows.length === 0) this.#at += 1;
        for (const row of node.rows) {
          this.#mark(ranks.item);
          this.#at += rowSize(row);
        }
        break;
      case "rule":
        this.#at += 1;
    }
  }

  #inlines(children: readonly Inline[], { rank }: { rank: number }): void {
    for (const child of children) {
      switch (child.type) {
        case "break":
          this.#at += 1;
          this.#mark(rank);
          break;
        case "text":
          this.#text(child.text, rank);
          break;
        case "code":
          this.#text(child.text, ranks.grapheme);
          break;
        case "image":
          this.#text(child.alt, ranks.grapheme);
          if (child.alt === "") this.#at += 1;
          break;
        case "link":
          this.#inlines(child.children, { rank: ranks.grapheme });
          break;
        default:
          this.#inlines(child.children, { rank });
      }
    }
  }

  /** Lines of code: an empty one is as good as the end of a paragraph. */
  #code(text: string): void {
    for (const line of text.split(/(?<=\n)/)) {
      if (line.trim() === "" && line !== "") this.#mark(ranks.item);
      this.#words(line, ranks.grapheme);
      if (line.endsWith("\n")) this.#mark(ranks.line);
    }
  }

  /** `best` is the best rank that a place in this text may have. */
  #text(text: string, best: number): void {
    for (const sentence of text.split(/(?<=\n)|(?<=[.!?…]["'”’)\]]*\s)|(?<=[。！？])/u)) {
      this.#words(sentence, Math.max(best, ranks.word));
      this.#mark(Math.max(best, sentence.endsWith("\n") ? ranks.line : ranks.sentence));
    }
    // The end of a text is a poor place by itself: what follows may be the rest of the word.
    const last = this.#places.at(-1);
    if (last !== undefined && !/[\s。！？]$/u.test(text)) last.rank = ranks.grapheme;
  }

  #words(text: string, rank: number): void {
    for (const word of text.split(/(?<=\s)(?=\S)/u)) {
      if (word.length > wordUnitsMax) this.#graphemes(word);
      else this.#at += word.length;
      if (/\s$/u.test(word)) this.#mark(rank);
    }
  }

  #graphemes(word: string): void {
    const start = this.#at;
    for (const { segment } of segmenter.segment(word)) {
      if (segment.length <= graphemeUnitsMax) this.#at += segment.length;
      else {
        for (const character of segment) {
          this.#at += character.length;
          this.#mark(ranks.grapheme);
        }
      }
      this.#mark(ranks.grapheme);
    }
    this.#at = start + word.length;
  }
}

/** Headings and introductions stay with what they introduce. */
function rankBetween(before: Node | undefined, node: Node, { nested }: { nested: boolean }): number {
  if (before?.type === "heading") return ranks.grapheme;
  const introduces =
    before?.type === "paragraph" &&
    node.type !== "paragraph" &&
    node.type !== "heading" &&
    endsWithColon(before.children);
  return introduces ? ranks.sentence : nested ? ranks.item : ranks.block;
}

function endsWithColon(children: readonly Inline[]): boolean {
  const last = children.at(-1);
  if (last === undefined || last.type === "break" || last.type === "image") return false;
  return "text" in last ? /[:：]\s*$/u.test(last.text) : endsWithColon(last.children);
}
