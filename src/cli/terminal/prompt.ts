// The prompt as rows: the text being typed, wrapped, with the cursor's place, and the list of commands below it.
import type { ChatCommand } from "../../core/frame.ts";
import type { Editor } from "./editor.ts";
import { dim, type Span, type Style, span } from "./style.ts";
import { clean, fit, graphemeWidth, width } from "./text.ts";

export interface PromptView {
  lines: Span[][];
  cursor: { row: number; cell: number };
}

const mark: Style = { color: "cyan", bold: true };

/** The editor's text at `columns`, at most `height` rows around the cursor. */
export function promptLines(editor: Editor, options: { columns: number; height: number; hint: string }): PromptView {
  const indent = options.columns >= 10 ? 2 : 1;
  const room = Math.max(1, options.columns - indent - 1);
  const lines: Span[][] = [[]];
  let used = 0;
  let cursor = { row: 0, cell: 0 };
  const place = () => {
    cursor = { row: lines.length - 1, cell: used };
  };
  const add = (text: string, style: Style) => {
    const cells = graphemeWidth(text);
    if (used + cells > room) {
      lines.push([]);
      used = 0;
    }
    const line = lines.at(-1) ?? [];
    const last = line.at(-1);
    // One span a run keeps rows short; atoms of one style join.
    if (last !== undefined && last.style === style) last.text += text;
    else line.push({ text, style });
    used += cells;
  };
  for (const [index, atom] of editor.atoms.entries()) {
    if (index === editor.cursor) place();
    if (atom.text === "\n" && atom.shown === undefined) {
      lines.push([]);
      used = 0;
    } else if (atom.shown !== undefined) {
      for (const character of atom.shown) add(character, dim);
    } else {
      add(atom.text === "\t" ? "  " : clean(atom.text), plainStyle);
    }
  }
  if (editor.cursor === editor.atoms.length) {
    if (used >= room) {
      lines.push([]);
      used = 0;
    }
    place();
  }
  if (editor.empty && options.hint !== "") lines[0]?.push(span(fit(options.hint, room), dim));
  const from = Math.max(0, Math.min(cursor.row - options.height + 1, lines.length - options.height));
  const shown = lines.slice(from, from + options.height).map((line, index) => {
    const first = from + index === 0;
    return [span((first ? "❯ " : "  ").slice(0, indent), mark), ...line];
  });
  return { lines: shown, cursor: { row: cursor.row - from, cell: cursor.cell + indent } };
}

const plainStyle: Style = {};

/** The rows of a list of commands: name, arguments and summary; `selected` is marked; at most `height` rows. */
export function commandLines(
  commands: readonly ChatCommand[],
  options: { columns: number; height: number; selected: number | null },
): Span[][] {
  const { columns, height } = options;
  if (height < 1) return [];
  const selected = options.selected ?? 0;
  const from = Math.max(0, Math.min(selected - height + 2, commands.length - height));
  const shown = commands.slice(from, from + height);
  const label = (command: ChatCommand) => clean(`/${command.name}${command.args ? ` ${command.args}` : ""}`);
  const widest = Math.min(24, Math.max(0, ...shown.map((command) => width(label(command)))));
  return shown.map((command, index) => {
    const name = fit(label(command), Math.max(1, columns - 3));
    const free = columns - 3 - Math.max(widest, width(name)) - 2;
    const gap = " ".repeat(Math.max(0, widest - width(name)) + 2);
    const summary = free >= 8 ? span(gap + fit(clean(command.summary), free), dim) : span("");
    const style: Style = from + index === options.selected ? { inverse: true } : {};
    return [span("  "), span(name, style), summary];
  });
}
