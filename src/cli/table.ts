// Rows as an aligned table that fits the screen, and one object as "name: value" lines.
import { usd } from "../core/words.ts";
import { columnWidths } from "./terminal/columns.ts";
import { cleanLine, fit, width } from "./terminal/text.ts";

const gap = "  ";
/** A column is never made narrower than this. */
const columnMin = 6;

/** An aligned table with a head line, at most `columns` cells wide where that can be had. Empty columns are left out. */
export function renderTable(
  rows: readonly Record<string, unknown>[],
  { names, columns }: { names: readonly string[]; columns: number },
): string {
  const filled = names.filter((name) => rows.some((row) => cell(name, row[name]) !== ""));
  const room = columns - gap.length * (filled.length - 1);
  const lay = (show: typeof cell) => {
    const lines = [filled.map(head), ...rows.map((row) => filled.map((name) => show(name, row[name])))];
    return { lines, natural: filled.map((_, index) => Math.max(...lines.map((line) => width(line[index] ?? "")))) };
  };
  const whole = lay(cell);
  // A time that is cut says nothing; a short one leaves room for the ids that people copy.
  const fits = whole.natural.reduce((all, cells) => all + cells, 0) <= room;
  const { lines, natural } = fits ? whole : lay(shortCell);
  const widths = columnWidths(natural, { room, min: columnMin });
  return lines
    .map((line) =>
      line
        .map((text, index) => {
          const cells = widths[index] ?? 0;
          const shown = fit(text, cells);
          return shown + " ".repeat(Math.max(0, cells - width(shown)));
        })
        .join(gap)
        .trimEnd(),
    )
    .join("\n");
}

/** `name: value` lines, aligned; nested values as JSON. */
export function renderFacts(facts: Record<string, unknown>): string {
  const names = Object.keys(facts);
  const most = Math.max(0, ...names.map((name) => head(name).length));
  return names.map((name) => `${head(name).toLowerCase().padEnd(most)}  ${cell(name, facts[name])}`).join("\n");
}

/** `lastAt` → `LAST AT`. */
function head(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter}`).toUpperCase();
}

/** One value on one line, with nothing in it that a terminal obeys. */
function cell(name: string, value: unknown): string {
  if (value === null || value === undefined) return "";
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value === "number") return numberCell(name, value);
  if (Array.isArray(value)) return cleanLine(value.map((item) => plain(item)).join(", "));
  return cleanLine(plain(value));
}

function plain(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** The same for a crowded table: a time of day for today, else the day alone. */
function shortCell(name: string, value: unknown): string {
  if (typeof value !== "number" || !isTime(name)) return cell(name, value);
  const time = localTime(value);
  const today = time.slice(0, 10) === localTime(Date.now()).slice(0, 10);
  return today ? time.slice(11, 16) : time.slice(0, 10);
}

/** Names that end in "at" hold Unix milliseconds. */
function isTime(name: string): boolean {
  return /(^a|A)t$/.test(name);
}

/** Names that end in "usd" hold dollars. */
function numberCell(name: string, value: number): string {
  if (isTime(name)) return localTime(value);
  return name.endsWith("Usd") ? usd(value) : String(value);
}

/** Local time as `2026-01-02 03:04:05`; what is no time is shown as the number it is. */
export function localTime(ms: number): string {
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return String(ms);
  const two = (value: number) => String(value).padStart(2, "0");
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join("-");
  return `${day} ${[date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":")}`;
}
