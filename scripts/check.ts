// `bun run check`: every check of the project, one after the other; `--static` leaves the tests out.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");
const bin = (name: string) => join(root, "node_modules", ".bin", name);

/** A check hangs only when something is wrong; it is then stopped. */
const checkMs = 10 * 60_000;

interface Check {
  name: string;
  argv: string[];
}

/** The checks that run nothing of the program, quickest first. */
const statics: Check[] = [
  { name: "format and lint", argv: [bin("biome"), "check", "--error-on-warnings"] },
  {
    name: "lint with types",
    argv: [bin("oxlint"), "--type-aware", "--deny-warnings", "src", "scripts", "tests", "docs/examples"],
  },
  { name: "types", argv: [bin("tsc"), "-p", "."] },
  { name: "types under Deno", argv: [bin("deno"), "check", "--quiet", ...denoEntries()] },
  { name: "dead exports", argv: [bin("knip"), "--no-progress", "--treat-config-hints-as-errors"] },
];

const tests: Check = { name: "tests", argv: [process.execPath, "test", "--timeout=30000"] };

/** What Deno checks: the whole source without Bun's side of the seams, and the tests that it runs. */
function denoEntries(): string[] {
  const sources = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts") && !path.endsWith(".bun.ts") && !path.endsWith(".d.ts"))
    .map((path) => join("src", path));
  return existsSync(join(root, "src/main.ts")) ? [...sources, "tests/runtime"] : sources;
}

/** Runs one check; its words are shown only when it fails. */
function run(check: Check): boolean {
  const started = performance.now();
  const done = spawnSync(check.argv[0] ?? "", check.argv.slice(1), {
    cwd: root,
    encoding: "utf8",
    timeout: checkMs,
    maxBuffer: 256 * 1024 * 1024,
    env: { ...process.env, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const good = done.status === 0;
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  process.stdout.write(`${good ? "ok    " : "FAILED"} ${check.name} (${seconds} s)\n`);
  if (!good) process.stdout.write(`${done.stdout}${done.stderr}${done.error?.message ?? ""}\n`);
  return good;
}

if (import.meta.main) {
  const checks = process.argv.includes("--static") ? statics : [...statics, tests];
  const passed = checks.filter((check) => run(check)).length;
  process.stdout.write(`${passed} passed, ${checks.length - passed} failed, 0 skipped\n`);
  process.exitCode = passed === checks.length ? 0 : 1;
}
