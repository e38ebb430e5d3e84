// One screen's stream: frames out as lines, bounded, so that a screen that stopped reading costs nothing.
import type { ChatDown } from "../../core/frame.ts";
import { limits } from "../../core/limits.ts";

/** The way out to one screen. */
export interface Connection {
  readonly id: string;
  send(frame: ChatDown): void;
  /** Ends the stream after what was sent. */
  close(): void;
  readonly response: Response;
}

/**
 * A connection whose `response` streams what is sent as JSON lines. A reader that falls behind by
 * more than `limits.screenBytesMax` is cut off: it reconnects and goes on by event number.
 */
export function createConnection(id: string, onGone: () => void): Connection {
  const encoder = new TextEncoder();
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  let open = true;
  const gone = () => {
    if (!open) return;
    open = false;
    onGone();
  };
  const stream = new ReadableStream<Uint8Array>(
    {
      start(begun) {
        controller = begun;
      },
      cancel: gone,
    },
    { highWaterMark: limits.screenBytesMax, size: (chunk) => chunk?.byteLength ?? 0 },
  );
  const end = () => {
    if (!open) return;
    gone();
    controller?.close();
  };
  return {
    id,
    send(frame) {
      if (!open) return;
      controller?.enqueue(encoder.encode(`${JSON.stringify(frame)}\n`));
      if ((controller?.desiredSize ?? 0) <= 0) end();
    },
    close: end,
    response: new Response(stream, {
      headers: { "content-type": "application/x-ndjson", "cache-control": "no-store" },
    }),
  };
}
