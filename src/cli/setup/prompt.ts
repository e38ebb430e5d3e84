// Questions at the terminal: a line, a hidden line, a choice, yes or no.
import { createInterface } from "node:readline";
import { type Readable, Writable } from "node:stream";
import { limits } from "../../core/limits.ts";
import { hang, proseCells } from "../hang.ts";
import { cleanLine, fit } from "../terminal/text.ts";

/** The person pressed Ctrl-C or Ctrl-D, or the input ended. */
export class Cancelled extends Error {
  override name = "Cancelled";
}

/** Asks a person. Every question rejects with {@link Cancelled} when they leave. */
export interface Prompt {
  say(text: string): void;
  /** One line, trimmed; an empty one means `fallback`, and is asked again when there is none. */
  line(question: string, fallback?: string): Promise<string>;
  /** One line that is not shown. */
  secret(question: string): Promise<string>;
  /** One of a few, by its number. */
  choose<Value>(question: string, options: readonly { value: Value; label: string }[]): Promise<Value>;
  yes(question: string, fallback: boolean): Promise<boolean>;
  /** A line that the next one replaces; undefined takes it away. */
  progress(text: string | undefined): void;
  /** Does something that takes a while. What is typed meanwhile is for nobody; who leaves ends it. */
  during<Result>(work: (signal: AbortSignal) => Promise<Result>): Promise<Result>;
  close(): void;
}

/** The half of a prompt that asks nothing, also for where nobody can be asked. */
export type Talk = Pick<Prompt, "say" | "progress" | "during">;

/** Opens the dialogue; nothing is read before the first question. */
export function createPrompt({ input, output }: { input: Readable; output: Writable }): Prompt {
  let muted = false;
  const echo = new Writable({
    write(chunk, _encoding, done) {
      if (muted) return done();
      output.write(chunk, done);
    },
  });
  // Without the width readline could not redraw an answer that wraps.
  Object.defineProperty(echo, "columns", { get: () => (output as { columns?: number }).columns });
  const reader = createInterface({ input, output: echo, terminal: true, historySize: 0 });
  const lines: string[] = [];
  let waiting: { resolve(line: string): void; reject(error: Error): void } | undefined;
  let ended = false;
  let busy = false;
  let shown: string | undefined;
  const left = new AbortController();
  reader.on("line", (line) => {
    if (busy) return;
    // What is pasted in one go answers the questions that follow, up to a bound.
    if (waiting === undefined && lines.length < limits.promptLinesMax) lines.push(line);
    waiting?.resolve(line);
    waiting = undefined;
  });
  const leave = () => {
    ended = true;
    left.abort();
    waiting?.reject(new Cancelled("The person left"));
    waiting = undefined;
  };
  reader.on("SIGINT", leave);
  reader.on("close", leave);

  // Lines that are too long go on below their text, not in the middle of a word.
  const folded = (text: string): string => {
    const { columns } = output as { columns?: number };
    const cells = columns === undefined ? undefined : proseCells(columns);
    const lines = text.split("\n").map((line) => {
      const head = /^ *(?:\d+ {2})?/.exec(line)?.[0] ?? "";
      return hang(head, line.slice(head.length), cells);
    });
    return lines.join("\n");
  };
  const ask = async (question: string, { hidden = false } = {}): Promise<string> => {
    const early = lines.shift();
    if (early === undefined && ended) throw new Cancelled("The person left");
    if (early !== undefined || hidden) output.write(question);
    if (early !== undefined) return early.trim();
    // A correction redraws the whole line: the question is a part of it.
    reader.setPrompt(question);
    if (!hidden) reader.prompt(true);
    muted = hidden;
    try {
      return (await new Promise<string>((resolve, reject) => (waiting = { resolve, reject }))).trim();
    } finally {
      muted = false;
      reader.setPrompt("");
      if (hidden) output.write("\n");
    }
  };
  const line = async (question: string, fallback?: string): Promise<string> => {
    const shown = fallback === undefined ? `${question}: ` : `${question} [${cleanLine(fallback)}]: `;
    for (;;) {
      const answer = await ask(shown);
      if (answer !== "") return answer;
      if (fallback !== undefined) return fallback;
    }
  };
  return {
    say: (text) => void output.write(`${folded(text)}\n`),
    line,
    async secret(question) {
      for (;;) {
        const answer = await ask(`${question} (not shown): `, { hidden: true });
        if (answer !== "") return answer;
      }
    },
    async choose(question, options) {
      const lines = options.map(({ label }, index) => `  ${index + 1}  ${label}`);
      output.write(`${folded([question, ...lines].join("\n"))}\n`);
      for (;;) {
        const answer = await line("Number", "1");
        const chosen = /^[0-9]{1,3}$/.test(answer) ? options[Number(answer) - 1] : undefined;
        if (chosen !== undefined) return chosen.value;
        output.write(`A number from 1 to ${options.length}, please\n`);
      }
    },
    async yes(question, fallback) {
      for (;;) {
        const answer = (await ask(`${question} ${fallback ? "[Y/n]" : "[y/N]"}: `)).toLowerCase();
        if (answer === "") return fallback;
        if (["y", "yes", "n", "no"].includes(answer)) return answer.startsWith("y");
      }
    },
    progress(text) {
      if (text === shown) return;
      shown = text;
      // A line that wraps could not be replaced.
      const cells = (output as { columns?: number }).columns ?? limits.pipeCells;
      output.write(`\r\u001b[K${text === undefined ? "" : fit(cleanLine(text), cells - 1)}`);
    },
    async during(work) {
      if (ended) throw new Cancelled("The person left");
      busy = muted = true;
      try {
        const gone = new Promise<never>((_, reject) => {
          left.signal.addEventListener("abort", () => reject(new Cancelled("The person left")), { once: true });
        });
        return await Promise.race([work(left.signal), gone]);
      } finally {
        busy = muted = false;
      }
    },
    close: () => reader.close(),
  };
}
