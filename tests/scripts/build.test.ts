// The build: its flags keep the executable from obeying the folder it is started in, and a bad one is refused.
import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build, buildArguments, buildFlags, tryProgram } from "../../scripts/build.ts";

function withFolder(work: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "remoteagent-build-"));
  try {
    work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A program that shows what it knows of its surroundings, and what it was built with. */
const probe = `
declare const REMOTEAGENT_VERSION: string;
const { name } = await import("./lazy.ts");
process.stdout.write([name, REMOTEAGENT_VERSION, process.env.EVIL ?? "clean"].join(" "));
`;

test(
  "the executable knows its version and ignores .env and bunfig.toml",
  () =>
    withFolder((folder) => {
      writeFileSync(join(folder, "main.ts"), probe);
      writeFileSync(join(folder, "lazy.ts"), 'export const name: string = "probe";\n');
      const output = join(folder, "out", "probe");
      const made = build({ entry: join(folder, "main.ts"), output, defines: { REMOTEAGENT_VERSION: "1.2.3" } });
      expect(made.bytes).toBeGreaterThan(50_000_000);
      expect(readdirSync(join(folder, "out"))).toEqual(["probe"]);
      writeFileSync(join(folder, ".env"), "EVIL=loaded\n");
      expect(spawnSync(output, { cwd: folder, encoding: "utf8", env: {} }).stdout).toBe("probe 1.2.3 clean");
      tryProgram(output, { version: "1.2.3" });
      expect(() => tryProgram(output, { version: "9.9.9" })).toThrow("--version answered 0");
    }),
  30_000,
);

test(
  "an executable without those flags is found out",
  () =>
    withFolder((folder) => {
      writeFileSync(join(folder, "main.ts"), 'console.log("1.2.3")\n');
      const output = join(folder, "probe");
      const made = spawnSync(process.execPath, ["build", "--compile", `--outfile=${output}`, join(folder, "main.ts")]);
      expect(made.status).toBe(0);
      expect(() => tryProgram(output, { version: "1.2.3" })).toThrow("obeyed a file of the folder it was started in");
    }),
  30_000,
);

test(
  "a build that fails says why and leaves nothing",
  () =>
    withFolder((folder) => {
      writeFileSync(join(folder, "main.ts"), 'import "./gone.ts";\n');
      const output = join(folder, "out", "probe");
      expect(() => build({ entry: join(folder, "main.ts"), output })).toThrow(/^Cannot build "probe": .*gone\.ts/s);
      expect(readdirSync(join(folder, "out"))).toEqual([]);
    }),
  30_000,
);

test("a target and a processor without AVX2 are named to the compiler", () => {
  const work = { entry: "src/main.ts", output: "dist/a" };
  expect(buildArguments(work)).toEqual(["build", ...buildFlags, "--outfile=dist/a", "src/main.ts"]);
  expect(buildArguments({ ...work, target: "linux-arm64-musl" })).toContain("--target=bun-linux-arm64-musl");
  expect(buildArguments(work, { avx2: false })).toContain("--target=bun-linux-x64-baseline");
  expect(buildArguments({ ...work, defines: { A: 'b"' } })).toContain('A="b\\""');
});
