// What a turn is made of on the screen: each part gives its final lines once and draws its unfinished rest.
import { Answer } from "./answer.ts";
import type { RenderOptions } from "./render.ts";
import { duration, elapsed, spinner } from "./spinner.ts";
import { dim, type Line, type Style, span, wrap } from "./style.ts";
import { clean, cleanLine, fit, width } from "./text.ts";

/** What lines are made for. `now` counts milliseconds, for spinners and elapsed times. */
export interface DrawOptions extends RenderOptions {
  now: number;
}

/** A part of the transcript. Once `done`, one more `take` gives all that is left. */
export interface Part {
  readonly kind: "answer" | "thinking" | "tool" | "text";
  readonly done: boolean;
  /** Lines that are final now; each comes once. */
  take(options: DrawOptions): Line[];
  /** What is not final yet. */
  rest(options: DrawOptions): Line[];
}

/** Output lines of a running tool that are shown, and how much of its output is kept for them. */
const tailLines = 5;
const tailChars = 8_000;

/** Columns left of an answer: only the screen itself writes there, so that no answer looks like the prompt. */
export function gutter(columns: number): number {
  return columns < 30 ? 1 : 2;
}

function indented(lines: readonly Line[], cells: number): Line[] {
  return lines.map((line) => (line.length === 0 ? [] : [span(" ".repeat(cells)), ...line]));
}

/** Lines that are final from the start. */
export class TextPart implements Part {
  readonly kind = "text";
  readonly done = true;
  #draw: (options: DrawOptions) => Line[];
  constructor(draw: (options: DrawOptions) => Line[]) {
    this.#draw = draw;
  }
  take(options: DrawOptions): Line[] {
    return this.#draw(options);
  }
  rest(): Line[] {
    return [];
  }
}

/** One remark of the program: `mark` in the first columns, the text wrapped beside it. */
export function remark(text: string, options: { mark: string; style: Style }): TextPart {
  return new TextPart(({ width: columns }) => {
    const indent = width(options.mark) + 1;
    const lines = wrap([span(clean(text), options.style)], Math.max(1, columns - indent));
    return lines.map((line, index) => [
      span(index === 0 ? `${options.mark} ` : " ".repeat(indent), options.style),
      ...line,
    ]);
  });
}

/** What a person said, as it stands in the transcript; long texts are shortened. */
export function inputPart(text: string): TextPart {
  const linesMax = 30;
  return new TextPart(({ width: columns }) => {
    const room = Math.max(1, columns - 2);
    const source = clean(text).split("\n");
    const lines = source.slice(0, linesMax).flatMap((line) => wrap([span(line, { bold: true })], room));
    if (source.length > linesMax) lines.push([span(`… ${source.length - linesMax} more lines`, dim)]);
    return lines.map((line, index) => [span(index === 0 ? "❯ " : "  ", { color: "cyan", bold: true }), ...line]);
  });
}

/** Markdown that forms; also used for whole texts. `bar` marks words of the program itself. */
export class AnswerPart implements Part {
  readonly kind = "answer";
  done = false;
  /** Some of it is final and cannot be taken back. */
  shown = false;
  #answer = new Answer();
  #bar: boolean;
  #text = "";

  constructor(options: { bar?: boolean } = {}) {
    this.#bar = options.bar ?? false;
  }

  /** All that was pushed. */
  get text(): string {
    return this.#text;
  }

  push(delta: string): void {
    this.#text += delta;
    this.#answer.push(delta);
  }

  /** Forgets what is not final; used when the stored text differs from the streamed one. */
  dropRest(): void {
    this.#answer.dropRest();
  }

  take(options: DrawOptions): Line[] {
    const lines = this.#answer.take(this.#inner(options), this.done);
    this.shown ||= lines.length > 0;
    return this.#framed(lines, options.width);
  }

  rest(options: DrawOptions): Line[] {
    return this.done ? [] : this.#framed(this.#answer.rest(this.#inner(options)), options.width);
  }

