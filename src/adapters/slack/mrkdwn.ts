// Blocks of markdown → Slack's mrkdwn, in which marks have no escape: where one would stick to a word, a space of no width stands between.

import type { Inline, Node } from "../markdown.ts";
import { drawTable, isNarrow } from "../table.ts";
import { inlineText } from "../tree.ts";
import { entities } from "./text.ts";

/** Turns `@name` into a mention where exactly one person is known by it. */
export type Handles = (name: string) => string | undefined;

/** Keeps a mark from a word, or a pair of marks from being one. */
const apart = "\u200B";
const bullets = ["•", "◦", "▪"];
const indent = "    ";
const ruler = "──────────";
const urlUnitsMax = 2_000;

interface Style {
  bold?: true;
  italic?: true;
  strike?: true;
  code?: true;
  link?: string;
}
interface Run {
  text: string;
  style: Style;
}

/** One block, without code blocks and narrow tables, which `format.ts` draws. Never throws. */
export function drawBlock(node: Node, handles: Handles): string {
  return lines(node, { handles, depth: 0 }).join("\n");
}

interface Drawing {
  handles: Handles;
  /** Of lists in lists. */
  depth: number;
}

function lines(node: Node, drawing: Drawing): string[] {
  switch (node.type) {
    case "paragraph":
      return inlines(node.children, drawing);
    case "heading":
      return inlines([{ type: "strong", children: node.children }], drawing);
    case "code":
      return ["```", ...fenced(node.text).split("\n"), "```"];
    case "table":
      return isNarrow(node) ? ["```", ...fenced(drawTable(node)).split("\n"), "```"] : records(node, drawing);
    case "rule":
      return [ruler];
    case "quote":
      return blocks(node.children, drawing).map((line) => `> ${line}`);
    case "list":
      return list(node, drawing);
  }
}

/** Blocks below each other, a blank line between those that are not lists of one. */
function blocks(nodes: readonly Node[], drawing: Drawing): string[] {
  return nodes.flatMap((node, index) => [...(index > 0 && node.type !== "list" ? [""] : []), ...lines(node, drawing)]);
}

function list({ items, start }: Extract<Node, { type: "list" }>, drawing: Drawing): string[] {
  return items.flatMap((item, index) => {
    const box = item.checked === undefined ? "" : item.checked ? "☑ " : "☐ ";
    const bullet = start === null ? bullets[Math.min(drawing.depth, bullets.length - 1)] : `${start + index}.`;
    const marker = item.continued === true ? indent : box !== "" && start === null ? box : `${bullet} ${box}`;
    const [first = "", ...more] = blocks(item.children, { ...drawing, depth: drawing.depth + 1 });
    // A code block begins its own line.
    if (first === "```") return [marker.trimEnd(), first, ...more];
    return [`${marker}${first}`, ...more.map((line) => `${indent}${line}`)];
  });
}

/** One paragraph a row, one line a cell: `header: value`. */
function records({ header, rows }: Extract<Node, { type: "table" }>, drawing: Drawing): string[] {
  const shown = rows.length === 0 ? [header] : rows;
  return shown.flatMap((row, index) => {
    const cells = row.flatMap((cell, column): string[] => {
      if (inlineText(cell).trim() === "") return [];
      const label = rows.length === 0 ? [] : (header[column] ?? []);
      const named: Inline[] =
        inlineText(label).trim() === ""
          ? []
          : [
              { type: "strong", children: [...label, { type: "text", text: ":" }] },
              { type: "text", text: " " },
            ];
      return inlines([...named, ...cell], drawing);
    });
    return [...(index > 0 ? [""] : []), ...cells];
  });
}

/** Text for a fence; one that would end it is broken up. */
export function fenced(text: string): string {
  return entities(clean(text)).replaceAll("```", `\`${apart}\`${apart}\``);
}

function inlines(children: readonly Inline[], drawing: Drawing): string[] {
  const runs = children.flatMap((child) => runsOf(child, {}));
  const all: Run[][] = [[]];
  for (const { text, style } of runs) {
    for (const [index, line] of text.split("\n").entries()) {
      if (index > 0) all.push([]);
      if (line !== "") all.at(-1)?.push({ text: line, style });
    }
  }
  return all.map((line) => drawLine(line, drawing.handles));
}

function runsOf(child: Inline, style: Style): Run[] {
  switch (child.type) {
    case "text":
      return [{ text: clean(child.text), style }];
    case "code":
      return child.text.trim() === ""
        ? [{ text: child.text, style }]
        : [{ text: clean(child.text), style: { ...style, code: true } }];
    case "break":
      return [{ text: "\n", style: {} }];
    case "image":
      return linked(child.url, [{ type: "text", text: `🖼 ${child.alt.trim() || "image"}` }], style);
    case "link":
      return linked(child.url, child.children, style);
    case "strong":
      return child.children.flatMap((one) => runsOf(one, { ...style, bold: true }));
    case "emphasis":
      return child.children.flatMap((one) => runsOf(one, { ...style, italic: true }));
    case "strike":
      return child.children.flatMap((one) => runsOf(one, { ...style, strike: true }));
  }
}

