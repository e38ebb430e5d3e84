// A doubt about the token: heard once, whenever it was raised, and nothing is kept of the waits before it.

import { heapStats } from "bun:jsc";
import { expect, test } from "bun:test";
import { createDoubt } from "../../../src/adapters/slack/doubt.ts";

const never = new Promise<never>(() => undefined);

test("a doubt ends the wait, once", async () => {
  const doubt = createDoubt();
  const waited = doubt.or(never);
  doubt.raise();
  expect(await waited).toBe("doubted");
  expect(await doubt.or(Promise.resolve("work"))).toBe("work");
});

test("a doubt that was raised while nobody waited is heard by the next wait", async () => {
  const doubt = createDoubt();
  expect(await doubt.or(Promise.resolve("work"))).toBe("work");
  doubt.raise();
  expect(await doubt.or(never)).toBe("doubted");
});

test("waits that are over are not kept", async () => {
  const doubt = createDoubt();
  const wait = async (count: number) => {
    for (let index = 0; index < count; index += 1) await doubt.or(Promise.resolve(index));
    // What was just awaited may still stand on the stack.
    await new Promise((resolve) => setTimeout(resolve, 0));
    Bun.gc(true);
    return heapStats().objectTypeCounts.Promise ?? 0;
  };
  const before = await wait(100);
  expect((await wait(2_000)) - before).toBeLessThan(200);
});
