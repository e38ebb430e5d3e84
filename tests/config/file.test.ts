// Writing settings.json: merged, the rest left alone; and where broken JSON breaks.
import { expect, test } from "bun:test";
import { lstatSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeSettings } from "../../src/config/file.ts";
import { findBreak } from "../../src/config/json.ts";
import { withHome } from "./folder.ts";

test("a patch is merged, other keys, order and indentation stay", () =>
  withHome(async (home) => {
    const path = join(home, "settings.json");
    writeFileSync(path, '{\n\t"log": {\n\t\t"level": "debug"\n\t},\n\t"extra": [1],\n\t"sandbox": "host"\n}\n', {
      mode: 0o644,
    });
    await writeSettings(path, { log: { format: "json" }, sandbox: undefined, models: { a: { apiKey: "k" } } });
    expect(readFileSync(path, "utf8")).toBe(
      '{\n\t"log": {\n\t\t"level": "debug",\n\t\t"format": "json"\n\t},\n\t"extra": [\n\t\t1\n\t],\n\t"models": {\n\t\t"a": {\n\t\t\t"apiKey": "k"\n\t\t}\n\t}\n}\n',
    );
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(home)).toEqual(["settings.json"]);
  }));

test("an absent file is made, a link stays a link", () =>
  withHome(async (home) => {
    const path = join(home, "settings.json");
    symlinkSync(join(home, "dotfiles.json"), path);
    writeFileSync(join(home, "dotfiles.json"), "{}\r\n", { mode: 0o600 });
    await writeSettings(path, { model: "a/b" });
    expect(lstatSync(path).isSymbolicLink()).toBe(true);
    expect(JSON.parse(readFileSync(join(home, "dotfiles.json"), "utf8"))).toEqual({ model: "a/b" });
    await writeSettings(join(home, "new.json"), { model: "a/b" });
    expect(readFileSync(join(home, "new.json"), "utf8")).toBe('{\n  "model": "a/b"\n}\n');
  }));

test("a file that is not understood is left alone", () =>
  withHome(async (home) => {
    const path = join(home, "settings.json");
    for (const text of ['{"a": 1', "[]", "// hello"]) {
      writeFileSync(path, text, { mode: 0o600 });
      expect(writeSettings(path, { model: "a/b" })).rejects.toMatchObject({ code: "settings" });
      expect(readFileSync(path, "utf8")).toBe(text);
    }
  }));

test.each([
  ['{"a": 1,}', 1, 9, "expected a name in double quotes"],
  ['{\n  "a": 1\n  "b": 2\n}', 3, 3, 'expected "," or the closing bracket'],
  ['{\n  "a" 1}', 2, 7, 'expected ":"'],
  ['{"a": [1, 2}', 1, 12, 'expected "," or the closing bracket'],
  ["{'a': 1}", 1, 2, 'expected a name in double quotes or "}"'],
  ['{"a": [,]}', 1, 8, 'expected a value or "]"'],
  ['{"a": tru}', 1, 7, "expected a value"],
  ['{"a": "\n"}', 1, 7, "expected a value"],
  ['{"a": "\\x"}', 1, 7, "expected a value"],
  ["{} {}", 1, 4, "expected the end of the file"],
  ['{"a": {', 1, 8, 'expected a name in double quotes or "}", but the file ends'],
  ["", 1, 1, "expected a value, but the file ends"],
  ["// x\n{}", 1, 1, "expected a value"],
  ['{"a": 01}', 1, 8, 'expected "," or the closing bracket'],
])("%j breaks at line %d, column %d", (text, line, column, wanted) => {
  expect(() => JSON.parse(text)).toThrow();
  expect(findBreak(text)).toEqual({ line, column, wanted });
});
