// log.jsonl: a view of a conversation for agents and people with grep; the store is the truth.
import { rename } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { clearTimeout, setTimeout } from "node:timers";
import { errorText } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import type { Sender } from "../core/message.ts";
import { openBeneath } from "../sys/beneath.ts";
import type { Log } from "../sys/log.ts";

/** One message, in or out, as the view shows it. */
export interface TranscriptLine {
  /** The platform's id, or ours for what we sent. */
  id: string;
  /** Unix milliseconds. */
  at: number;
  thread?: string;
  sender: Sender;
  text: string;
  /** `stored` is the path below the workspace. */
  attachments?: { name: string; stored: string }[];
  /** True when the agent was addressed. */
  isMention?: boolean;
}

/** Writes the view. */
export interface Transcript {
  /** Adds a line to the log at `path`; lines of one file keep their order. Never throws: what fails is logged. */
  append(path: string, line: TranscriptLine): void;
  /** Resolves when everything so far is written. */
  settled(): Promise<void>;
}

/** What waits to be written to one file. */
interface Batch {
  ids: string[];
  text: string;
  /** Ends the wait for more lines. */
  hurry(): void;
  done: Promise<void>;
}

/**
 * The view's writer, for logs below the workspace at `root`; their folders are made. Lines wait a moment for others, so
 * that writing them is not in the way of the turn that they belong to. It is bounded: lines that do not fit the queue are
 * left out, and that is logged.
 */
export function createTranscript({ log, root }: { log: Log; root: string }): Transcript {
  const open = new Map<string, Batch>();
  const last = new Map<string, Promise<void>>();
  let waiting = 0;

  const begin = (path: string): Batch => {
    const pause = Promise.withResolvers<void>();
    const timer = setTimeout(pause.resolve, limits.transcriptPauseMs);
    const batch: Batch = { ids: [], text: "", hurry: pause.resolve, done: Promise.resolve() };
    batch.done = Promise.all([pause.promise, last.get(path)])
      .then(() => {
        clearTimeout(timer);
        open.delete(path);
        return write(root, { path, text: batch.text });
      })
      .catch((error: unknown) => log.warn("Cannot write log.jsonl", { path, ids: batch.ids, error: errorText(error) }))
      .finally(() => {
        waiting -= batch.ids.length;
        if (last.get(path) === batch.done) last.delete(path);
      });
    open.set(path, batch);
    last.set(path, batch.done);
    return batch;
  };

  return {
    append(path, line) {
      if (waiting >= limits.transcriptWaitingMax) {
        log.warn("Left a message out of log.jsonl: the disk is too slow", { path, id: line.id });
        return;
      }
      waiting += 1;
      const batch = open.get(path) ?? begin(path);
      batch.ids.push(line.id);
      batch.text += render(line);
    },
    async settled() {
      for (const { hurry } of open.values()) hurry();
      await Promise.all(last.values());
    },
  };
}

/** The line's form: `{id, ts, threadTs?, sender, text, attachments, isMention?}`, text as it was received. */
function render({ id, at, thread, sender, text, attachments = [], isMention }: TranscriptLine): string {
  return `${JSON.stringify({
    id,
    ts: new Date(at).toISOString(),
    ...(thread === undefined ? {} : { threadTs: thread }),
    sender,
    text: text.toWellFormed(),
    attachments: attachments.map((file) => ({ original: file.name, localPath: file.stored })),
    ...(isMention === undefined ? {} : { isMention }),
  })}\n`;
}

async function write(root: string, { path, text }: { path: string; text: string }): Promise<void> {
  const file = await openBeneath(root, relative(root, path), { for: "append", folders: true });
  try {
    await file.writeFile(text);
    // The older half of a very long log stays readable beside it; the one before that goes.
    if ((await file.stat()).size > limits.transcriptBytesMax) await rename(path, join(dirname(path), "log.1.jsonl"));
  } finally {
    await file.close();
  }
}
