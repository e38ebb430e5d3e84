// Processes as rows: the awkward lines of /proc and ps, and the real table of this machine.
import { expect, test } from "bun:test";
import { spawn } from "node:child_process";
import process from "node:process";
import { parsePs, parseStat, processTable, psTable } from "../../src/sys/process-tree.ts";

const tail = (state: string, threads: number) =>
  `${state} 7 8 9 0 -1 4194304 1 0 0 0 0 0 0 0 20 0 ${threads} 0 206384 3133440 411 1 1 1`;

test("reads a line of stat whatever the name is", () => {
  for (const name of ["cat", "a b", "a) R 1 (b", ")", "(x) S 1"]) {
    expect(parseStat(`42 (${name}) ${tail("S", 1)}\n`)).toEqual({
      pid: 42,
      parent: 7,
      session: 9,
      started: "206384",
      dead: false,
      command: name,
    });
  }
  expect(parseStat("")).toBeUndefined();
  expect(parseStat("garbage")).toBeUndefined();
});

test("a dead first thread with living others is alive", () => {
  expect(parseStat(`1 (x) ${tail("Z", 1)}`)?.dead).toBe(true);
  expect(parseStat(`1 (x) ${tail("Z", 0)}`)?.dead).toBe(true);
  expect(parseStat(`1 (x) ${tail("Z", 3)}`)?.dead).toBe(false);
  expect(parseStat(`1 (x) ${tail("X", 1)}`)?.dead).toBe(true);
});

test("reads a line of ps", () => {
  expect(parsePs("  501     1    0 Ss   Sat Nov 21 01:14:35 2026 /usr/bin/some thing")).toEqual({
    pid: 501,
    parent: 1,
    session: 0,
    started: "Sat Nov 21 01:14:35 2026",
    dead: false,
    command: "/usr/bin/some thing",
  });
  expect(parsePs("")).toBeUndefined();
});

test.each([
  ["of this machine", processTable()],
  ["over ps", psTable()],
])("the table %s finds a child, describes it, and signals only the same process", async (_name, table) => {
  const child = spawn("sleep", ["3620"], { stdio: "ignore", env: { MARK: "here", PATH: process.env.PATH } });
  const gone = new Promise((resolve) => child.once("exit", (_code, signal) => resolve(signal)));
  const row = (await table.list()).find(({ pid }) => pid === child.pid);
  if (row === undefined) throw new Error("The child is not in the table");
  expect(row).toMatchObject({ parent: process.pid, dead: false });
  expect(table.describe(row)).toContain("sleep");
  if (table.pids !== undefined) expect(table.pids()).toContain(row.pid);
  if (process.platform === "linux" && table.children(process.pid) !== undefined) {
    expect(table.children(process.pid)).toContain(row.pid);
    expect(table.variable(row.pid, "MARK")).toBe("here");
    expect(table.variable(row.pid, "OTHER")).toBeUndefined();
    expect(table.memoryBytes(process.pid)).toBeGreaterThan(1_000_000);
    expect(await table.send({ ...row, started: "another" }, "SIGKILL")).toBe(false);
  }
  expect(await table.send(row, "SIGKILL")).toBe(true);
  expect(await gone).toBe("SIGKILL");
  expect(await table.send(row, "SIGKILL")).toBe(false);
});

test("what is not there has no values", () => {
  const table = processTable();
  expect(table.variable(2 ** 22 + 1, "PATH")).toBeUndefined();
  expect(table.memoryBytes(2 ** 22 + 1)).toBe(0);
  expect(table.children(2 ** 22 + 1)).toBeUndefined();
});
