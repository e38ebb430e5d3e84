// `#image` under Bun: its own codecs, which work beside the event loop.
import type { Shrink } from "./image.ts";

const quality = 80;

export const shrink: Shrink | undefined = (bytes, { side, mime, pixelsMax }) => {
  const image = new Bun.Image(bytes, { maxPixels: pixelsMax });
  const small = image.resize(side, side, { fit: "inside", withoutEnlargement: true });
  if (mime === "image/png") return small.png().bytes();
  return mime === "image/webp" ? small.webp({ quality }).bytes() : small.jpeg({ quality }).bytes();
};
