// What a check of `doctor` finds.
import type { Places } from "../places.ts";

/** One thing that is well, worth a note, or bad. */
export interface Finding {
  area: string;
  level: "ok" | "warn" | "bad";
  text: string;
  /** What the person can do. */
  mend?: string;
  /** Mends it without harm, and says what was done. */
  fix?(): Promise<string>;
}

export interface CheckContext {
  places: Places;
  /** The model may be asked. */
  online: boolean;
}

/** Looks at one area. Never throws for what it looks at. */
export type Check = (context: CheckContext) => Promise<Finding[]>;
