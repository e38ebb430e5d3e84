// The hand-over of events: one at a time, in order, taken when the next one is asked for.
import { describe, expect, test } from "bun:test";
import { Failure } from "../../src/core/failure.ts";
import { checkHarness, createHarnesses } from "../../src/harness/index.ts";
import { Abandoned, rendezvous } from "../../src/harness/native/rendezvous.ts";
import { fakeLog, quickClock, scriptedModels } from "./fakes.ts";

function make() {
  let stored = 0;
  let left = 0;
  const meeting = rendezvous<string, number>(
    () => stored,
    () => {
      left += 1;
    },
  );
  return { ...meeting, store: () => (stored += 1), left: () => left };
}

describe("a rendezvous", () => {
  test("acknowledges an item when the next one is asked for, with what was true then", async () => {
    const { offer, items, store } = make();
    let acked: number | undefined;
    const offered = offer("a").then((ack) => {
      acked = ack;
    });
    expect(await items.next()).toEqual({ done: false, value: "a" });
    store();
    await Promise.resolve();
    expect(acked).toBeUndefined();
    void items.next();
    store();
    await offered;
    expect(acked).toBe(1);
  });

  test("keeps the order of many offers, also those made while one is shown", async () => {
    const { offer, items, finish } = make();
    const offers = [offer("a"), offer("b")];
    const seen: string[] = [];
    for (let step = await items.next(); step.done !== true; step = await items.next()) {
      seen.push(step.value);
      if (step.value === "a") offers.push(offer("c"));
      if (step.value === "c") void Promise.all(offers).then(finish);
    }
    expect(seen).toEqual(["a", "b", "c"]);
  });

  test("rejects what is offered and what waits when the consumer leaves", async () => {
    const { offer, items, left } = make();
    const first = offer("a");
    const second = offer("b");
    await items.next();
    await items.return?.();
    await items.return?.();
    expect(left()).toBe(1);
    for (const offered of [first, second, offer("c")]) {
      expect(await offered.catch((error: unknown) => error)).toBeInstanceOf(Abandoned);
    }
    expect(await items.next()).toEqual({ done: true, value: undefined });
  });

  test("ends for a consumer that already waits", async () => {
    const { items, finish } = make();
    const step = items.next();
    finish();
    expect(await step).toEqual({ done: true, value: undefined });
  });
});

test("the table opens harnesses by name and names them all when there is none", async () => {
  const deps = { models: scriptedModels([]), clock: quickClock, log: fakeLog(), timeZone: "UTC" };
  const open = createHarnesses(() => deps);
  const first = await open("native");
  expect(first.name).toBe("native");
  expect(await open("native")).toBe(first);
  expect(() => checkHarness("toString")).toThrow("no such harness");
  const error = await open("toString").catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Failure);
  expect(error).toMatchObject({ code: "settings", hint: "Harnesses: native" });
});
