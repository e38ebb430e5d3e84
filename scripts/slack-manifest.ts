// Writes docs/adapters/slack-manifest.json from the lists that the adapter uses; `--check` says whether it is up to date.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { manifestText as textOf } from "../src/adapters/slack/manifest.ts";
import { commands } from "../src/gateway/commands/index.ts";
import { writeAtomic } from "../src/sys/atomic.ts";

/** Where the file stands. */
export const manifestFile = new URL("../docs/adapters/slack-manifest.json", import.meta.url);

/** The file's text for the commands of this program. */
export function manifestText(): string {
  const shown = commands
    .filter(({ hidden }) => hidden !== true)
    .map(({ name, summary, args }) => ({ name, summary, ownerOnly: false, ...(args === undefined ? {} : { args }) }));
  return textOf(shown);
}

if (import.meta.main) {
  const text = manifestText();
  if (!process.argv.includes("--check")) {
    await writeAtomic(fileURLToPath(manifestFile), text, { mode: 0o644 });
  } else if (readFileSync(manifestFile, "utf8") !== text) {
    process.stderr.write("docs/adapters/slack-manifest.json is out of date: bun scripts/slack-manifest.ts\n");
    process.exitCode = 1;
  }
}
