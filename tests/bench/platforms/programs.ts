// remoteagent with the adapters of some platforms, in one of its forms, started and seen connected.
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Program, startProgram, timely } from "../programs.ts";
import { launchOf, type Setup } from "../setup.ts";
import type { Stage } from "./stage.ts";

/** A program that is connected to all its platforms. */
export interface Connected extends Program {
  /** From its start until the last adapter said that it is connected, in milliseconds; without adapters, until ready. */
  connectedMs: number;
}

/** A folder of its own. */
export function newFolder(setup: Setup): string {
  return mkdtempSync(join(setup.folder, "run-"));
}

export interface Start {
  stages: readonly Stage[];
  /** Holds what it stores; a new one without it. */
  folder?: string;
  /** Another executable than the shipped one. */
  program?: string;
  /** Hears each line that it writes. */
  onLine?(line: string): void;
}

/** Starts it, and waits until it is connected. */
export async function startConnected(
  setup: Setup,
  { stages, folder = newFolder(setup), program, onLine }: Start,
): Promise<Connected> {
  const state = join(folder, "state");
  mkdirSync(state, { recursive: true, mode: 0o700 });
  const adapters = Object.fromEntries(stages.map((stage) => [stage.name.toLowerCase(), stage.settings()]));
  writeFileSync(join(state, "settings.json"), JSON.stringify({ adapters }), { mode: 0o600 });
  const connected = Promise.withResolvers<number>();
  let left = stages.length;
  const launch = launchOf(setup, { name: "remoteagent", folder });
  const startedAt = performance.now();
  const started = await startProgram({
    ...launch,
    ...(program === undefined ? {} : { program }),
    onLine(line, at) {
      onLine?.(line);
      if (!/ Connected\b/.test(line)) return;
      left -= 1;
      if (left === 0) connected.resolve(at);
    },
  });
  if (stages.length === 0) return { ...started, connectedMs: started.readyMs };
  const names = stages.map(({ name }) => name).join(", ");
  const at = await timely(connected.promise, `Not connected to ${names}`);
  return { ...started, connectedMs: at - startedAt };
}
