// One command's output on its way to the model: shown as it comes, its end kept, all of it spilled when it is long.
import type { Readable } from "node:stream";
import { errorText } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import { createScreen } from "./screen.ts";
import { createTail, type TailView } from "./tail.ts";
import type { ToolContext } from "./tool.ts";

/** What became of an output. */
export interface Collected extends TailView {
  /** Where all of it is, when it was cut. */
  path?: string;
  /** Why it could not be kept whole. */
  lost?: string;
}

/** Takes streams in and gives the end of what they said. Memory stays bounded whatever they say. */
export interface Collector {
  /** Reads a stream to its end; slow storage slows the reading, and so the command. Never rejects. */
  drain(stream: Readable): Promise<void>;
  finish(): Promise<Collected>;
}

/** A collector that shows what comes by `context.output` and keeps what is cut off by `context.spill`. */
export function createCollector(context: Pick<ToolContext, "output" | "spill">): Collector {
  const tail = createTail();
  const screen = createScreen();
  // Until the bounds are passed everything is kept here as well, so that the spilled file is whole.
  let early: string[] | undefined = [];
  let earlyLines = 0;
  let earlyBytes = 0;
  let spill: Spill | undefined;
  const take = async (text: string): Promise<void> => {
    if (text === "") return;
    context.output(text);
    tail.push(text);
    if (early === undefined) return await spill?.write(text);
    early.push(text);
    earlyBytes += Buffer.byteLength(text);
    earlyLines += text.split("\n").length - 1;
    if (earlyBytes <= limits.toolBytesMax && earlyLines <= limits.toolLinesMax) return;
    spill = startSpill(context);
    const whole = early.join("");
    early = undefined;
    await spill.write(whole);
  };
  // Both streams write in turns, so that no piece stands within another.
  let turn = Promise.resolve();
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    turn = turn.then(work);
    return turn;
  };
  return {
    async drain(stream) {
      try {
        for await (const bytes of stream as AsyncIterable<Uint8Array>) await inTurn(() => take(screen.push(bytes)));
      } catch (error) {
        // A pipe that was closed from our side: the command is over, what was said stays.
        if (!stream.destroyed) await inTurn(() => take(`\n[Output ended early: ${errorText(error)}]\n`));
      }
    },
    async finish() {
      await inTurn(() => take(screen.end()));
      return { ...tail.view(), ...(await spill?.finish()) };
    },
  };
}

interface Spill {
  write(text: string): Promise<void>;
  finish(): Promise<{ path?: string; lost?: string }>;
}

/** Hands text over piece by piece while `context.spill` stores it. A store that fails does not stop the command. */
function startSpill(context: Pick<ToolContext, "spill">): Spill {
  const encoder = new TextEncoder();
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  let over = false;
  const stored = context.spill("output.txt", readable as unknown as AsyncIterable<Uint8Array>).then(
    (path) => ({ path }),
    (error: unknown) => ({ lost: errorText(error) }),
  );
  const done = stored.finally(() => {
    over = true;
  });
  const attempt = async (step: Promise<void>): Promise<void> => {
    // A reader that gave up makes the step fail, or never end; the reason is in `stored`.
    await Promise.race([step.catch(() => undefined), done]);
  };
  return {
    async write(text) {
      if (!over) await attempt(writer.write(encoder.encode(text)));
    },
    async finish() {
      if (!over) await attempt(writer.close());
      return await stored;
    },
  };
}
