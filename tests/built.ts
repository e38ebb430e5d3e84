// The executable as it is shipped: dist/remoteagent when it is not older than the source, else built anew.
import { copyFileSync, linkSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { build } from "../scripts/build.ts";

const root = resolve(import.meta.dirname, "..");

/** An executable of this source under a name of its own, so that a build that comes meanwhile does not change it. */
export function builtProgram(): { path: string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), "ra-built-"));
  const path = join(folder, "remoteagent");
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const made = join(root, "dist", "remoteagent");
  try {
    if (isCurrent(made)) keep(made, path);
    else build({ entry: join(root, "src/main.ts"), output: path, defines: { REMOTEAGENT_VERSION: "0.0.0-test" } });
    return { path, remove };
  } catch (error) {
    remove();
    throw error;
  }
}

function isCurrent(made: string): boolean {
  const found = statSync(made, { throwIfNoEntry: false });
  if (found === undefined) return false;
  const sources = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" });
  return sources.every((path) => statSync(join(root, "src", path)).mtimeMs <= found.mtimeMs);
}

function keep(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch {
    // Another file system.
    copyFileSync(from, to);
  }
}
