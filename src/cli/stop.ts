// `stop`: lets running turns finish, ends what does not, and says what it waited for and what was killed.
import { limits } from "../core/limits.ts";
import { exit } from "./exit.ts";
import { halt, stopText } from "./halt.ts";
import { findInstance, notRunning, waitFor } from "./instance.ts";
import { wholeNumber } from "./parse.ts";
import { findPlaces } from "./places.ts";
import { type Service, serviceOf } from "./service/control.ts";
import { verb } from "./verb.ts";

/** The options of everything that stops an instance. */
export const haltArgs = {
  timeout: {
    type: "string",
    valueHint: "seconds",
    description: `Longest wait for running turns (${limits.drainMs / 1000} unless given)`,
  },
  now: { type: "boolean", description: "Wait for nothing" },
} as const;

/** How long running turns may take, in milliseconds. @throws Failure `usage`. */
export function drainOf({ timeout, now }: { timeout?: string; now?: boolean }): number {
  const seconds = wholeNumber(timeout, {
    name: "timeout",
    fallback: limits.drainMs / 1000,
    max: limits.drainMsMax / 1000,
  });
  return now === true ? 0 : seconds * 1000;
}

/** The service manager is about to start it, such as between a crash and the next start. */
async function comesAgain(service: Service): Promise<boolean> {
  // Of a process that has ended the manager hears a moment later.
  const rests = async () => {
    // A manager that this user cannot ask is no reason to doubt what was seen: the lock is free.
    const active = await service.state().then(
      (state) => state.active,
      () => "inactive",
    );
    return ["inactive", "failed"].includes(active) ? true : undefined;
  };
  return (await waitFor(rests, { ms: limits.answerMs })) !== true;
}

export const stop = verb({
  name: "stop",
  summary: "Finish what runs, then stop",
  args: haltArgs,
  notes: "Exit code: 0 when it has stopped, 3 when nothing ran, 1 when something is still alive",
  async run(args, io) {
    const drainMs = drainOf(args);
    const places = findPlaces(args);
    const found = await findInstance(places);
    const service = serviceOf(places.stateDir);
    if (found.state === "none") {
      if (service === undefined || !(await comesAgain(service))) throw notRunning();
      await service.stop();
      io.out(`${service.unit.name} does not start it again\n`);
      return exit.done;
    }
    // What has to be killed would be taken for a crash and started again.
    if (found.state === "deaf") await service?.stop({ wait: false });
    const { pid } = found.state === "up" ? found.status : found.holder;
    const report = await halt(places, found, { drainMs, io });
    io.out(`${stopText(pid, report)}\n`);
    if (service !== undefined && (await comesAgain(service))) await service.stop();
    return (report?.survivors ?? []).length > 0 ? exit.failed : exit.done;
  },
});
