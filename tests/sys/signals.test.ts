// Joined signals abort with the first of their sources, and let go of them at the end.

import { expect, test } from "bun:test";
import { getEventListeners } from "node:events";
import { joinSignals } from "../../src/sys/signals.ts";

test("the first source aborts it, with its reason", () => {
  const [a, b, over] = [new AbortController(), new AbortController(), new AbortController()];
  const joined = joinSignals([a.signal, b.signal], over.signal);
  expect(joined.aborted).toBe(false);
  b.abort("enough");
  expect(joined.aborted).toBe(true);
  expect(joined.reason).toBe("enough");
  expect(joinSignals([a.signal, b.signal], over.signal).aborted).toBe(true);
});

test("after the end nothing hangs on a source that lives on", () => {
  const source = new AbortController();
  for (let round = 0; round < 100; round += 1) {
    const over = new AbortController();
    const joined = joinSignals([source.signal], over.signal);
    over.abort();
    expect(joined.aborted).toBe(false);
  }
  expect(getEventListeners(source.signal, "abort")).toEqual([]);
});
