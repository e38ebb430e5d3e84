// From what the driver knows of the world to an engine: found once, and looked for again while there is none.
import { existsSync, readFileSync } from "node:fs";
import process from "node:process";
import { findEndpoint } from "./endpoint.ts";
import { createEngine, type Engine } from "./engine.ts";

/** Finds the engine when it is first asked for. @throws (the returned function) Failure `sandbox` when there is none. */
export function engineFinder(environment: Readonly<Record<string, string | undefined>>): () => Engine {
  let engine: Engine | undefined;
  return () => {
    const uid = process.getuid?.();
    engine ??= createEngine(
      findEndpoint({ environment, exists: existsSync, readText, ...(uid === undefined ? {} : { uid }) }),
    );
    return engine;
  };
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined; // Missing or unreadable: as if it were not there.
  }
}
