// The real clock: waits end in time, at once when aborted, and never early because they are long.
import { expect, jest, test } from "bun:test";
import { systemClock } from "../../src/sys/clock.ts";

test("a wait ends after its time, and an aborted one at once without a rejection", async () => {
  const begin = systemClock.monotonic();
  await systemClock.sleep(20);
  expect(systemClock.monotonic() - begin).toBeGreaterThanOrEqual(19);
  const stop = new AbortController();
  const waiting = systemClock.sleep(60_000, stop.signal);
  stop.abort();
  await waiting;
  await systemClock.sleep(60_000, stop.signal);
  expect(systemClock.monotonic() - begin).toBeLessThan(5_000);
});

test("a wait of months does not overflow into none", async () => {
  jest.useFakeTimers();
  try {
    let ended = false;
    const waiting = systemClock.sleep(2 ** 32).then(() => {
      ended = true;
    });
    for (let step = 0; step < 3; step++) {
      expect(ended).toBe(false);
      jest.advanceTimersByTime(2 ** 31 - 1);
      for (let tick = 0; tick < 5; tick++) await Promise.resolve();
    }
    await waiting;
    expect(ended).toBe(true);
  } finally {
    jest.useRealTimers();
  }
});

test("random bytes are as many as asked for, and others each time", () => {
  expect(systemClock.random(16)).toHaveLength(16);
  expect(systemClock.random(16)).not.toEqual(systemClock.random(16));
});
