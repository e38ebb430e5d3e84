// The log's two forms: console lines for people, JSON lines with the Google Cloud field names for machines.
import { limits } from "../core/limits.ts";
import type { Clock } from "./clock.ts";
import { type Log, type LogFields, type LogLevel, logLevels } from "./log.ts";
import { escapeControls, plainFields } from "./log-value.ts";

export interface LogOptions {
  format: "console" | "json";
  /** The lowest level that is written. */
  level: LogLevel;
  /** Takes one line without its end. What it throws is swallowed: a log must not stop what it tells of. */
  write(line: string): void;
  /** Removes secrets. */
  redact(text: string): string;
  clock: Pick<Clock, "now">;
  /** ANSI colours on console lines. */
  colour?: boolean;
}

interface Line {
  level: LogLevel;
  message: string;
  fields: LogFields;
}

/** Makes a log; it never throws and writes no line that its caller's text could forge. */
export function createLog(options: LogOptions): Log {
  const lowest = logLevels.indexOf(options.level);
  const make = (bound: LogFields): Log => {
    const at = (level: LogLevel) => (message: string, fields?: LogFields) => {
      if (logLevels.indexOf(level) < lowest) return;
      emit(options, { level, message, fields: { ...bound, ...fields } });
    };
    return {
      trace: at("trace"),
      debug: at("debug"),
      info: at("info"),
      warn: at("warn"),
      error: at("error"),
      child: (fields) => make({ ...bound, ...fields }),
    };
  };
  return make({});
}

function emit(options: LogOptions, line: Line): void {
  try {
    for (const text of options.format === "json" ? jsonLines(options, line) : consoleLines(options, line)) {
      options.write(text);
    }
  } catch {
    // Nobody is left to be told: the log itself is what failed.
  }
}

/** LogSeverity of Google Cloud Logging. */
const severities: Record<LogLevel, string> = {
  trace: "DEBUG",
  debug: "DEBUG",
  info: "INFO",
  warn: "WARNING",
  error: "ERROR",
};
const reserved = new Set(["severity", "message", "timestamp"]);

function jsonLines(options: LogOptions, line: Line): string[] {
  const head = { severity: severities[line.level], ...textAndTime(options, line) };
  const fields = plain(options, line);
  // A field may not pass itself off as the head of the line.
  const named = Object.entries(fields).map(([key, value]) => [reserved.has(key) ? `field.${key}` : key, value]);
  const text = escapeControls(JSON.stringify({ ...head, ...Object.fromEntries(named) }));
  if (text.length <= limits.logLineCharsMax) return [text];
  const cut = { ...head, message: head.message.slice(0, limits.logFieldCharsMax), cut: "fields were too long" };
  return [escapeControls(JSON.stringify(cut))];
}

const colours: Record<LogLevel, string> = { trace: "90", debug: "90", info: "36", warn: "33", error: "31" };

function consoleLines(options: LogOptions, line: Line): string[] {
  const { message, timestamp } = textAndTime(options, line);
  const paint = (code: string, text: string) => (options.colour === true ? `\u001b[${code}m${text}\u001b[0m` : text);
  const level = paint(colours[line.level], line.level.toUpperCase().padEnd(5));
  const parts: string[] = [];
  const stacks: string[] = [];
  for (const [key, value] of Object.entries(plain(options, line))) {
    const { stack, ...rest } = isObject(value) ? value : {};
    if (typeof stack === "string") stacks.push(...stack.split("\n"));
    const shown = typeof stack === "string" ? rest : value;
    parts.push(`${paint("90", `${escapeControls(key)}=`)}${compact(shown)}`);
  }
  const first = [paint("90", timestamp), level, escapeControls(message), ...parts].join(" ");
  // Further lines are indented, so that none can look like the beginning of an entry.
  return [first.slice(0, limits.logLineCharsMax), ...stacks.map((frame) => `    ${escapeControls(frame.trim())}`)];
}

/** A value on a console line: bare when it is one plain word, else JSON. */
function compact(value: unknown): string {
  if (typeof value === "string" && /^[^\s"=\p{C}]+$/u.test(value)) return value;
  return escapeControls(JSON.stringify(value) ?? "undefined");
}

function textAndTime({ redact, clock }: LogOptions, { message }: Line) {
  const at = clock.now();
  // A clock gone wild gives times that no date holds.
  const valid = Number.isFinite(at) && Math.abs(at) <= 8.64e15;
  return {
    message: plainText(message, redact),
    timestamp: valid ? new Date(at).toISOString() : `invalid time ${at}`,
  };
}

function plainText(text: string, redact: (text: string) => string): string {
  const value = plainFields({ text }, { redact, stacks: false }).text;
  return typeof value === "string" ? value : "";
}

/** Stacks are for those who look for defects. */
function plain({ redact, level }: LogOptions, { fields }: Line): Record<string, unknown> {
  return plainFields(fields, { redact, stacks: level === "debug" || level === "trace" });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
