// Who wrote the newest messages: each by its own name at that time, and one object for all that one person wrote.
import { expect, test } from "bun:test";
import { createAuthors } from "../../../src/adapters/discord/authors.ts";

test("the author of a message is the one who wrote it, by the name of then", () => {
  const authors = createAuthors();
  authors.note("1", { id: "7", name: "Ann" });
  authors.note("2", { id: "7", name: "Ann B." });
  authors.note("3", { id: "8", name: "Ann", isBot: true });
  expect(authors.of("1")).toEqual({ id: "7", name: "Ann" });
  expect(authors.of("2")).toEqual({ id: "7", name: "Ann B." });
  expect(authors.of("3")).toEqual({ id: "8", name: "Ann", isBot: true });
  expect(authors.of("4")).toBeUndefined();
});

test("many messages of a person hold one author", () => {
  const authors = createAuthors();
  for (let message = 0; message < 100; message += 1) authors.note(String(message), { id: "7", name: "Ann" });
  const held = new Set(Array.from({ length: 100 }, (_, message) => authors.of(String(message))));
  expect(held.size).toBe(1);
});
