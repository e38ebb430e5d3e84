// Discord's ids: they carry the time at which they were made (docs.discord.com/developers/reference#snowflakes).
import * as v from "valibot";

/** Milliseconds since 1970 at which a snowflake's time begins. */
const epochMs = 1_420_070_400_000;

/** An id: decimal digits of an unsigned 64-bit number. */
export const snowflakeSchema = v.pipe(v.string(), v.regex(/^[1-9]\d{0,19}$/));

/** When an id was made, Unix milliseconds. */
export function timeOf(id: string): number {
  return Number(BigInt(id) >> 22n) + epochMs;
}

/** The smallest id of that time. */
export function snowflakeAt(at: number): string {
  return String(BigInt(Math.max(1, Math.floor(at) - epochMs)) << 22n);
}

/** Whether `one` was made after `other`; also within one millisecond. */
export function isAfter(one: string, other: string): boolean {
  return BigInt(one) > BigInt(other);
}
