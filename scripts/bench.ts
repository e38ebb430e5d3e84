// `bun run bench`: builds remoteagent and three yardsticks, measures them beside each other, prints a table and JSON.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, release, tmpdir, totalmem } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { measureCommands } from "../tests/bench/commands.ts";
import { measureCrowd } from "../tests/bench/crowd.ts";
import { measureIdle, measureStart } from "../tests/bench/life.ts";
import { openModel } from "../tests/bench/model.ts";
import { measureDiscordDay, measureSlackDay } from "../tests/bench/platforms/day.ts";
import { measureAdapters, measureUnused } from "../tests/bench/platforms/life.ts";
import { measureDiscordTurns, measureSlackTurns } from "../tests/bench/platforms/turns.ts";
import { type Report, textTable, withFigures } from "../tests/bench/report.ts";
import type { Found } from "../tests/bench/row.ts";
import { measureSandbox } from "../tests/bench/sandbox.ts";
import type { Setup } from "../tests/bench/setup.ts";
import { measureBotCrowd } from "../tests/bench/telegram/crowd.ts";
import { measureBotDay } from "../tests/bench/telegram/day.ts";
import { measureBotRestart, measureBotTool, measureBotTurns } from "../tests/bench/telegram/turns.ts";
import { measureTool } from "../tests/bench/tools.ts";
import { measureRestart, measureTurns } from "../tests/bench/turns.ts";
import { measureWeb } from "../tests/bench/web.ts";
import { build } from "./build.ts";

const root = resolve(import.meta.dirname, "..");
const document = join(root, "docs", "performance.md");

/** The parts, quickest first; memory last, since it only waits. */
const parts: Record<string, (setup: Setup) => Promise<Found>> = {
  commands: measureCommands,
  start: measureStart,
  turns: measureTurns,
  restart: measureRestart,
  tool: measureTool,
  crowd: measureCrowd,
  sandbox: measureSandbox,
  idle: measureIdle,
  "telegram-turns": measureBotTurns,
  "telegram-tool": measureBotTool,
  "telegram-restart": measureBotRestart,
  "telegram-crowd": measureBotCrowd,
  "slack-turns": measureSlackTurns,
  "discord-turns": measureDiscordTurns,
  web: measureWeb,
  adapters: measureAdapters,
  unused: measureUnused,
  "telegram-day": measureBotDay,
  "slack-day": measureSlackDay,
  "discord-day": measureDiscordDay,
};

/** Takes minutes even where little is measured: left out of a quick run that does not ask for it. */
const slow = new Set(["telegram-day", "slack-day", "discord-day"]);

const usage = `Usage: bun run bench [--only <part>]... [--json <file>] [--quick] [--docs]

  --only <part>   ${Object.keys(parts).join(", ")}; may be given again
  --json <file>   also writes the figures there
  --quick         few rounds and short waits: shows that it works, figures are not to be read
  --docs          writes the figures into docs/performance.md; of a part only its lines

Read figures of a quiet machine only. Nothing fails because of a figure.
`;

/** Builds the four programs with the flags that remoteagent is shipped with. */
function buildAll(folder: string, version: string): Setup["programs"] {
  const make = (entry: string, name: string) => {
    const output = join(folder, name);
    build({ entry, output, defines: { REMOTEAGENT_VERSION: version, REMOTEAGENT_COMMIT: commit() } });
    return output;
  };
  return {
    remoteagent: make("src/main.ts", "remoteagent"),
    minimal: make("tests/bench/minimal.ts", "minimal"),
    minimalBot: make("tests/bench/telegram/minimal-bot.ts", "minimal-bot"),
    empty: make("tests/bench/empty.ts", "empty"),
  };
}

function commit(): string {
  return spawnSync("git", ["rev-parse", "--short=10", "HEAD"], { cwd: root, encoding: "utf8" }).stdout.trim();
}

function machineName(): string {
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / 1024 ** 3);
  const model = cpu === undefined || cpu.model === "unknown" ? process.arch : cpu.model.replace(/\s+/g, " ");
  return `${cpus().length} × ${model}, ${memory} GB, Linux ${release()}`;
}

async function run(wanted: string[], { quick }: { quick: boolean }): Promise<Report> {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
  const folder = mkdtempSync(join(tmpdir(), "remoteagent-bench-"));
  const startedAt = performance.now();
  const progress = (text: string) => {
    process.stderr.write(`${((performance.now() - startedAt) / 1000).toFixed(0).padStart(4)} s  ${text}\n`);
  };
  const model = openModel();
  const over = new AbortController();
  const found: Found = { rows: [], notes: [] };
  try {
    const programs = buildAll(folder, version);
    progress("built");
    for (const name of wanted) {
      const { rows, notes } = (await parts[name]?.({
        programs,
        folder,
        model,
        quick,
        progress,
        signal: over.signal,
      })) ?? {
        rows: [],
        notes: [],
      };
      found.rows.push(...rows);
      found.notes.push(...notes);
      progress(name);
    }
  } finally {
    over.abort();
    await model.close();
    rmSync(folder, { recursive: true, force: true });
  }
  const at = new Date().toISOString();
  return {
    at,
    machine: machineName(),
    version: `${version} (${commit()}), Bun ${Bun.version}`,
    commit: commit(),
    quick,
    ...found,
  };
}

async function main(argv: string[]): Promise<number> {
  const { values } = parseArgs({
    args: argv,
    options: {
      only: { type: "string", multiple: true },
      json: { type: "string" },
      quick: { type: "boolean", default: false },
      docs: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const { only, json, quick, docs } = values;
  const unknown = only?.find((name) => !Object.hasOwn(parts, name));
  if (values.help) return say(usage, 0);
  if (unknown !== undefined) return say(`Unknown part ${JSON.stringify(unknown)}\n\n${usage}`, 2);
  if (docs && quick) return say("Cannot write the document: figures of a quick run are not to be read\n", 2);
  const report = await run(only ?? Object.keys(parts).filter((name) => !quick || !slow.has(name)), { quick });
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(report, null, 2)}\n`);
  if (docs) {
    const written = withFigures(readFileSync(document, "utf8"), { report, whole: only === undefined });
    writeFileSync(document, written);
  }
  const warning = quick ? "\nA quick run: these figures are not to be read\n" : "";
  return say(`${textTable(report)}\n${warning}`, 0);
}

function say(text: string, code: number): number {
  (code === 0 ? process.stdout : process.stderr).write(text);
  return code;
}

if (import.meta.main) {
  try {
    process.exitCode = await main(process.argv.slice(2));
  } catch (error) {
    process.exitCode = say(`${error instanceof Error ? error.message : String(error)}\n`, 1);
  }
}
