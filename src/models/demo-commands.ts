// The demo's few commands: lines of text → tool calls.
import type { JsonObject } from "../core/transcript.ts";

/** One call that the demo makes. `title` is for people. */
export interface DemoCall {
  name: string;
  arguments: JsonObject;
  title: string;
}

const unitMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** Longest reminder: a year. */
const reminderMsMax = 366 * 86_400_000;

/** What the harness and people put before the words: `[2026-01-31 09:05:00+01:00] [Ada]: `, `@bot `. */
const header = /^(?:\[[^\]]{0,200}\]\s*){1,3}(?:\([^)]{0,80}\))?:\s*/;
const mention = /^(?:<?@[^\s>]{1,64}>?[\s,:]+)+/;
const scheduled = /^(?:\[[^\]]{0,200}\]\s*){1,3}\(scheduled\b[^)]{0,80}\):\s*(.*)$/s;

/** The text of a scheduled input; `undefined` for what a person typed. */
export function scheduledText(text: string): string | undefined {
  return scheduled.exec(text)?.[1];
}

/** The calls that `text` asks for, in order; lines that are no command are passed over. `now` is Unix milliseconds. */
export function readCommands(text: string, now: number): DemoCall[] {
  return text.split("\n").flatMap((line) => readLine(line.trim().replace(header, "").replace(mention, ""), now) ?? []);
}

function readLine(line: string, now: number): DemoCall | undefined {
  const [, verb = "", rest = ""] = /^(\w+)(?:\s+(.+))?$/s.exec(line) ?? [];
  switch (verb.toLowerCase()) {
    case "run":
      return rest === ""
        ? undefined
        : { name: "bash", arguments: { command: unquote(rest) }, title: `run \`${unquote(rest)}\`` };
    case "read":
      return rest === ""
        ? undefined
        : { name: "read", arguments: { path: unquote(rest) }, title: `read ${unquote(rest)}` };
    case "remember":
      return rest === ""
        ? undefined
        : {
            name: "memory",
            arguments: { action: "append", scope: "conversation", text: rest },
            title: "remember that",
          };
    case "recall":
      return { name: "memory", arguments: { action: "read", scope: "conversation" }, title: "look into the memory" };
    case "remind":
      return readReminder(rest, now);
    default:
      return undefined;
  }
}

/** `me in 10s stretch`, `me in 5 minutes to stretch`. */
function readReminder(rest: string, now: number): DemoCall | undefined {
  const found = /^me\s+in\s+(\d{1,9})\s*(s|m|h|d)[a-z]*\b[\s,:]*(?:(?:to|that|about)\s+)?(.*)$/is.exec(rest);
  if (found === null) return undefined;
  const [, count = "0", unit = "s", about = ""] = found;
  const delayMs = Number(count) * (unitMs[unit.toLowerCase()] ?? 0);
  if (delayMs > reminderMsMax) return undefined;
  const at = new Date(now + delayMs).toISOString().replace("Z", "+00:00");
  const text = about.trim() === "" ? "Reminder" : about.trim();
  return {
    name: "schedule",
    arguments: { action: "add", text, at },
    title: `remind you in ${count} ${unit.toLowerCase()}`,
  };
}

/** `` `ls -la` `` and `"notes.md"` are meant without their quotes. */
function unquote(text: string): string {
  return /^(`|"|')([^`"']*)\1$/.exec(text)?.[2] ?? text;
}
