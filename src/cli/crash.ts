// What nobody caught ends the process: its state in memory can no longer be trusted; what is stored can.
import { errorText } from "../core/failure.ts";
import type { Log } from "../sys/log.ts";
import { exit } from "./exit.ts";

/** The watch over what nobody catches, until `release`. */
export interface CrashGuard {
  /** Ends the process now, with `what` and the error's sentence on stderr and the whole in the log. */
  crash(what: string, error: unknown): never;
  release(): void;
}

/**
 * Ends this process with code 1 for everything that nobody catches. `log`: where it is written, once there is one.
 * `restore`: called before a word is said, for what must not stay as it is, such as a terminal's modes.
 */
export function guardAgainstCrashes({
  log,
  restore,
}: {
  log: () => Log | undefined;
  restore?: () => void;
}): CrashGuard {
  const crash = (what: string, error: unknown): never => {
    attempt(() => restore?.());
    attempt(() => log()?.error(what, { error: errorText(error), detail: error }));
    attempt(() => process.stderr.write(`RemoteAgent ends: ${what}: ${errorText(error)}\n`));
    return process.exit(exit.failed);
  };
  const onError = (error: unknown) => crash("an error that nobody caught", error);
  process.on("uncaughtException", onError);
  process.on("unhandledRejection", onError);
  return {
    crash,
    release() {
      process.off("uncaughtException", onError);
      process.off("unhandledRejection", onError);
    },
  };
}

/** The process ends whatever the last steps do: the first error was told, and a second one must not hide it. */
function attempt(step: () => void): boolean {
  try {
    step();
    return true;
  } catch {
    return false;
  }
}
