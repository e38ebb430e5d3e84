// Where everything of the live region stands: transcript, prompt, list of commands, status; cut to the window.
import type { ChatState } from "../../core/frame.ts";
import type { Prompt } from "./input.ts";
import { commandLines, promptLines } from "./prompt.ts";
import { dim, type Line, span, wrap } from "./style.ts";
import { cleanLine, fit } from "./text.ts";
import { sessionText } from "./welcome.ts";

interface LayoutOptions {
  columns: number;
  rows: number;
  live: readonly Line[];
  prompt: Prompt;
  state: ChatState | null;
  waiting: number;
  question: string | null;
  stopping: boolean;
  running: boolean;
  leaving: boolean;
}

const commandRowsMax = 6;
const promptRowsMax = 10;

/** The lines of the live region, at most one less than the window has rows, and the cursor in them. */
export function layout(options: LayoutOptions): { lines: Line[]; cursor: { row: number; cell: number } } {
  const { columns } = options;
  const room = Math.max(1, options.rows - 1);
  if (options.question !== null) return question(options, room);
  const prompt = promptLines(options.prompt.editor, {
    columns,
    height: Math.min(promptRowsMax, room),
    hint: options.state === null ? "connecting…" : "",
  });
  const below = belowPrompt(options).slice(0, Math.max(0, room - prompt.lines.length));
  const left = room - prompt.lines.length - below.length;
  const above = clip(options.live, left);
  const lines = [...above, ...prompt.lines, ...below];
  return { lines, cursor: { row: above.length + prompt.cursor.row, cell: Math.min(prompt.cursor.cell, columns - 1) } };
}

/** The end of the transcript that fits, with an empty line before the prompt. */
function clip(live: readonly Line[], room: number): Line[] {
  if (room < 1) return [];
  if (room < 3) return live.slice(-room).map((line) => line);
  return [...live.slice(-(room - 1)), []];
}

function belowPrompt(options: LayoutOptions): Line[] {
  const { columns, prompt } = options;
  if (prompt.searchLine !== null) return [[span(fit(cleanLine(prompt.searchLine), columns - 1), dim)]];
  const { commands, selected } = prompt.completion;
  if (commands.length > 0) return commandLines(commands, { columns, height: commandRowsMax, selected });
  return [status(options)];
}

/** One line: what is going on, and where one is. */
function status(options: LayoutOptions): Line {
  const { columns, state } = options;
  const doing: string[] = [];
  if (options.leaving) doing.push("press ctrl-c again to leave");
  else if (options.stopping) doing.push("stopping…");
  else if (options.running) doing.push("ctrl-c stops");
  if (options.waiting > 0) doing.push(`${options.waiting} waiting`);
  if (state !== null && !options.leaving) {
    doing.push(sessionText(state), state.demo ? "demo model" : state.model);
    if (state.folder !== null) doing.push(state.folder);
  }
  return [span(fit(cleanLine(doing.join(" · ")), Math.max(1, columns - 1)), dim)];
}

function question(options: LayoutOptions, room: number): { lines: Line[]; cursor: { row: number; cell: number } } {
  const lines = wrap([span(cleanLine(options.question ?? ""), { color: "yellow" })], options.columns - 1);
  const ask = "Use tools here? [y/N] ";
  const asked: Line[] = [...lines, [span(fit(ask, options.columns - 1), { bold: true })]].slice(-room);
  const above = clip(options.live, room - asked.length);
  const cell = Math.min(ask.length, options.columns - 1);
  return { lines: [...above, ...asked], cursor: { row: above.length + asked.length - 1, cell } };
}
