// What the messages of an answer are cut with: the words of a markdown tree, and its two halves at a place.
import type { Inline, ListItem, Node } from "./markdown.ts";

/** The words of `nodes` without any mark-up, one line for each line that they take. */
export function textOf(nodes: readonly Node[]): string {
  return nodes.map(nodeText).join("\n");
}

function nodeText(node: Node): string {
  switch (node.type) {
    case "paragraph":
    case "heading":
      return inlineText(node.children);
    case "code":
      return node.text;
    case "quote":
      return textOf(node.children);
    case "list":
      return node.items.map(({ children }) => textOf(children)).join("\n");
    case "table":
      return [node.header, ...node.rows].map((row) => row.map(inlineText).join(" ")).join("\n");
    case "rule":
      return "";
  }
}

/** The words of a line without any mark-up. */
export function inlineText(children: readonly Inline[]): string {
  return children
    .map((child) => {
      if (child.type === "break") return "\n";
      if (child.type === "image") return child.alt;
      return "text" in child ? child.text : inlineText(child.children);
    })
    .join("");
}

/** What is before and behind a cut; null where nothing is left. */
export type Halves<T> = [T | null, T | null];
/** Units that still belong to the head. A leaf takes its text, what has none or is more than it takes one. */
export interface Cursor {
  left: number;
}

/** `nodes` before and behind a {@link Boundary}. Mark-up that it lies in is there on both sides. */
export function cutNodes(nodes: readonly Node[], at: number): [Node[], Node[]] {
  const cursor = { left: at };
  return cutEach(nodes, (node) => cutNode(node, cursor));
}

/** Both halves of `all`, each cut by `cut`. */
export function cutEach<T>(all: readonly T[], cut: (one: T) => Halves<T>): [T[], T[]] {
  const [head, tail]: [T[], T[]] = [[], []];
  for (const one of all) {
    const [before, behind] = cut(one);
    if (before !== null) head.push(before);
    if (behind !== null) tail.push(behind);
  }
  return [head, tail];
}

/** Takes one unit: true when it belongs to the head. */
function takesOne(cursor: Cursor): boolean {
  cursor.left -= 1;
  return cursor.left >= 0;
}

/** Both halves of one block. */
export function cutNode(node: Node, cursor: Cursor): Halves<Node> {
  if (cursor.left <= 0) return [null, node];
  switch (node.type) {
    case "paragraph":
    case "heading":
      return wrap(cutInlines(node.children, cursor), (children) => ({ ...node, children }));
    case "quote":
      return wrap(
        cutEach(node.children, (child) => cutNode(child, cursor)),
        (children) => ({ ...node, children }),
      );
    case "code": {
      const [head, tail] = cutCode(node.text, cursor);
      return [head === null ? null : { ...node, text: head }, tail === null ? null : { ...node, text: tail }];
    }
    case "list": {
      const [head, tail] = cutItems(node.items, cursor);
      const shown = tail[0]?.continued === true ? head.length - 1 : head.length;
      const start = node.start === null ? null : node.start + Math.max(0, shown);
      return [
        head.length === 0 ? null : { ...node, items: head },
        tail.length === 0 ? null : { ...node, start, items: tail },
      ];
    }
    case "table": {
      const [head, tail] = cutEach(node.rows, (row) => (cutRow(row, cursor) ? [row, null] : [null, row]));
      if (node.rows.length === 0) return takesOne(cursor) ? [node, null] : [null, node];
      return wrap([head, tail], (rows) => ({ ...node, rows }));
    }
    case "rule":
      return takesOne(cursor) ? [node, null] : [null, node];
  }
}

function wrap<T, Out>([head, tail]: [T[], T[]], make: (children: T[]) => Out): Halves<Out> {
  return [head.length === 0 ? null : make(head), tail.length === 0 ? null : make(tail)];
}

function cutItems(items: readonly ListItem[], cursor: Cursor): [ListItem[], ListItem[]] {
  return cutEach<ListItem>(items, (item) => {
    if (!takesOne(cursor)) return [null, item];
    const [head, tail] = cutEach(item.children, (child) => cutNode(child, cursor));
    if (tail.length === 0) return [item, null];
    if (head.length === 0) return [null, item];
    return [
      { ...item, children: head },
      { ...item, continued: true, children: tail },
    ];
  });
}

/** True when the row belongs to the head; rows are whole. */
function cutRow(row: readonly Inline[][], cursor: Cursor): boolean {
  const here = cursor.left > 0;
  cursor.left -= rowSize(row);
  return here;
}

/** Units that a row takes. */
export function rowSize(row: readonly Inline[][]): number {
  return row.reduce((sum, cell) => sum + inlineText(cell).length, 1);
}

function cutCode(text: string, cursor: Cursor): Halves<string> {
  const at = cursor.left;
  cursor.left -= text.length + 1;
  if (at > text.length) return [text, null];
  const [head, tail] = [text.slice(0, at), text.slice(at)];
  // The line end at the cut belongs to neither.
  return [head.trim() === "" ? null : head.replace(/\n$/, ""), tail.trim() === "" ? null : tail];
}

function cutInlines(children: readonly Inline[], cursor: Cursor): [Inline[], Inline[]] {
  return cutEach(children, (child) => cutInline(child, cursor));
}

function cutInline(child: Inline, cursor: Cursor): Halves<Inline> {
  if (cursor.left <= 0) return [null, child];
  switch (child.type) {
    case "break":
      return takesOne(cursor) ? [child, null] : [null, child];
    case "text":
    case "code": {
      const [head, tail] = cutText(child.text, cursor);
      return [head === null ? null : { ...child, text: head }, tail === null ? null : { ...child, text: tail }];
    }
    case "image": {
      if (child.alt === "") return takesOne(cursor) ? [child, null] : [null, child];
      const [head, tail] = cutText(child.alt, cursor);
      return [head === null ? null : { ...child, alt: head }, tail === null ? null : { ...child, alt: tail }];
    }
    default:
      return wrap(cutInlines(child.children, cursor), (inner) => ({ ...child, children: inner }));
  }
}

function cutText(text: string, cursor: Cursor): Halves<string> {
  const at = cursor.left;
  cursor.left -= text.length;
  if (at >= text.length) return [text, null];
  const [head, tail] = [text.slice(0, at).trimEnd(), text.slice(at).trimStart()];
  return [head === "" ? null : head, tail === "" ? null : tail];
}
