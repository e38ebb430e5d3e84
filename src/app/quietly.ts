// Runs what must not stop the rest.
import { errorText } from "../core/failure.ts";
import type { Log } from "../sys/log.ts";

/** Runs what must not stop the rest; what it throws is logged. */
export async function quietly(log: Log, work: () => unknown): Promise<void> {
  try {
    await work();
  } catch (error) {
    log.warn("A part failed", { error: errorText(error) });
  }
}
