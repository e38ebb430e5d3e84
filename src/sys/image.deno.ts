// `#image` under Deno, which cannot unpack pictures: they are shown as they are, or not at all.
import type { Shrink } from "./image.ts";

export const shrink: Shrink | undefined = undefined;
