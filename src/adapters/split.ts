// One answer → the messages that it becomes: the markdown tree is cut where a reader minds least, mark-up intact.
import { assert } from "../core/assert.ts";
import { limits } from "../core/limits.ts";
import { type Boundary, boundaries, ranks } from "./boundaries.ts";
import { type Chunk, Chunks } from "./chunks.ts";
import { type Node, parseSources } from "./markdown.ts";
import { cutEach, cutNode, cutNodes, textOf } from "./tree.ts";

export interface SplitOptions {
  /** True when one message holds these blocks as the platform renders them. What holds some holds fewer of them. */
  fits(nodes: readonly Node[]): boolean;
  /** The tree as the platform shows it, made before anything is measured. */
  prepare?(nodes: Node[]): Node[];
  /** Messages at most. */
  partsMax?: number;
}

export interface Split {
  /** The blocks of each message. */
  parts: Node[][];
  /**
   * Markdown that found no place, from the start of the block on that the last part ends in; empty when all did.
   */
  rest: string;
}

/** A block that is not sent yet, with its source. */
interface Piece {
  raw: string;
  nodes: Node[];
}

/**
 * Cuts `markdown` into messages. Parses only as much of it as the messages take, so the work is bounded by their
 * number. No word is lost or doubled in the parts; white space at a cut is.
 */
export function splitMessage(markdown: string, options: SplitOptions): Split {
  const { fits, prepare = (nodes) => nodes, partsMax = limits.answerPartsMax } = options;
  assert(partsMax > 0, "an answer becomes one message at least");
  const chunks = new Chunks(markdown);
  const parts: Node[][] = [];
  let pending: Piece[] = [];
  for (;;) {
    let whole = fits(nodesOf(pending));
    for (let chunk = whole ? chunks.next() : null; chunk !== null; chunk = whole ? chunks.next() : null) {
      pending = append(pending, { chunk, prepare });
      whole = fits(nodesOf(pending));
    }
    const nodes = nodesOf(pending);
    if (nodes.length === 0) return { parts, rest: "" };
    if (parts.length === partsMax) return { parts, rest: pending.map(({ raw }) => raw).join("") + chunks.rest };
    if (whole) return { parts: [...parts, nodes], rest: "" };
    const at = cutAt(nodes, fits);
    if (at === null) {
      pending = flattenFirst(pending);
      continue;
    }
    const [head] = cutNodes(nodes, at);
    if (head.length > 0) parts.push(head);
    pending = drop(pending, at);
  }
}

/** The longest end of `nodes` that fits. Empty when nothing does. */
export function endOf(nodes: Node[], fits: SplitOptions["fits"]): Node[] {
  if (fits(nodes)) return nodes;
  const places = boundaries(nodes);
  let [low, high] = [0, places.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const place = places[middle];
    if (place !== undefined && fits(cutNodes(nodes, place.at)[1])) high = middle;
    else low = middle + 1;
  }
  const word = places.slice(low, low + wordsLookedAt).find(({ rank }) => rank < ranks.grapheme) ?? places[low];
  return word === undefined ? [] : cutNodes(nodes, word.at)[1];
}

/** So many places are looked through for one between words. */
const wordsLookedAt = 200;

function nodesOf(pieces: readonly Piece[]): Node[] {
  return pieces.flatMap(({ nodes }) => nodes);
}

function append(pending: Piece[], { chunk, prepare }: { chunk: Chunk; prepare(nodes: Node[]): Node[] }): Piece[] {
  const added = parseSources(chunk.source).map(({ raw, nodes }) => ({ raw, nodes: prepare(nodes) }));
  const [last, first] = [pending.at(-1), added[0]];
  const [before, next] = [last?.nodes.at(-1), first?.nodes[0]];
  // A code block that the chunks divided is one again.
  if (chunk.joint !== null && before?.type === "code" && next?.type === "code" && last !== undefined) {
    const joined: Node = { ...next, text: before.text + chunk.joint + next.text };
    const piece = { raw: last.raw + (first?.raw ?? ""), nodes: [...last.nodes.slice(0, -1), joined] };
    return [...pending.slice(0, -1), piece, ...added.slice(1)];
  }
  return [...pending, ...added];
}

/** The pieces behind the first `at` units. */
function drop(pending: Piece[], at: number): Piece[] {
  const cursor = { left: at };
  const tail: Piece[] = [];
  for (const piece of pending) {
    const nodes = cutEach(piece.nodes, (node) => cutNode(node, cursor))[1];
    if (nodes.length > 0 || tail.length > 0) tail.push({ raw: piece.raw, nodes });
  }
  return tail;
}

/** How far into the best place a part must reach, by the place's rank: a good place is worth some empty room. */
const fillMin = [0.35, 0.5, 0.6, 0.7, 0.5, 0] as const;

/** The best place for a cut whose head fits, or null when no head does. */
function cutAt(nodes: Node[], fits: SplitOptions["fits"]): number | null {
  const places = boundaries(nodes);
  const works = (place: Boundary | undefined) => place !== undefined && fits(cutNodes(nodes, place.at)[0]);
  let [low, high] = [-1, places.length - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (works(places[middle])) low = middle;
    else high = middle - 1;
  }
  const last = places[low];
  if (last === undefined) return forcedCut(nodes, places);
  for (const [rank, fill] of fillMin.entries()) {
    const found = places.slice(0, low + 1).findLast((place) => place.rank === rank);
    if (found !== undefined && found.at >= last.at * fill && (found === last || works(found))) return found.at;
  }
  return last.at;
}

/** Nothing fits, not even one character of plain text: that one goes alone, so that there is an end. */
function forcedCut(nodes: Node[], places: Boundary[]): number | null {
  const first = nodes[0];
  const plain = first?.type === "paragraph" && first.children.every(({ type }) => type === "text");
  return plain ? (places[0]?.at ?? textOf(nodes).length) : null;
}

/** The first block as plain text: for one that is too large in its smallest part. */
function flattenFirst(pending: Piece[]): Piece[] {
  const index = pending.findIndex(({ nodes }) => nodes.length > 0);
  return pending.map((piece, place) => {
    const [first, ...others] = piece.nodes;
    if (place !== index || first === undefined) return piece;
    const text = textOf([first]);
    const plain: Node[] = text.trim() === "" ? [] : [{ type: "paragraph", children: [{ type: "text", text }] }];
    return { raw: piece.raw, nodes: [...plain, ...others] };
  });
}
