// Names from outside on disk and on the screen; images told by their bytes.
import { describe, expect, test } from "bun:test";
import { imageInfo } from "../../src/workspace/images.ts";
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

describe("an image", () => {
  const bytes = (...parts: (number[] | string)[]) => Buffer.concat(parts.map((part) => Buffer.from(part as string)));

  test.each([
    ["GIF", bytes("GIF89a", [0x0a, 0, 0x14, 0]), { mime: "image/gif", width: 10, height: 20 }],
    [
      "JPEG",
      bytes([0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 2, 0xff, 0xff, 0xc2, 0, 11, 8, 1, 0, 2, 0, 3, 0, 0, 0]),
      { mime: "image/jpeg", width: 512, height: 256 },
    ],
    [
      "lossy WebP",
      bytes("RIFF", [0, 0, 0, 0], "WEBPVP8 ", [0, 0, 0, 0, 0, 0, 0, 0x9d, 0x01, 0x2a, 0x40, 0, 0x20, 0]),
      { mime: "image/webp", width: 64, height: 32 },
    ],
    [
      "lossless WebP",
      bytes("RIFF", [0, 0, 0, 0], "WEBPVP8L", [0, 0, 0, 0, 0x2f, 0x3f, 0xc0, 0x07, 0]),
      { mime: "image/webp", width: 64, height: 32 },
    ],
    [
      "large WebP",
      bytes("RIFF", [0, 0, 0, 0], "WEBPVP8X", [0, 0, 0, 0, 0, 0, 0, 0, 0x3f, 0, 0, 0x1f, 0, 0]),
      { mime: "image/webp", width: 64, height: 32 },
    ],
    ["cut JPEG", bytes([0xff, 0xd8, 0xff]), { mime: "image/jpeg", width: 0, height: 0 }],
    ["cut PNG", bytes([0x89], "PNG\r\n", [0x1a, 0x0a]), { mime: "image/png", width: 0, height: 0 }],
    ["JPEG of nothing but fill", Buffer.alloc(1000, 0xff), undefined],
    ["text", bytes("hello"), undefined],
    ["nothing", bytes(), undefined],
  ])("%s is told by its bytes", (_, content, info) => {
    expect(imageInfo(content)).toEqual(info as ReturnType<typeof imageInfo>);
  });
});
