// What `#image` exports: making a picture smaller, where the runtime can.

/** How a picture is made smaller. */
export interface Shrinking {
  /** Longest side of the result, in pixels; a smaller picture keeps its size. */
  side: number;
  mime: "image/png" | "image/jpeg" | "image/webp";
  /** A picture with more pixels than that is not unpacked at all. */
  pixelsMax: number;
}

/** Unpacks a picture, turns it as its file says, and packs it anew. Rejects when it is broken or has too many pixels. */
export type Shrink = (bytes: Uint8Array, options: Shrinking) => Promise<Uint8Array>;
