// Which image a file is, told by its first bytes and never by its name, and what of it a model is shown.
import { shrink as systemShrink } from "#image";
import { limits } from "../core/limits.ts";
import { byteSize } from "../core/words.ts";
import type { Shrink } from "../sys/image.ts";

/** An image that models accept. Sides in pixels; 0 where the header is cut off. */
export interface ImageInfo {
  mime: "image/png" | "image/jpeg" | "image/gif" | "image/webp";
  width: number;
  height: number;
}

/** Reads the kind and size of an image from its bytes; `undefined` for anything else. */
export function imageInfo(bytes: Uint8Array): ImageInfo | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (starts(view, 0, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])) {
    return { mime: "image/png", width: big32(view, 16), height: big32(view, 20) };
  }
  if (starts(view, 0, [0x47, 0x49, 0x46, 0x38])) {
    return { mime: "image/gif", width: little16(view, 6), height: little16(view, 8) };
  }
  if (starts(view, 0, [0x52, 0x49, 0x46, 0x46]) && starts(view, 8, [0x57, 0x45, 0x42, 0x50])) {
    return { mime: "image/webp", ...webpSides(view) };
  }
  if (starts(view, 0, [0xff, 0xd8, 0xff])) return { mime: "image/jpeg", ...jpegSides(view) };
  return undefined;
}

/** What a model is shown of an image: its bytes, and the sides that the file had where they are made smaller. */
export interface ShownImage extends ImageInfo {
  bytes: Uint8Array;
  was?: { width: number; height: number };
}

/**
 * Brings an image into the bounds of what models take: as it is when it fits, else smaller, else the reason why not in
 * one clause. By its bytes and sides alone: an image that a provider refuses would make it refuse the
 * session from then on.
 */
export async function fitImage(
  bytes: Uint8Array,
  { shrink = systemShrink }: { shrink?: Shrink | undefined } = {},
): Promise<ShownImage | string> {
  const info = imageInfo(bytes);
  if (info === undefined || info.width === 0 || info.height === 0) return "it is not a readable image";
  const { mime, width, height } = info;
  const longest = Math.max(width, height);
  const light = bytes.byteLength <= limits.imageBytesMax;
  if (light && longest <= limits.imageShownSideMax) return { ...info, bytes };
  const pixels = width * height;
  if (shrink !== undefined && pixels <= limits.imageSourcePixelsMax && bytes.byteLength <= limits.imageSourceBytesMax) {
    // What has sharp edges and clear parts keeps them as long as that is not too large.
    const forms = mime === "image/jpeg" ? (["image/jpeg"] as const) : (["image/png", "image/webp"] as const);
    for (const form of forms) {
      const small = await tryShrink(shrink, { bytes, mime: form });
      if (small === undefined) break;
      const after = imageInfo(small);
      const fits = after !== undefined && small.byteLength <= limits.imageBytesMax;
      if (fits) return { ...after, bytes: small, was: { width, height } };
    }
  }
  if (light && longest <= limits.imageSideMax) return { ...info, bytes };
  if (!light) return `it is larger than ${byteSize(limits.imageBytesMax)}`;
  return `it is ${width}×${height} pixels and ${limits.imageSideMax} a side are allowed`;
}

/** None for an image whose header reads well and whose body is broken. */
async function tryShrink(
  shrink: Shrink,
  { bytes, mime }: { bytes: Uint8Array; mime: Exclude<ImageInfo["mime"], "image/gif"> },
): Promise<Uint8Array | undefined> {
  try {
    return await shrink(bytes, { side: limits.imageShownSideMax, mime, pixelsMax: limits.imageSourcePixelsMax });
  } catch {
    return undefined; // Then it is judged as it is; the provider may read what we cannot.
  }
}

/** The three forms of WebP: extended, lossless, lossy (RFC 9649). */
function webpSides(view: DataView): { width: number; height: number } {
  const form = String.fromCharCode(byte(view, 12), byte(view, 13), byte(view, 14), byte(view, 15));
  if (form === "VP8X") return { width: 1 + little24(view, 24), height: 1 + little24(view, 27) };
  if (form === "VP8L") {
    const low = little16(view, 21);
    const high = little16(view, 23);
    return { width: 1 + (low & 0x3fff), height: 1 + ((low >> 14) | ((high & 0xfff) << 2)) };
  }
  return { width: little16(view, 26) & 0x3fff, height: little16(view, 28) & 0x3fff };
}

/** Walks the segments to the first start of frame (ITU T.81 B.2.2). */
function jpegSides(view: DataView): { width: number; height: number } {
  let at = 2;
  // Each step goes on by at least one byte.
  while (at + 9 < view.byteLength) {
    if (byte(view, at) !== 0xff) break;
    const marker = byte(view, at + 1);
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (isFrame) return { height: big16(view, at + 5), width: big16(view, at + 7) };
    const alone = marker === 0xff || marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8);
    at += alone ? (marker === 0xff ? 1 : 2) : 2 + Math.max(2, big16(view, at + 2));
  }
  return { width: 0, height: 0 };
}

function starts(view: DataView, at: number, wanted: number[]): boolean {
  return wanted.every((value, index) => byte(view, at + index) === value);
}
/** Out of range reads as -1, which no byte is. */
function byte(view: DataView, at: number): number {
  return at < view.byteLength ? view.getUint8(at) : -1;
}
function little16(view: DataView, at: number): number {
  return at + 2 <= view.byteLength ? view.getUint16(at, true) : 0;
}
function little24(view: DataView, at: number): number {
  return at + 3 <= view.byteLength ? little16(view, at) | (byte(view, at + 2) << 16) : 0;
}
function big16(view: DataView, at: number): number {
  return at + 2 <= view.byteLength ? view.getUint16(at) : 0;
}
function big32(view: DataView, at: number): number {
  return at + 4 <= view.byteLength ? view.getUint32(at) : 0;
}
