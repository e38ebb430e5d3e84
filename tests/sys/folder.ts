// A temporary folder of one test, and a wait for a condition with a deadline.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Runs `work` with a fresh folder, which is removed afterwards whatever happened. */
export async function withFolder(work: (folder: string) => Promise<void> | void): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "remoteagent-sys-"));
  try {
    await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Resolves with the first value that is not undefined; fails after `ms`. */
export async function until<Value>(look: () => Value | undefined, ms = 5_000): Promise<Value> {
  const end = performance.now() + ms;
  while (performance.now() < end) {
    const value = look();
    if (value !== undefined) return value;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`Nothing came of it within ${ms} ms`);
}
