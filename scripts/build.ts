// `bun run build`: compiles src/main.ts to one executable, tries it in a hostile folder, and prints what was made.
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";

/** Linux is supported, darwin is best effort. */
export const targets = [
  "linux-x64",
  "linux-arm64",
  "linux-x64-musl",
  "linux-arm64-musl",
  "darwin-x64",
  "darwin-arm64",
] as const;
export type Target = (typeof targets)[number];

/**
 * Bytecode needs the esm form for top-level await; splitting keeps lazy imports lazy. The last two flags matter most:
 * without them a compiled program obeys the `.env` and the `bunfig.toml` of whatever folder it is started in.
 */
export const buildFlags = [
  "--compile",
  "--minify",
  "--bytecode",
  "--format=esm",
  "--splitting",
  "--sourcemap=linked",
  "--no-compile-autoload-dotenv",
  "--no-compile-autoload-bunfig",
] as const;

const root = resolve(import.meta.dirname, "..");
const dist = join(root, "dist");
const buildMs = 120_000;
const tryMs = 10_000;

const usage = `Usage: bun run build [--all | --target <target>]

  --all              every target: ${targets.join(", ")}
  --target <target>  one of them; without it this machine's own, as dist/remoteagent
`;

/** What is done for a build: where it goes and which target it is for (none: this machine). */
export interface Build {
  entry: string;
  output: string;
  target?: Target;
  defines?: Record<string, string>;
}

/** The arguments of one `bun build`. A processor without AVX2 gets the baseline executable. */
export function buildArguments({ entry, output, target, defines = {} }: Build, { avx2 = true } = {}): string[] {
  const named = target ?? (avx2 ? undefined : "linux-x64-baseline");
  return [
    "build",
    ...buildFlags,
    ...(named === undefined ? [] : [`--target=bun-${named}`]),
    ...Object.entries(defines).flatMap(([name, value]) => ["--define", `${name}=${JSON.stringify(value)}`]),
    `--outfile=${output}`,
    entry,
  ];
}

/**
 * Builds one executable; it appears at its place only when it is whole. The source maps are inside it; the loose copies
 * that the compiler leaves go with the working folder. @throws Error with the compiler's words.
 */
export function build(work: Build): { bytes: number; ms: number } {
  const started = performance.now();
  mkdirSync(dirname(work.output), { recursive: true });
  const folder = mkdtempSync(join(dirname(work.output), ".build-"));
  try {
    const output = join(folder, basename(work.output));
    const made = spawnSync(process.execPath, buildArguments({ ...work, output }, { avx2: hasAvx2() }), {
      cwd: root,
      encoding: "utf8",
      timeout: buildMs,
      env: buildEnvironment(),
    });
    if (made.status !== 0) {
      const words = `${made.stderr}${made.stdout}`.trim() || (made.error?.message ?? `signal ${made.signal}`);
      throw new Error(`Cannot build "${basename(work.output)}": ${words}`);
    }
    chmodSync(output, 0o755);
    renameSync(output, work.output);
    return { bytes: statSync(work.output).size, ms: Math.round(performance.now() - started) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The environment of the compiler: variables that would change what Bun does are left out. */
function buildEnvironment(): NodeJS.ProcessEnv {
  const { BUN_OPTIONS: _options, BUN_BE_BUN: _be, NODE_ENV: _mode, ...env } = process.env;
  return env;
}

function hasAvx2(): boolean {
  if (process.platform !== "linux" || process.arch !== "x64") return true;
  return /\bavx2\b/.test(readFileSync("/proc/cpuinfo", "utf8"));
}

/**
 * Runs `program --version` in an empty folder that holds an evil `.env` and an evil `bunfig.toml`.
 * @throws Error when it does not answer with `version`, or obeys either file.
 */
export function tryProgram(program: string, { version }: { version: string }): { ms: number } {
  const folder = mkdtempSync(join(tmpdir(), "remoteagent-build-"));
  try {
    const trace = join(folder, "evil-ran");
    writeFileSync(join(folder, "evil.js"), `require("node:fs").writeFileSync(${JSON.stringify(trace)}, "");\n`);
    writeFileSync(join(folder, "bunfig.toml"), 'preload = ["./evil.js"]\n');
    writeFileSync(join(folder, ".env"), `REMOTEAGENT_STATE_DIR=${join(folder, "evil-state")}\n`);
    const started = performance.now();
    const ran = spawnSync(program, ["--version"], {
      cwd: folder,
      encoding: "utf8",
      timeout: tryMs,
      env: { PATH: "/usr/bin:/bin", HOME: folder },
    });
    const ms = Math.round(performance.now() - started);
    if (ran.status !== 0 || !ran.stdout.includes(version)) {
      throw new Error(`Cannot use "${program}": --version answered ${ran.status}: ${ran.stdout}${ran.stderr}`.trim());
    }
    for (const left of [trace, join(folder, "evil-state")]) {
      if (statSync(left, { throwIfNoEntry: false }) !== undefined) {
        throw new Error(`Cannot use "${program}": it obeyed a file of the folder it was started in ("${left}")`);
      }
    }
    return { ms };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The short commit, with `+` for a checkout with changes; empty outside a git checkout. */
function commit(): string {
  const git = (...args: string[]) => spawnSync("git", args, { cwd: root, encoding: "utf8" });
  const head = git("rev-parse", "--short=10", "HEAD");
  if (head.status !== 0) return "";
  return head.stdout.trim() + (git("status", "--porcelain", "--untracked-files=no").stdout === "" ? "" : "+");
}

function outputOf(target: Target | undefined): string {
  return join(dist, target === undefined ? "remoteagent" : `remoteagent-${target}`);
}

function isTarget(text: string): text is Target {
  return targets.some((target) => target === text);
}

function main(argv: string[]): number {
  const { values } = parseArgs({
    args: argv,
    options: {
      all: { type: "boolean", default: false },
      target: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  const { target } = values;
  if (values.help) return say(usage, 0);
  if (target !== undefined && !isTarget(target)) return say(`Unknown target "${target}"\n\n${usage}`, 2);
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
  const defines = { REMOTEAGENT_VERSION: version, REMOTEAGENT_COMMIT: commit() };
  const wanted = values.all ? [undefined, ...targets] : [target];
  for (const one of wanted) {
    const output = outputOf(one);
    const made = build({ entry: "src/main.ts", output, defines, ...(one === undefined ? {} : { target: one }) });
    const tried = one === undefined ? `, --version in ${tryProgram(output, { version }).ms} ms` : "";
    say(`${join("dist", basename(output))}: ${(made.bytes / 1e6).toFixed(1)} MB in ${made.ms} ms${tried}\n`, 0);
  }
  return 0;
}

function say(text: string, code: number): number {
  (code === 0 ? process.stdout : process.stderr).write(text);
  return code;
}

if (import.meta.main) {
  try {
    process.exitCode = main(process.argv.slice(2));
  } catch (error) {
    process.exitCode = say(`${error instanceof Error ? error.message : String(error)}\n`, 1);
  }
}