  #inner(options: DrawOptions): RenderOptions {
    return { width: Math.max(1, options.width - gutter(options.width)), links: options.links };
  }

  #framed(lines: readonly Line[], columns: number): Line[] {
    const cells = gutter(columns);
    if (!this.#bar) return indented(lines, cells);
    return lines.map((line) => [span("┃".padEnd(cells), { color: "magenta" }), ...line]);
  }
}

/** Thinking in one line: its last words while it goes on, its time afterwards. */
export class ThinkingPart implements Part {
  readonly kind = "thinking";
  done = false;
  #since: number;
  #until: number;
  #tail = "";

  constructor(now: number) {
    this.#since = now;
    this.#until = now;
  }

  push(delta: string): void {
    this.#tail = (this.#tail + delta).slice(-400);
  }

  end(now: number): void {
    this.#until = now;
    this.done = true;
  }

  take(): Line[] {
    return this.done ? [[span(`∴ thought for ${duration(this.#until - this.#since)}`, dim)]] : [];
  }

  rest(options: DrawOptions): Line[] {
    if (this.done) return [];
    const head = `${spinner(options.now)} thinking ${elapsed(options.now - this.#since)}  `;
    const room = options.width - width(head) - 1;
    const words = cleanLine(this.#tail.slice(-Math.max(0, room))).trim();
    return [[span(head, dim), span(room > 8 ? fit(words, room) : "", { ...dim, italic: true })]];
  }
}

/** One tool call: a line of its own, and while it runs the end of its output. */
export class ToolPart implements Part {
  readonly kind = "tool";
  done = false;
  readonly call: string;
  #title: string;
  #since: number;
  #output = "";
  #result: { ok: boolean | null; ms: number; text: string } | null = null;

  constructor(options: { call: string; title: string; now: number }) {
    this.call = options.call;
    this.#title = cleanLine(options.title);
    this.#since = options.now;
  }

  output(text: string): void {
    this.#output = (this.#output + text).slice(-tailChars);
  }

  /** `ok` null: it was cut off and its outcome is not known. */
  end(result: { ok: boolean | null; ms: number; text: string }): void {
    this.#result = { ...result, text: result.text.slice(-tailChars) };
    this.done = true;
  }

  take(options: DrawOptions): Line[] {
    const result = this.#result;
    if (result === null) return [];
    if (result.ok === null)
      return [this.#line("?", { mark: { color: "yellow" }, after: "cut off", width: options.width })];
    const time = duration(result.ms);
    if (result.ok) return [this.#line("✓", { mark: { color: "green" }, after: time, width: options.width })];
    const code = /\bexit(?:ed)?(?: with)?(?: code| status)?:? (\d{1,3})\b/i.exec(result.text)?.[1];
    const after = code === undefined ? time : `${time}  exit ${code}`;
    return [
      this.#line("✗", { mark: { color: "red" }, after, width: options.width }),
      ...tail(result.text, options.width),
    ];
  }

  rest(options: DrawOptions): Line[] {
    if (this.done) return [];
    const after = elapsed(options.now - this.#since);
    const head = this.#line(spinner(options.now), { mark: { color: "cyan" }, after, width: options.width });
    return [head, ...tail(this.#output, options.width)];
  }

  #line(sign: string, options: { mark: Style; after: string; width: number }): Line {
    const room = options.width - 2 - options.after.length - 2;
    return [
      span(`${sign} `, options.mark),
      span(fit(this.#title, Math.max(4, room))),
      span(room >= 4 ? `  ${options.after}` : "", dim),
    ];
  }
}

/** The last lines of an output, dim and each cut to one row. */
function tail(text: string, columns: number): Line[] {
  // A progress bar rewrites its line by carriage returns: what stands last is what a person would see.
  const lines = text
    .replace(/\r\n/g, "\n")
    .split("\n")
    .map((line) => cleanLine(line.slice(line.lastIndexOf("\r", line.length - 2) + 1)).trimEnd())
    .filter((line) => line !== "");
  return lines.slice(-tailLines).map((line) => [span(`  │ ${fit(line, Math.max(1, columns - 4))}`, dim)]);
}
