// How much room files may take: by conversation and day, and all together.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { limits } from "../../src/core/limits.ts";
import { attachmentBytes, createQuota } from "../../src/workspace/quota.ts";

const day = 86_400_000;
let now = 1_000 * day;
let channels: string;
beforeEach(() => {
  now = 1_000 * day;
  channels = mkdtempSync(join(tmpdir(), "remoteagent-quota-"));
});
afterEach(() => rmSync(channels, { recursive: true, force: true }));

const attachments = (conversation: string) => join(channels, "tg", conversation, "attachments");
const put = (conversation: string, bytes: number, { at = now, name = "a.txt" } = {}) => {
  const folder = attachments(conversation);
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${at}_${name}`);
  writeFileSync(path, "x".repeat(bytes));
  return path;
};
const make = () => createQuota({ channels, dayBytesMax: 100, bytesMax: 250, clock: { now: () => now } });

test("of one conversation what came within 24 hours counts, and nobody else's", async () => {
  const quota = make();
  expect(await quota.problem(attachments("1"), 100)).toBeUndefined();
  put("1", 60);
  put("1", 60, { at: now - day - 1, name: "old.txt" });
  put("2", 60);
  expect(await quota.problem(attachments("1"), 40)).toBeUndefined();
  expect(await quota.problem(attachments("1"), 41)).toBe(
    "this conversation may take 100 B of files in 24 hours, and has 60 B",
  );
  expect(await quota.problem(attachments("3"), 41)).toBeUndefined();
  now += day + 1;
  expect(await quota.problem(attachments("1"), 41)).toBeUndefined();
});

test("of all of them everything counts; what is removed makes room at once", async () => {
  const quota = make();
  const paths = ["1", "2", "3"].map((id) => put(id, 80, { at: now - 9 * day }));
  expect(await attachmentBytes(channels)).toBe(240);
  expect(await quota.problem(attachments("4"), 10)).toBeUndefined();
  quota.kept(10);
  put("4", 10);
  expect(await quota.problem(attachments("4"), 1)).toBe(
    "all conversations together may keep 250 B of files, and have 250 B",
  );
  rmSync(paths[0] ?? "");
  expect(await quota.problem(attachments("4"), 80)).toBeUndefined();
});

test("what was put there beside the program is found after a while", async () => {
  const quota = make();
  expect(await quota.problem(attachments("1"), 60)).toBeUndefined();
  put("2", 200, { at: now - 9 * day });
  now += limits.quotaLookMs + 1;
  expect(await quota.problem(attachments("1"), 60)).toContain("all conversations together");
});

test("what an agent puts in the place of its folder counts for nothing", async () => {
  put("1", 90);
  mkdirSync(join(channels, "tg", "2"), { recursive: true });
  symlinkSync(attachments("1"), attachments("2"));
  symlinkSync(join(channels, "tg"), join(channels, "other"));
  expect(await attachmentBytes(channels)).toBe(90);
  expect(await make().problem(attachments("2"), 90)).toBeUndefined();
});
