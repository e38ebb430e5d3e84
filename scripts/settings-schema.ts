// Writes docs/settings.schema.json from the one schema of the settings; `--check` says whether it is up to date.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { toJsonSchema } from "@valibot/to-json-schema";
import { adapterParts } from "../src/adapters/index.ts";
import { type Parts, settingsSchema } from "../src/config/schema.ts";
import { writeAtomic } from "../src/sys/atomic.ts";

/** Where the file stands. */
export const schemaFile = new URL("../docs/settings.schema.json", import.meta.url);

/** The file's text for a program with these parts. */
export function schemaText(parts: Parts): string {
  // Checks in code (addresses, model names) have no form in JSON Schema; the program itself makes them.
  const schema = toJsonSchema(settingsSchema(parts), { errorMode: "ignore", typeMode: "input" });
  return `${JSON.stringify({ ...schema, title: "Settings of remoteagent" }, null, 2)}\n`;
}

if (import.meta.main) {
  const text = schemaText(adapterParts);
  if (!process.argv.includes("--check")) {
    await writeAtomic(fileURLToPath(schemaFile), text, { mode: 0o644 });
  } else if (readFileSync(schemaFile, "utf8") !== text) {
    process.stderr.write("docs/settings.schema.json is out of date: bun scripts/settings-schema.ts\n");
    process.exitCode = 1;
  }
}
