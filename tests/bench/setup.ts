// What every part of the benchmark works with: the three programs, a folder, a model server, and how much is measured.
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { type Seed, seedMinimal, seedProgram } from "./history.ts";
import type { Model } from "./model.ts";
import { databaseOf, type Launch, type Program, startMinimal, startProgram } from "./programs.ts";

export interface Setup {
  /** Paths of the executables. */
  programs: { remoteagent: string; minimal: string; minimalBot: string; empty: string };
  /** For everything that is written; removed afterwards. */
  folder: string;
  model: Model;
  /** Few rounds and short waits: to see that it works, not to read figures. */
  quick: boolean;
  /** Aborted when the run is over, however it ended: nothing that was started outlives it. */
  signal: AbortSignal;
  progress(text: string): void;
}

/** Both programs, by name. */
export interface Pair {
  minimal: Program;
  remoteagent: Program;
}
export const names = ["minimal", "remoteagent"] as const;

/** The names in turn, the first one changing with each round, so that neither always comes second. */
export function inTurn(round: number): readonly (keyof Pair)[] {
  return round % 2 === 0 ? names : names.toReversed();
}

/** A fresh folder in which both programs have the same sessions. */
export async function seeded(setup: Setup, seeds: readonly Seed[] = []): Promise<string> {
  const folder = mkdtempSync(join(setup.folder, "run-"));
  // Each makes its own database; what is earlier is then written beside it.
  const pair = await startPair(setup, folder);
  await stopPair(pair);
  if (seeds.length > 0) {
    seedMinimal(databaseOf.minimal(folder), seeds);
    seedProgram(databaseOf.remoteagent(folder), { seeds });
  }
  return folder;
}

export function launchOf(setup: Setup, { name, folder }: { name: keyof Pair; folder: string }): Launch {
  return { program: setup.programs[name], folder, modelUrl: setup.model.url, signal: setup.signal };
}

export async function startPair(setup: Setup, folder: string): Promise<Pair> {
  return {
    minimal: await startMinimal(launchOf(setup, { name: "minimal", folder })),
    remoteagent: await startProgram(launchOf(setup, { name: "remoteagent", folder })),
  };
}

export async function stopPair(pair: Pair): Promise<void> {
  await Promise.all(names.map((name) => pair[name].stop()));
}