/** A link, or its words with the address behind them where Slack would take no link of it. */
function linked(address: string, children: readonly Inline[], style: Style): Run[] {
  const url = clean(address).trim();
  const text = inlineText(children).trim();
  const safe = linkable(url);
  if (safe !== undefined)
    return [{ text: (text === "" ? url : clean(text)).replace(/\n/g, " "), style: { ...style, link: safe } }];
  const runs = children.flatMap((one) => runsOf(one, style));
  return url === "" || url === text ? runs : [...runs, { text: text === "" ? url : ` (${url})`, style }];
}

/** An address within angle brackets: nothing in it ends them, and it is no mention. */
function linkable(url: string): string | undefined {
  if (url.length > urlUnitsMax || !/^(?:https?:\/\/|mailto:)/i.test(url) || !URL.canParse(url)) return undefined;
  return url.replace(/[<>|\s]/g, (one) => encodeURIComponent(one)).replaceAll("&", "&amp;");
}

/** One line. Marks stand around words, and stick to none outside of them. */
function drawLine(runs: readonly Run[], handles: Handles): string {
  let out = "";
  for (const run of merged(runs)) {
    const { text, style } = run;
    const core = text.trim();
    const [open, close] = marksOf(style);
    if (open === "" && style.link === undefined) {
      const words = mention(guarded(entities(text)), handles);
      out += needsRoom(out, words, true) ? `${apart}${words}` : words;
      continue;
    }
    const before = /^\s*/.exec(text)?.[0] ?? "";
    if (core === "") {
      out += text;
      continue;
    }
    const inner = style.code === true ? entities(core).replaceAll("`", `'`) : entities(core);
    const shown = style.link === undefined ? inner : `<${style.link}|${inner.replaceAll("|", "¦")}>`;
    const piece = `${open}${shown}${close}`;
    out += before;
    out += `${needsRoom(out, piece, false) ? apart : ""}${piece}${text.slice(before.length + core.length)}`;
  }
  return out;
}

/** Neighbours of one style are one run. */
function merged(runs: readonly Run[]): Run[] {
  const all: Run[] = [];
  for (const run of runs) {
    const last = all.at(-1);
    if (last !== undefined && isSame(last.style, run.style)) last.text += run.text;
    else all.push({ ...run });
  }
  return all;
}

function isSame(one: Style, other: Style): boolean {
  return one === other || (marksOf(one)[0] === marksOf(other)[0] && one.link === other.link);
}

function marksOf({ bold, italic, strike, code }: Style): [open: string, close: string] {
  const open = `${bold === true ? "*" : ""}${italic === true ? "_" : ""}${strike === true ? "~" : ""}${code === true ? "`" : ""}`;
  return [open, [...open].toReversed().join("")];
}

/** Whether a mark would stand right beside a letter or another mark. */
function needsRoom(out: string, next: string, plain: boolean): boolean {
  if (out === "" || next === "") return false;
  const last = out.at(-1) ?? "";
  if (plain) return /[*_~`]/.test(last) && /^[\p{L}\p{N}*_~`]/u.test(next);
  return /[\p{L}\p{N}*_~`]/u.test(last) && /^[*_~`]/.test(next);
}

/** Plain text in which a pair of marks would be taken for one: the first is kept from its word. */
function guarded(text: string): string {
  const closes = new Map<string, number>();
  for (const { 1: mark = "", index } of text.matchAll(/(?<=\S)([*_~`])(?=\W|$)/g)) closes.set(mark, index);
  const opens = /(^|[\s([{"'])([*_~`])(?=\S)/g;
  const kept = text.replace(opens, (whole, before: string, mark: string, at: number) =>
    (closes.get(mark) ?? 0) > at + before.length ? `${whole}${apart}` : whole,
  );
  return kept.replace(/^&gt;/, `${apart}&gt;`);
}

function mention(text: string, handles: Handles): string {
  return text.replace(/(^|[\s(])@([a-z0-9][a-z0-9._-]{0,79})/gi, (whole, before: string, name: string) => {
    const bare = name.replace(/[._-]+$/, "");
    const id = handles(bare.toLowerCase());
    return id === undefined ? whole : `${before}<@${id}>${name.slice(bare.length)}`;
  });
}

/** Without lone surrogates, control characters and what reorders the text around it. */
export function clean(text: string): string {
  if (/^[\n\t\x20-\x7e]*$/.test(text)) return text;
  return text
    .toWellFormed()
    .replace(/\r\n?|[\u2028\u2029]/g, "\n")
    .replace(/(?![\n\t])\p{Cc}|[\u202a-\u202e\u2066-\u2069]/gu, "");
}
