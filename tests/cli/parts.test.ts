// The command line's small parts: option parsing, tables, log files that turn over, the status text.
import { expect, test } from "bun:test";
import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { reportLines } from "../../src/cli/halt.ts";
import { hang, homely } from "../../src/cli/hang.ts";
import { followLines, isSince, lastLines, readable, readEnd } from "../../src/cli/log-lines.ts";
import { parseWords, wholeNumber } from "../../src/cli/parse.ts";
import { statusText } from "../../src/cli/status.ts";
import { renderFacts, renderTable } from "../../src/cli/table.ts";
import { columnWidths } from "../../src/cli/terminal/columns.ts";
import { width } from "../../src/cli/terminal/text.ts";
import { Failure } from "../../src/core/failure.ts";
import { limits } from "../../src/core/limits.ts";
import { byteSize } from "../../src/core/words.ts";

const declared = {
  name: "do",
  args: {
    what: { type: "positional", required: true },
    many: { type: "string", alias: "n" },
    loud: { type: "boolean", alias: "l" },
    check: { type: "boolean", default: true },
  },
} as const;

test("words and options are parsed in each spelling", () => {
  expect(parseWords(declared, ["x", "-n", "5", "-l"])).toMatchObject({ what: "x", many: "5", loud: true, check: true });
  expect(parseWords(declared, ["--many=--odd", "--no-check", "--", "--dashes"])).toMatchObject({
    what: "--dashes",
    many: "--odd",
    check: false,
  });
});

test("what is not declared is refused", () => {
  const wrong = [
    [],
    ["x", "y"],
    ["x", "--many"],
    ["x", "--many="],
    ["x", "-n", "--loud"],
    ["x", "--no-loud"],
    ["x", "-q"],
  ];
  for (const argv of wrong) expect(() => parseWords(declared, argv)).toThrow(Failure);
  expect(parseWords({ ...declared, rest: "more" }, ["x", "y"])._).toEqual(["x", "y"]);
});

test("whole numbers have a range", () => {
  const option = { name: "n", fallback: 7, max: 10 };
  expect([undefined, "0", "10"].map((text) => wholeNumber(text, option))).toEqual([7, 0, 10]);
  for (const text of ["", "11", "-1", "1.5", "1e1", "ten", "9".repeat(30)])
    expect(() => wholeNumber(text, option)).toThrow(JSON.stringify(text));
});

test("a table is aligned by cells, fits, and obeys nothing in its values", () => {
  const rows = [
    { id: "S001", title: "記憶の本", empty: null, text: `red\u001b[31m and\nnext ${"long ".repeat(40)}` },
    { id: "S002", title: "plain", empty: "", text: "short" },
  ];
  const lines = renderTable(rows, { names: ["id", "title", "empty", "text"], columns: 60 }).split("\n");
  expect(lines).toHaveLength(3);
  expect(lines[0]).toMatch(/^ID {4}TITLE {5}TEXT$/);
  for (const line of lines) expect(width(line)).toBeLessThanOrEqual(60);
  expect(lines.join("")).not.toContain("\u001b");
  expect(lines[1]).toContain("red and next");
  expect(lines[1]).toContain("…");
  const narrow = renderTable(rows, { names: ["id", "title", "text"], columns: 5 });
  expect(narrow.split("\n")).toHaveLength(3);
});

test("a crowded table shortens times before it cuts ids", () => {
  const days = [Date.UTC(2026, 0, 2, 12), Date.now()];
  const rows = days.map((at) => ({
    user: "telegram/7123456789",
    reason: "strict",
    firstAt: at,
    lastAt: at,
    toldAt: at,
  }));
  const names = Object.keys(rows[0] ?? {});
  const [, old = "", now = ""] = renderTable(rows, { names, columns: 66 }).split("\n");
  expect(old).toMatch(/^telegram\/7123456789 {2}strict( {2}2026-01-0\d){3}$/);
  expect(now).toMatch(/^telegram\/7123456789 {2}strict( {2}\d\d:\d\d {5}){2} {2}\d\d:\d\d$/);
  expect(renderTable(rows, { names, columns: 200 })).toMatch(/2026-01-0\d \d\d:00:00/);
});

test("facts show times, money and nested values", () => {
  const facts = renderFacts({
    lastAt: Date.UTC(2026, 0, 2),
    costUsd: 0.5,
    on: true,
    list: ["a", 1],
    deep: { x: 1 },
    odd: 1e300,
  });
  expect(facts).toMatch(/^last at {3}2026-01-0\d \d\d:/);
  expect(facts).toContain("cost usd  $0.5000");
  expect(facts).toContain('deep      {"x":1}');
  expect(facts).toContain("list      a, 1");
});

