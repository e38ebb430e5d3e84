// The painter: rows that scroll up for good, and below them a live region that is redrawn in place.
import type { Row } from "./style.ts";

/** What a frame shows. `cursor` is where the person types, counted in the live rows. */
export interface Frame {
  /** Rows that are final: written once, above the live region. */
  settled: readonly Row[];
  live: readonly Row[];
  cursor: { row: number; cell: number };
}

/** Terminal modes while the screen is on: bracketed paste, and keys with their modifiers where known. */
export const modesOn = "\x1b[?2004h\x1b[>1u";
export const modesOff = "\x1b[<u\x1b[?2004l\x1b[?7h\x1b[?25h\x1b[0m";

/**
 * Turns frames into what is written to the terminal: one string a frame, inside a synchronized update, with
 * automatic wrapping off so that a width the terminal sees differently cannot shift the rows below. Rows
 * that did not change are not written again. The last live row must leave the screen's height unfilled.
 */
export class Screen {
  #columns: number;
  #rows: readonly Row[] = [];
  #cursor = { row: 0, cell: 0 };
  /** The live region cannot be trusted and is written whole. */
  #lost = true;

  constructor(columns: number) {
    this.#columns = columns;
  }

  /** The bytes that bring the terminal from the last frame to this one; empty when nothing changed. */
  draw(frame: Frame): string {
    const { settled, live, cursor } = frame;
    const same = !this.#lost && settled.length === 0 && sameRows(this.#rows, live);
    if (same && cursor.row === this.#cursor.row && cursor.cell === this.#cursor.cell) return "";
    let out = "\x1b[?2026h\x1b[?25l\x1b[?7l";
    out += `${up(this.#cursor.row)}\r`;
    const whole = this.#lost || settled.length > 0;
    if (this.#lost) out += "\x1b[J";
    for (const row of settled) out += `${this.#text(row)}\r\n`;
    const shrinks = this.#rows.length + settled.length > live.length;
    for (const [index, row] of live.entries()) {
      if (index > 0) out += "\r\n";
      const last = index === live.length - 1;
      if (whole || row.text !== this.#rows[index]?.text) {
        // Erased first where rows below may go too: after a full row the cursor stands on its last cell.
        out += last && (shrinks || whole) ? `\x1b[J${row.text}` : this.#text(row);
      } else if (last && shrinks) {
        out += `\x1b[J${row.text}`;
      }
    }
    out += `${up(live.length - 1 - cursor.row)}\r${cursor.cell > 0 ? `\x1b[${cursor.cell}C` : ""}`;
    out += "\x1b[?7h\x1b[?25h\x1b[?2026l";
    this.#rows = live;
    this.#cursor = { ...cursor };
    this.#lost = false;
    return out;
  }

  /**
   * The window has a new width: the terminal has wrapped our rows again, so that they may take more screen
   * rows than before. Gives what moves the cursor to the top of them.
   */
  resize(columns: number): string {
    if (columns === this.#columns) return "";
    const above = this.#rows.slice(0, this.#cursor.row);
    const rows = above.reduce((sum, row) => sum + Math.max(1, Math.ceil(row.cells / columns)), 0);
    const out = `${up(rows + Math.floor(this.#cursor.cell / columns))}\r\x1b[J`;
    this.#columns = columns;
    this.#rows = [];
    this.#cursor = { row: 0, cell: 0 };
    this.#lost = true;
    return out;
  }

  /** The live region is gone (the terminal was somebody else's meanwhile): the next frame writes it anew. */
  forget(): void {
    this.#rows = [];
    this.#cursor = { row: 0, cell: 0 };
    this.#lost = true;
  }

  #text(row: Row): string {
    return row.cells < this.#columns ? `${row.text}\x1b[K` : row.text;
  }
}

function up(rows: number): string {
  return rows > 0 ? `\x1b[${rows}A` : "";
}

function sameRows(a: readonly Row[], b: readonly Row[]): boolean {
  return a.length === b.length && a.every((row, index) => row.text === b[index]?.text);
}
