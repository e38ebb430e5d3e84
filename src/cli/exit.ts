// Exit codes: what a script may rely on.
import { Failure, type FailureCode } from "../core/failure.ts";

export const exit = {
  done: 0,
  failed: 1,
  /** Wrong usage or settings. */
  usage: 2,
  notRunning: 3,
  alreadyRunning: 4,
  /** `run` alone: starting again does not help (sysexits' EX_CONFIG; systemd's RestartPreventExitStatus). */
  hopeless: 78,
} as const;

const byCode: Partial<Record<FailureCode, number>> = {
  usage: exit.usage,
  settings: exit.usage,
  "not-running": exit.notRunning,
  "already-running": exit.alreadyRunning,
};

/** The exit code for anything thrown. */
export function exitCode(error: unknown): number {
  return (error instanceof Failure ? byCode[error.code] : undefined) ?? exit.failed;
}

const hopeless: readonly FailureCode[] = ["settings", "store", "state", "already-running"];

/** The exit code of `run`, which a supervisor reads: 78 where another start would end the same way. */
export function runExitCode(error: unknown): number {
  return error instanceof Failure && hopeless.includes(error.code) ? exit.hopeless : exitCode(error);
}
