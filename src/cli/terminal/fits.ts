// The longest message: as much as one frame to the instance takes. What is too long for the model, the instance keeps
// as a file.
import { Buffer } from "node:buffer";
import { limits } from "../../core/limits.ts";

/** What a frame has beside the message's text, in bytes, and more. */
const headBytes = 1_024;

/** True when a message of this text fits into one frame. JSON makes a text longer: a line end takes two bytes. */
export function fitsFrame(text: string): boolean {
  const room = limits.frameBytesMax - headBytes;
  if (text.length > room) return false;
  // No character takes more than six, so that a short text is not encoded to be counted.
  return text.length * 6 <= room || Buffer.byteLength(JSON.stringify(text)) <= room;
}
