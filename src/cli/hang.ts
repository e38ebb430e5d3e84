// Text for people on a terminal: wrapped at words below its head, and paths as they are called there.
import { limits } from "../core/limits.ts";
import { width } from "./terminal/text.ts";

/** What is comfortably read, whatever the window's width. */
const cellsMax = 78;
/** Less room than this beside a head is worse than a line that the terminal wraps. */
const roomMin = 20;

/** How facts are shown on `columns`. In a pipe as they are: its reader takes one line for one fact, and a path whole. */
export function lookOf(
  columns: number,
  home: string | undefined,
): { cells: number | undefined; home: string | undefined } {
  if (columns >= limits.pipeCells) return { cells: undefined, home: undefined };
  return { cells: Math.min(columns, cellsMax), home };
}

/** Cells of a line of prose, which nothing but a person reads. */
export function proseCells(columns: number): number {
  return Math.min(columns, cellsMax);
}

/** `head` and `text` after it; further lines begin below the text. A word that is too long stays whole. */
export function hang(head: string, text: string, cells: number | undefined): string {
  const indent = width(head);
  if (cells === undefined || cells - indent < roomMin) return `${head}${text}`;
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line === "" || width(longer) <= cells - indent) {
      line = longer;
    } else {
      lines.push(line);
      line = word;
    }
  }
  return head + [...lines, line].join(`\n${" ".repeat(indent)}`);
}

/** Paths below the home folder with `~`; quoted ones stay, because a shell takes a quoted `~` as it is. */
export function homely(text: string, home: string | undefined): string {
  if (home === undefined || home.length < 2) return text;
  const literal = home.replace(/\/+$/, "").replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return text.replace(new RegExp(`(?<![^\\s(])${literal}(?=[/\\s,:;)]|$)`, "g"), "~");
}
