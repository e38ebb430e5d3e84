// Ids of messages from before their conversation got another id: they mean nothing there, and must not be taken for others.

const mark = "moved:";

/**
 * The id of a message of the conversation `from`, in the conversation that it is now. One that came along from an earlier
 * move stays as it is, so that the message is known by it however often the conversation moves.
 */
export function movedId(from: string, id: string): string {
  return wasMoved(id) ? id : `${mark}${from}:${id}`;
}

/** True for such an id: no platform knows it. */
export function wasMoved(id: string): boolean {
  return id.startsWith(mark);
}
