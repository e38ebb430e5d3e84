// Ids of messages from before their conversation got another id: they mean nothing there, and must not be taken for others.

const mark = "moved:";

/** The id of a message of the conversation `from`, in the conversation that it is now. */
export function movedId(from: string, id: string): string {
  return `${mark}${from}:${id}`;
}

/** True for such an id: no platform knows it. */
export function wasMoved(id: string): boolean {
  return id.startsWith(mark);
}
