// "Did you mean …": slips are found, strangers are not.
import { expect, test } from "bun:test";
import { closest } from "../../src/core/closest.ts";

const names = ["README.md", "notes.txt", "skills/", "settings.json"];

test("finds what a slip, a missing part or another case explains, the nearest first", () => {
  for (const [typed, meant] of [
    ["readem.md", "README.md"],
    ["note", "notes.txt"],
    ["Skils", "skills/"],
    ["settings", "settings.json"],
  ] as const)
    expect([typed, closest(typed, names, { max: 1 })]).toEqual([typed, [meant]]);
  expect(closest("zzz", names, { max: 3 })).toEqual([]);
  expect(closest("zzz", names, { max: 3, anyDistance: true })).toHaveLength(3);
});

test("sees through two ways to write the same letters", () => {
  const written = "Übergrößenträger fürs Äußere.md".normalize("NFD");
  expect(closest("übergrößenträger fürs äußere.md", ["other.md", written], { max: 1 })).toEqual([written]);
  expect(closest("Bild 10.00 AM.png", ["Bild 10.00\u202FAM.png"], { max: 1 })).toHaveLength(1);
});
