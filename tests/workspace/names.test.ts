// Names from outside on disk and on the screen.
import { describe, expect, test } from "bun:test";
import { fileName, folderName, oneLine } from "../../src/workspace/names.ts";

describe("a folder's name", () => {
  test.each(["main", "-100123", "C024BE91L", "1234567890", "a.b-c_d"])("of a plain id is the id: %s", (id) => {
    expect(folderName(id)).toBe(id);
  });

  test("never shares a folder with another id's, also where case does not count", () => {
    const ids = [
      "a/b",
      "a_b",
      "a\\b",
      "a:b",
      "..",
      ".",
      "",
      "\0",
      " ",
      "C1",
      "c1",
      "C024BE91L",
      "c024be91l",
      "é",
      "e\u0301",
      "a~b",
      "日本",
      "x.",
      "x",
      "~",
    ];
    ids.push(
      "x".repeat(100),
      "x".repeat(101),
      `${"x".repeat(100)}/`,
      "😀".repeat(200),
      folderName("a/b"),
      "\ud800",
      "\ud801",
    );
    const names = ids.map((id) => folderName(id).toLowerCase());
    // Two lone halves are one text in UTF-8; no platform gives such ids.
    expect(new Set(names).size).toBe(ids.length - 1);
    for (const name of names) {
      expect(name).toMatch(/^[^/\\\0]+$/);
      expect(name).not.toMatch(/^\.+$/);
      expect(name.length).toBeLessThanOrEqual(100);
      expect(Buffer.byteLength(name)).toBeLessThanOrEqual(200);
    }
  });

  test("stays readable", () => {
    expect(folderName("Team Früh/stück")).toMatch(/^Team_Früh_stück~[0-9a-f]{20}$/);
  });
});

describe("a file's name", () => {
  test.each([
    ["report.pdf", "report.pdf"],
    ["../../etc/passwd", "passwd"],
    ["C:\\Users\\x\\a b.docx", "a_b.docx"],
    ["写真 2024.jpeg", "写真_2024.jpeg"],
    ["evil\u202egpj.exe", "evilgpj.exe"],
    ["a\u0000b\nc.txt", "abc.txt"],
    ["-rf .txt", "rf_.txt"],
    [".bashrc", "bashrc"],
    ["...", "file"],
    ["", "file"],
    ["$(reboot)`x`.sh", "(reboot)_x_.sh"],
    ["e\u0301.txt", "é.txt"],
  ])("%j is %j", (given, safe) => {
    expect(fileName(given)).toBe(safe);
  });

  test("is short and keeps its ending", () => {
    const name = fileName(`${"é".repeat(500)}.tar.gz`);
    expect(name).toEndWith(".gz");
    expect(name.length).toBeLessThanOrEqual(100);
    expect(Buffer.byteLength(fileName(`${"😀".repeat(500)}.png`))).toBeLessThanOrEqual(200);
  });
});

test("a line for people is one line, short, with whole characters", () => {
  expect(oneLine(" a\n\tb\u001b[1mc\u200b ", 20)).toBe("a bc");
  expect(oneLine("😀😀😀😀", 3)).toBe("😀😀…");
});
