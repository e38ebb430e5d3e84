// How far each channel was read: live in memory, noted from time to time, so that a gap is read from its beginning.
import * as v from "valibot";
import { errorText } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import type { AdapterDeps } from "../adapter.ts";
import { isAfter, snowflakeSchema } from "./snowflake.ts";

const noteSchema = v.pipe(v.string(), v.parseJson(), v.record(v.string(), snowflakeSchema));
const key = "read-to";

export type Marks = ReturnType<typeof createMarks>;

export function createMarks({ memory, clock, log }: Pick<AdapterDeps, "memory" | "clock" | "log">) {
  const noted = v.safeParse(noteSchema, memory.get(key));
  const marks = new Map(Object.entries(noted.success ? noted.output : {}).slice(-limits.adapterNotesMax));
  let changed = false;
  let notedAt = clock.monotonic();
  const note = () => {
    if (!changed) return;
    try {
      memory.set(key, JSON.stringify(Object.fromEntries(marks)));
      changed = false;
      notedAt = clock.monotonic();
    } catch (error) {
      // The store is full, perhaps: what came last is read again after a restart, and is known then.
      log.warn("Cannot note how far the channels were read", { error: errorText(error) });
    }
  };
  return {
    /** Everything of the channel up to this message was taken, or is not for the agent. */
    set(channel: string, message: string): void {
      const before = marks.get(channel);
      if (before !== undefined && !isAfter(message, before)) return;
      marks.delete(channel);
      marks.set(channel, message);
      const [oldest] = marks.keys();
      if (marks.size > limits.adapterNotesMax && oldest !== undefined) marks.delete(oldest);
      changed = true;
      if (clock.monotonic() - notedAt >= limits.offsetNoteMs) note();
    },
    /**
     * Where reading goes on: what was read, else the newest of what the program has. That may have overtaken others, as
     * a stop does; what is read twice is known.
     */
    of: (channel: string, newest: string): string | undefined =>
      marks.get(channel) ?? (v.is(snowflakeSchema, newest) ? newest : undefined),
    note,
  };
}
