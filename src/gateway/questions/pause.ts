// The time in which a turn waits for a person: no limit of its own runs then.
import type { Clock } from "../../sys/clock.ts";

export type Pause = ReturnType<typeof createPause>;

/** Waits may overlap; they count once. `onBegin` is called when the first one begins. */
export function createPause(clock: Pick<Clock, "monotonic">, onBegin: () => void = () => undefined) {
  let waits = 0;
  let since = 0;
  let total = 0;
  let over: PromiseWithResolvers<void> | undefined;
  return {
    begin(): void {
      waits += 1;
      if (waits > 1) return;
      since = clock.monotonic();
      over = Promise.withResolvers();
      onBegin();
    },
    end(): void {
      waits -= 1;
      if (waits > 0) return;
      total += clock.monotonic() - since;
      over?.resolve();
      over = undefined;
    },
    waiting: (): boolean => waits > 0,
    /** Resolves when nobody is waited for. */
    over: async (): Promise<void> => over?.promise,
    /** What finished waits took together, in milliseconds. */
    totalMs: (): number => total,
  };
}

/** Ends a turn when its own time is over, unless it is over before. What people took to answer comes on top. */
export async function limitTime(
  clock: Pick<Clock, "sleep">,
  parts: { done: Promise<void>; timeoutMs: number; pause: Pause; expire: () => Promise<unknown> },
): Promise<void> {
  const { done, timeoutMs, pause, expire } = parts;
  const over = new AbortController();
  void done.then(() => over.abort());
  let pausedMs = 0;
  for (let leftMs = timeoutMs; leftMs > 0 && !over.signal.aborted; ) {
    await clock.sleep(leftMs, over.signal);
    if (pause.waiting()) await Promise.race([pause.over(), done]);
    leftMs = pause.totalMs() - pausedMs;
    pausedMs += leftMs;
  }
  if (!over.signal.aborted) await expire();
}
