// Where a gap is read from: what was read decides, since the newest that is stored may have overtaken others.
import { expect, test } from "bun:test";
import { createMarks } from "../../../src/adapters/discord/marks.ts";
import { memoryLog } from "../../gateway/fixture.ts";

const marks = (kept = new Map<string, string>()) =>
  createMarks({
    memory: { get: (key) => kept.get(key), set: (key, value) => void kept.set(key, value) },
    clock: { monotonic: () => 0 } as Parameters<typeof createMarks>[0]["clock"],
    log: memoryLog(),
  });

test("a stop that overtook a message does not hide it from the next life", () => {
  const kept = new Map<string, string>();
  const first = marks(kept);
  first.set("7", "100");
  first.note();
  // 101 was still being fetched when the stop 102 was stored.
  expect(marks(kept).of("7", "102")).toBe("100");
});

test("a channel that was never read goes on behind what is stored", () => {
  expect(marks().of("7", "102")).toBe("102");
  expect(marks().of("7", "no id")).toBeUndefined();
});

test("a mark never goes back", () => {
  const one = marks();
  one.set("7", "100");
  one.set("7", "99");
  expect(one.of("7", "98")).toBe("100");
});