test("the log is read over its files and followed through turning over", () => {
  const folder = mkdtempSync(join(tmpdir(), "ra-log-"));
  const path = join(folder, "a.log");
  try {
    expect(lastLines(path, 5)).toEqual([]);
    writeFileSync(`${path}.1`, "1\n2\n3\n");
    writeFileSync(path, "4\n5\n");
    expect(lastLines(path, 3)).toEqual(["3", "4", "5"]);
    expect(lastLines(path, 99)).toEqual(["1", "2", "3", "4", "5"]);
    expect(readEnd(path, 2)).toBe("5\n");

    const follower = followLines(path);
    expect(follower.more()).toEqual([]);
    appendFileSync(path, "6\n7 is ");
    expect(follower.more()).toEqual(["6"]);
    const [first, second] = [Buffer.from("é").subarray(0, 1), Buffer.from("é").subarray(1)];
    appendFileSync(path, first);
    expect(follower.more()).toEqual([]);
    appendFileSync(path, Buffer.concat([second, Buffer.from("\n")]));
    // Two turnings over between two looks: nothing in between is lost.
    renameSync(path, `${path}.2`);
    writeFileSync(`${path}.1`, "8\n");
    writeFileSync(path, "9\n");
    expect(follower.more()).toEqual(["7 is é", "8", "9"]);
    expect(follower.more()).toEqual([]);
    follower.close();

    const early = followLines(join(folder, "not-yet.log"));
    writeFileSync(join(folder, "not-yet.log"), "x\n");
    expect(early.more()).toEqual(["x"]);
    early.close();
    writeFileSync(path, `${"x".repeat(99)}\n`.repeat(limits.tailBytesMax / 100 + 10));
    expect(lastLines(path, 3)).toEqual(Array.from({ length: 3 }, () => "x".repeat(99)));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a log line is readable, and what is none stays as it is", () => {
  const line =
    '{"severity":"INFO","message":"Started","timestamp":"2026-01-02T03:04:05.000Z","turn":5,"why":"two words"}';
  expect(readable(line)).toBe('2026-01-02T03:04:05.000Z INFO    Started turn=5 why="two words"');
  for (const odd of ["no json", "5", "null", "{"]) expect(readable(odd)).toBe(odd);
  expect(isSince(line, Date.UTC(2026, 0, 2))).toBe(true);
  expect(isSince(line, Date.UTC(2026, 0, 3))).toBe(false);
  expect(isSince("no json", 0)).toBe(false);
});

test("the status says what is wrong and how to mend it, and nothing in it moves the cursor", () => {
  const text = statusText(
    {
      version: "1",
      protocol: 1,
      pid: 5,
      startedAt: 0,
      alone: true,
      stateDir: "/s",
      workspace: "/w",
      model: "a/b",
      demo: false,
      sandbox: { kind: "host", isolation: "none", works: false, reason: "bubblewrap is missing", hint: "apt install" },
      adapters: [{ name: "tg", type: "telegram", state: "down", reason: "401" }],
      turns: [{ turn: 3, session: 2, title: "evil\u001b[2J\u202e", startedAt: 0, doing: "thinking" }],
      waiting: 1,
      commands: [{ scope: "turn-3", pid: 9, command: "sleep 5", startedAt: 0 }],
      memoryBytes: 1024 * 1024,
      notices: ["Look here"],
    },
    { now: 61_000 },
  );
  for (const part of [
    "terminal chat",
    "does not work",
    "bubblewrap is missing",
    "apt install",
    "tg (telegram), down: 401",
  ])
    expect(text).toContain(part);
  for (const part of ["T3 in S002", "9 sleep 5, for 1m", "1 message\n", "1 MiB", "Look here"])
    expect(text).toContain(part);
  expect(text).not.toContain("\u001b");
  expect(text).not.toContain("\u202e");
});

test("texts hang below their head, long words stay whole, and the home folder is ~", () => {
  expect(hang("head  ", "one two three four five six seven", 30)).toBe(
    "head  one two three four five\n      six seven",
  );
  expect(hang("- ", `a ${"x".repeat(40)} b`, 30)).toBe(`- a\n  ${"x".repeat(40)}\n  b`);
  expect(hang("- ", "in a pipe one fact is one line ".repeat(9), undefined)).not.toContain("\n");
  expect(homely("in /home/me/x (/home/me), not /home/mean/x, /a/home/me/x nor '/home/me/x'", "/home/me")).toBe(
    "in ~/x (~), not /home/mean/x, /a/home/me/x nor '/home/me/x'",
  );
});

test("what a stop reports is shown as it is, whatever is in it", () => {
  expect(reportLines({})).toEqual([]);
  const killed = [
    { pid: 7, command: "sleep 5\n\u001b[2J" },
    { pid: 8, command: "" },
  ];
  expect(reportLines({ drained: [1], interrupted: [2, 3], killed, survivors: [{ pid: 9, command: "x" }] })).toEqual([
    "Finished before: T1",
    "Cut off, to go on at the next start: T2, T3",
    "Killed:\n  7 sleep 5\n  8",
    "Still alive in spite of SIGKILL:\n  9 x",
  ]);
});

test("sizes have the unit that they fill", () => {
  const cases = { 0: "0 B", 1023: "1023 B", 1024: "1 KiB", 1536: "1.5 KiB", 1048575: "1 MiB", 33554432: "32 MiB" };
  for (const [bytes, text] of Object.entries(cases)) expect(byteSize(Number(bytes))).toBe(text);
  expect(byteSize(1024 ** 5 * 2)).toBe("2048 TiB");
});

test("columns share the room, the widest gives first", () => {
  const cases: [number[], number, number, number[]][] = [
    [[3, 4], 100, 6, [3, 4]],
    [[3, 40, 20], 30, 6, [3, 14, 13]],
    [[10, 10, 10], 29, 1, [10, 10, 9]],
    [[10, 10], 4, 6, [6, 6]],
    [[], 10, 6, []],
  ];
  for (const [natural, room, min, widths] of cases) expect(columnWidths(natural, { room, min })).toEqual(widths);
});
