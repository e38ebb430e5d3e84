// What `download` reads of the store, page by page.
import { expect, test } from "bun:test";
import { storedPast } from "../../src/cli/download.ts";
import { limits } from "../../src/core/limits.ts";

const place = { adapter: "tg", conversation: "7" };
const row = (id: number) => ({
  id,
  external: null,
  root: null,
  direction: "in",
  sender: "Ann",
  at: id,
  text: `n${id}`,
});

/** What is read of so many rows. */
async function read(rows: number): Promise<string[]> {
  const texts: string[] = [];
  const lines = storedPast(place, async ({ after = 0, limit }) => {
    const count = Math.min(limit, rows - after);
    return { id: "1", ok: true, data: Array.from({ length: count }, (_, n) => row(after + n + 1)) };
  });
  for await (const { text } of lines) texts.push(text);
  return texts;
}

test("a past that fills its last page has an end like every other", async () => {
  for (const rows of [1, limits.downloadPageRows, limits.downloadPageRows * 2, limits.downloadPageRows + 1]) {
    const texts = await read(rows);
    expect([texts.length, texts.at(-1)]).toEqual([rows, `n${rows}`]);
  }
});

test("where nothing was said that is a sentence", async () => {
  expect(read(0)).rejects.toThrow("nothing was said there");
});
