// A small terminal for tests: it understands what the screen may write and throws at anything else.

interface Cell {
  text: string;
  /** Second half of a wide character. */
  ghost: boolean;
}

const known = new Set(["?2026", "?25", "?7", "?2004"]);

/** A grid with scrollback. {@link write} throws for every sequence that the screen has no business to send. */
export class Emulator {
  columns: number;
  rows: number;
  /** All lines since the beginning; the window shows the last `rows` of them. */
  lines: Cell[][] = [[]];
  row = 0;
  column = 0;
  wrapping = true;
  hidden = false;
  links: string[] = [];
  #width: (grapheme: string) => number;
  #segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });

  constructor(options: { columns: number; rows: number; width(grapheme: string): number }) {
    this.columns = options.columns;
    this.rows = options.rows;
    this.#width = options.width;
  }

  /** First line of the window. */
  get top(): number {
    return Math.max(0, this.lines.length - this.rows);
  }

  /** All lines as text, without trailing spaces. */
  get text(): string[] {
    return this.lines.map((line) =>
      line
        .filter((cell) => !cell.ghost)
        .map((cell) => cell.text)
        .join("")
        .trimEnd(),
    );
  }

  write(data: string): void {
    let rest = data;
    while (rest !== "") {
      if (rest.startsWith("\x1b")) rest = this.#escape(rest);
      else if (rest.startsWith("\r")) {
        this.column = 0;
        rest = rest.slice(1);
      } else if (rest.startsWith("\n")) {
        this.#lineFeed();
        rest = rest.slice(1);
      } else {
        const run = /^[^\p{Cc}]+/u.exec(rest)?.[0];
        if (run === undefined) throw new Error(`Control character ${JSON.stringify(rest[0])} was written`);
        if (/[\u202a-\u202e\u2066-\u2069]/.test(run)) throw new Error("A bidi control was written");
        for (const { segment } of this.#segmenter.segment(run)) this.#put(segment);
        rest = rest.slice(run.length);
      }
    }
  }

  /** A new width: every line longer than it is wrapped again, as most terminals do. */
  resize(columns: number): void {
    const before = this.lines;
    const lines: Cell[][] = [];
    let { row, column } = this;
    for (const [index, line] of before.entries()) {
      const start = lines.length;
      const used = line.length;
      for (let from = 0; from === 0 || from < used; from += columns) lines.push(line.slice(from, from + columns));
      if (index === this.row) {
        row = start + Math.floor(this.column / columns);
        column = this.column % columns;
        while (lines.length <= row) lines.push([]);
      }
    }
    this.lines = lines;
    this.row = row;
    this.column = column;
    this.columns = columns;
  }

  #lineFeed(): void {
    this.row += 1;
    while (this.lines.length <= this.row) this.lines.push([]);
  }

  #put(segment: string): void {
    const cells = this.#width(segment);
    if (cells === 0) return;
    if (this.column + cells > this.columns) {
      if (!this.wrapping) this.column = this.columns - cells;
      else {
        this.#lineFeed();
        this.column = 0;
      }
    }
    const line = this.lines[this.row] ?? [];
    this.lines[this.row] = line;
    while (line.length < this.column) line.push({ text: " ", ghost: false });
    line[this.column] = { text: segment, ghost: false };
    if (cells === 2) line[this.column + 1] = { text: "", ghost: true };
    this.column += cells;
    if (!this.wrapping) this.column = Math.min(this.column, this.columns - 1);
  }

  #escape(data: string): string {
    const link = /^\x1b\]8;;([^\x07\x1b]*)\x1b\\/.exec(data);
    if (link !== null) {
      if (link[1] !== "" && link[1] !== undefined) this.links.push(link[1]);
      return data.slice(link[0].length);
    }
    const match = /^\x1b\[([?<>]?)([0-9;]*)([A-Za-z])/.exec(data);
    if (match === null) throw new Error(`Sequence ${JSON.stringify(data.slice(0, 12))} was written`);
    const [whole, prefix = "", digits = "", final = ""] = match;
    const count = digits === "" ? 1 : Number(digits.split(";")[0]);
    if (prefix === "?" && (final === "h" || final === "l") && known.has(`?${digits}`)) {
      if (digits === "7") this.wrapping = final === "h";
      if (digits === "25") this.hidden = final === "l";
    } else if (prefix !== "" && final === "u") {
      // Keyboard modes change nothing that is seen.
    } else if (prefix === "" && final === "m") {
      if (digits.split(";").some((one) => one !== "" && Number(one) > 36)) throw new Error(`Attribute ${digits}`);
    } else if (prefix === "" && final === "A") this.row = Math.max(this.top, this.row - count);
    else if (prefix === "" && final === "C") this.column = Math.min(this.columns - 1, this.column + count);
    else if (prefix === "" && final === "K" && digits === "") this.#erase(false);
    else if (prefix === "" && final === "J" && digits === "") this.#erase(true);
    else throw new Error(`Sequence ${JSON.stringify(whole)} was written`);
    return data.slice(whole.length);
  }

  #erase(below: boolean): void {
    this.lines[this.row] = (this.lines[this.row] ?? []).slice(0, this.column);
    if (!below) return;
    for (let row = this.row + 1; row < this.lines.length; row += 1) this.lines[row] = [];
  }
}
