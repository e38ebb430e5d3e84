// The folder that a person asks to work in.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkFolder } from "../../src/gateway/turns/setting.ts";

let base: string;
beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), "remoteagent-setting-")));
  for (const name of ["state", "data/ws/skills", "code"]) mkdirSync(join(base, name), { recursive: true });
});
afterEach(() => rmSync(base, { recursive: true }));
const check = (name: string) =>
  checkFolder(join(base, name), { stateDir: join(base, "state"), workspace: join(base, "data/ws") });

test("is stored by its real path", () => {
  symlinkSync(join(base, "code"), join(base, "link"));
  expect(check("link")).toBe(join(base, "code"));
});

test("is refused around or in the state folder and the workspace, through links too", () => {
  symlinkSync(join(base, "data/ws/skills"), join(base, "sly"));
  symlinkSync("/etc", join(base, "etc"));
  expect(() => check("data")).toThrow("it holds the workspace");
  expect(() => check("sly")).toThrow("it is inside the workspace");
  expect(() => check("state")).toThrow("it is inside the state folder");
  expect(() => check("")).toThrow("it holds the state folder");
  expect(() => check("etc")).toThrow("it belongs to the system");
  expect(() => check("gone")).toThrow("it does not exist");
});
