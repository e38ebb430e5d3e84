// What cannot happen: a broken invariant is a defect of ours, never of a person's input.

/** Thrown when an invariant of the program itself is broken. Never caught to go on. */
export class AssertionError extends Error {
  override name = "AssertionError";
}

/** Throws an {@link AssertionError} with `message` unless `condition` holds. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}
