// The names of things: branded numbers and the forms people see.

/** A session's row number. People see it as `S001` (see {@link publicId}). */
export type SessionId = number;
/** A turn's row number. People see it as `T12`. */
export type TurnId = number;
/** A stored input's row number. */
export type InputId = number;
/** A session entry's row number. */
export type EntryId = number;
/** The number of a stored event; it only grows, so a reader can go on from the last one it saw. */
export type EventNumber = number;

/** The id that people see and type for a session: `S001`, `S042`, `S1234`. */
export function publicId(session: SessionId): string {
  return `S${String(session).padStart(3, "0")}`;
}

/** Reads `S001`, `s1` or `1` as a session's number; `undefined` for anything else. */
export function parsePublicId(text: string): SessionId | undefined {
  const digits = /^[sS]?0*([1-9][0-9]{0,8})$/.exec(text.trim())?.[1];
  return digits === undefined ? undefined : Number(digits);
}
