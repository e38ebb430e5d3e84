// Which conversation an event file means.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { createDoors } from "../../src/app/doors.ts";
import { openStore } from "../../src/store/db.ts";
import { createStore, type Store } from "../../src/store/store.ts";

let store: Store;
beforeEach(() => {
  store = createStore(openStore(":memory:"));
});
afterEach(() => store.close());

test("SECURITY 6: a room that is known is a room, also for a file that does not say so", () => {
  store.wirings.conversation("terminal", { id: "R1", kind: "shared", at: 1 });
  store.wirings.conversation("terminal", { id: "7", kind: "direct", at: 1 });
  const doors = createDoors({});
  const kindOf = (target: Parameters<typeof doors.resolve>[0]) => {
    const found = doors.resolve(target, store);
    return "conversation" in found ? found.conversation.kind : found.problem;
  };
  expect(kindOf({ conversation: "R1" })).toBe("shared");
  // What the file says wrongly does not count against what is known.
  expect(kindOf({ conversation: "R1", kind: "direct" })).toBe("shared");
  expect(kindOf({ conversation: "7" })).toBe("direct");
  expect(kindOf({ conversation: "new" })).toBe("direct");
  expect(kindOf({ conversation: "new", kind: "shared" })).toBe("shared");
  expect(kindOf({ platform: "slack", conversation: "R1" })).toBe('There is no adapter "slack"');
});
