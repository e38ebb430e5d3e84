// How this program is called again: by the executable alone, or by the runtime with the source.
import { resolve } from "node:path";

/** The argv that starts this program. */
export function selfCommand(): string[] {
  const script = process.argv[1] ?? "";
  // A compiled program's script lies in a file system of its own inside it.
  if (script === "" || script.includes("$bunfs")) return [process.execPath];
  const runtime = process.versions.deno === undefined ? [] : ["run", "--allow-all"];
  return [process.execPath, ...runtime, resolve(script)];
}
