// The program's log: always JSON lines in the state folder, and in the foreground the settings' form on stdout.
import type { Config } from "../config/load.ts";
import { makeDir } from "../sys/atomic.ts";
import { systemClock } from "../sys/clock.ts";
import type { Log } from "../sys/log.ts";
import { openLogFile } from "../sys/log-file.ts";
import { createLog } from "../sys/log-writer.ts";
import { createRedactor } from "../vault/redact.ts";
import type { Places } from "./places.ts";

/** An open log and its end. */
export interface OpenLog {
  log: Log;
  close(): void;
}

/** Opens the log of an instance. @throws Failure `state` when its file cannot be opened. */
export function openLog(config: Config, { places, foreground }: { places: Places; foreground: boolean }): OpenLog {
  makeDir(places.logs);
  const file = openLogFile(places.log);
  const redactor = createRedactor(() => config.secretValues());
  const { level, format } = config.settings.log;
  const shared = { level, clock: systemClock, redact: (text: string) => redactor.all(text) };
  const stored = createLog({ ...shared, format: "json", write: (line) => file.write(line) });
  if (!foreground) return { log: stored, close: () => file.close() };
  const colour = process.stdout.isTTY && format === "console";
  const write = (line: string) => void process.stdout.write(`${line}\n`);
  const shown = createLog({ ...shared, format, colour, write });
  return { log: both(stored, shown), close: () => file.close() };
}

function both(first: Log, second: Log): Log {
  const write =
    (level: "trace" | "debug" | "info" | "warn" | "error"): Log["info"] =>
    (message, fields) => {
      first[level](message, fields);
      second[level](message, fields);
    };
  return {
    trace: write("trace"),
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    child: (fields) => both(first.child(fields), second.child(fields)),
  };
}
