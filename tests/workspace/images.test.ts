// Images told by their bytes, and brought into the bounds of what models take.
import { describe, expect, test } from "bun:test";
import { shrink } from "#image";
import { limits } from "../../src/core/limits.ts";
import { fitImage, imageInfo, type ShownImage } from "../../src/workspace/images.ts";

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

/** A picture without compression (BMP, 24 bits): noise, so that no codec makes it small. */
function noise(width: number, height: number): Uint8Array {
  const row = Math.ceil((width * 3) / 4) * 4;
  const file = new Uint8Array(54 + row * height);
  const view = new DataView(file.buffer);
  file.set([0x42, 0x4d]);
  view.setUint32(2, file.length, true);
  view.setUint32(10, 54, true);
  view.setUint32(14, 40, true);
  view.setInt32(18, width, true);
  view.setInt32(22, height, true);
  view.setUint16(26, 1, true);
  view.setUint16(28, 24, true);
  let seed = 7;
  for (let at = 54; at < file.length; at++) {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
    file[at] = seed >>> 24;
  }
  return file;
}

async function made(mime: "image/png" | "image/jpeg" | "image/webp", width: number, height: number) {
  const bytes = await shrink?.(noise(width, height), { side: Math.max(width, height), mime, pixelsMax: 1e9 });
  if (bytes === undefined) throw new Error("This runtime makes no pictures");
  return bytes;
}

describe("what a model is shown of an image", () => {
  const shown = async (bytes: Uint8Array): Promise<ShownImage> => {
    const found = await fitImage(bytes);
    if (typeof found === "string") throw new Error(found);
    return found;
  };

  test("is the file itself when it fits", async () => {
    const bytes = await made("image/png", 200, 100);
    expect(await shown(bytes)).toEqual({ mime: "image/png", width: 200, height: 100, bytes });
  });

  test("is a smaller copy of one with long sides, in its own form", async () => {
    const photo = await shown(await made("image/jpeg", 3_000, 1_500));
    expect(photo).toMatchObject({
      mime: "image/jpeg",
      width: 2_000,
      height: 1_000,
      was: { width: 3_000, height: 1_500 },
    });
    expect(imageInfo(photo.bytes)).toEqual({ mime: "image/jpeg", width: 2_000, height: 1_000 });
    const flat = new Uint8Array(noise(2_500, 40)).fill(200, 54);
    const drawing = await shrink?.(flat, { side: 2_500, mime: "image/png", pixelsMax: 1e9 });
    expect(await shown(drawing ?? flat)).toMatchObject({ mime: "image/png", width: 2_000, height: 32 });
  });

  test("is packed harder when it is still too heavy", async () => {
    const heavy = await made("image/png", 2_200, 1_800);
    expect(heavy.byteLength).toBeGreaterThan(limits.imageBytesMax);
    const photo = await shown(heavy);
    expect(photo.mime).toBe("image/webp");
    expect(photo.bytes.byteLength).toBeLessThanOrEqual(limits.imageBytesMax);
  });

  test("is nothing of a picture that claims to be huge, is broken, or is none", async () => {
    const huge = Uint8Array.from(await made("image/png", 10, 10));
    new DataView(huge.buffer).setUint32(16, 60_000);
    new DataView(huge.buffer).setUint32(20, 60_000);
    expect(await fitImage(huge)).toBe("it is 60000×60000 pixels and 8000 a side are allowed");
    const broken = (await made("image/png", 2_200, 1_800)).slice(0, limits.imageBytesMax + 10);
    expect(await fitImage(broken)).toBe("it is larger than 5 MiB");
    expect(await fitImage(new TextEncoder().encode("hello"))).toBe("it is not a readable image");
  });

  test("is the file itself, up to the sides that models accept, where nothing can make it smaller", async () => {
    const bytes = await made("image/jpeg", 3_000, 100);
    const failing = () => Promise.reject(new Error("no codec"));
    expect(await fitImage(bytes, { shrink: failing })).toMatchObject({ width: 3_000, bytes });
  });
});
