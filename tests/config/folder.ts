// A temporary home folder for one test, and the parts of a small program.
import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import type { Parts } from "../../src/config/schema.ts";
import { secretSchema } from "../../src/config/secret.ts";

/** Runs `work` with a fresh folder, which is removed afterwards whatever happened. */
export async function withHome(work: (home: string) => Promise<void> | void): Promise<void> {
  const home = realpathSync(mkdtempSync(join(tmpdir(), "remoteagent-config-")));
  try {
    await work(home);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

/** A program with two adapter types. */
export const parts: Parts = {
  adapters: {
    pigeon: v.strictObject({ botToken: secretSchema, loft: v.optional(v.string(), "roof") }),
    drum: v.strictObject({ url: v.string() }),
  },
};
