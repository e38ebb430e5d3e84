// Prepares the transcripts of one conversation after the other, each time only what came since the last request.
import type { TranscriptMessage } from "../core/transcript.ts";
import { extendPrepared, finishPrepared, type Prepared, type Reader, startPrepared } from "./prepare.ts";

/** The same as `prepareTranscript`, with a memory. */
export type Preparation = (messages: readonly TranscriptMessage[], reader: Reader) => TranscriptMessage[];

/** The beginning of a conversation, in which every call has its result: nothing that comes later changes it. */
interface Beginning {
  reader: Reader;
  messages: TranscriptMessage[];
  prepared: Prepared;
}

/**
 * A preparation. It knows a conversation by its first message, as an object, and lives no longer than that: whoever
 * forgets the messages has forgotten what was made of them. Messages are never changed, so the same object is the same
 * message.
 */
export function createPreparation(): Preparation {
  const kept = new WeakMap<TranscriptMessage, Beginning>();
  return (messages, reader) => {
    const [first] = messages;
    if (first === undefined) return [];
    let begun = kept.get(first);
    if (begun === undefined || !begins(messages, begun) || !sameReader(begun.reader, reader)) {
      begun = { reader, messages: [], prepared: startPrepared() };
      kept.set(first, begun);
    }
    const known = begun.messages.length;
    const sealed = known + sealedCount(messages, known);
    const fresh = messages.slice(known, sealed);
    extendPrepared(begun.prepared, { messages: fresh, reader });
    for (const message of fresh) begun.messages.push(message);
    return finishPrepared(begun.prepared, { messages: messages.slice(sealed), reader });
  };
}

/** True when `messages` go on from what is kept. */
function begins(messages: readonly TranscriptMessage[], { messages: before }: Beginning): boolean {
  if (before.length > messages.length) return false;
  for (let index = 0; index < before.length; index += 1) if (before[index] !== messages[index]) return false;
  return true;
}

function sameReader(one: Reader, other: Reader): boolean {
  return (
    one.api === other.api &&
    one.provider === other.provider &&
    one.model === other.model &&
    one.images === other.images &&
    one.imageBytesMax === other.imageBytesMax
  );
}

/** How many messages from `from` on end in a moment in which no call lacks its result. */
function sealedCount(messages: readonly TranscriptMessage[], from: number): number {
  const open = new Set<string>();
  let count = 0;
  for (let index = from; index < messages.length; index += 1) {
    const message = messages[index];
    if (message?.role === "toolResult") open.delete(message.toolCallId);
    else if (message?.role === "assistant")
      for (const part of message.content) if (part.type === "toolCall") open.add(part.id);
    if (open.size === 0) count = index - from + 1;
  }
  return count;
}
