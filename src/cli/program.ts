// The version line. Loads nothing that `--version` does not need.
import { programCommit, programVersion } from "../core/build.ts";

/** The runtime and its version: `bun 1.4.5`. */
export function runtime(): string {
  const { bun, deno } = process.versions;
  if (bun !== undefined) return `bun ${bun}`;
  return deno === undefined ? `node ${process.versions.node}` : `deno ${deno}`;
}

/** `remoteagent 0.1.0 (abc1234, bun 1.4.5)` */
export function versionLine(): string {
  const built = [programCommit, runtime()].filter((part) => part !== "").join(", ");
  return `remoteagent ${programVersion} (${built})`;
}
