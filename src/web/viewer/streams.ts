// What happens in a session, as it happens: server-sent events that a page goes on from after a lost connection.

import { isStored, type TurnEvent } from "../../core/event.ts";
import { errorText } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import type { Happening } from "../../gateway/hub.ts";
import type { Link } from "../../store/links.ts";
import type { WebDeps } from "../part.ts";
import { type Cursor, cursorText } from "./branch.ts";
import type { Timeline } from "./timeline.ts";

/** One page that listens. */
export interface Listening {
  link: Link;
  session: number;
  timeline: Timeline;
  /** Behind this place it goes on; undefined in an empty session. */
  from: Cursor | undefined;
  /** What stands above the timeline, told whenever it may have changed. */
  state(): object;
  /** Aborted when the browser went away. */
  signal: AbortSignal;
}

export type StreamDeps = Pick<WebDeps, "hub" | "links" | "clock" | "log" | "redact" | "markdown">;
export type Streams = ReturnType<typeof createStreams>;
type Watcher = ReturnType<typeof createWatcher>;

/** All open pages. Nothing is listened for while there is none. */
export function createStreams(deps: StreamDeps) {
  const watchers = new Set<Watcher>();
  let leave: (() => void) | undefined;
  const hear = (happening: Happening) => {
    for (const watcher of watchers) watcher.hear(happening);
  };
  return {
    /** Opens a page's stream; undefined when too many are open. */
    open(listening: Listening): Response | undefined {
      const ofLink = [...watchers].filter(({ link }) => link.id === listening.link.id).length;
      if (watchers.size >= limits.viewStreamsMax || ofLink >= limits.viewStreamsOfOneMax) return undefined;
      leave ??= deps.hub.subscribe(hear);
      const watcher = createWatcher(deps, listening, () => {
        watchers.delete(watcher);
        if (watchers.size > 0) return;
        leave?.();
        leave = undefined;
      });
      watchers.add(watcher);
      watcher.begin();
      return new Response(watcher.body, {
        headers: { "content-type": "text/event-stream; charset=utf-8", "x-accel-buffering": "no" },
      });
    },
    close(): void {
      for (const watcher of watchers) watcher.end("restart");
    },
  };
}

/** One stream. What is stored comes with its place as the event's id; what is only forming comes without one. */
function createWatcher(deps: StreamDeps, listening: Listening, onEnd: () => void) {
  const { clock, log, links } = deps;
  const { link, session, timeline, signal } = listening;
  const over = new AbortController();
  const encoder = new TextEncoder();
  let { from } = listening;
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  let soon = false;
  const forming = createForming(deps);

  const end = (reason?: "closed" | "reset" | "restart"): void => {
    if (over.signal.aborted) return;
    if (reason !== undefined && reason !== "restart") write({ event: reason, data: {} });
    over.abort();
    onEnd();
    try {
      controller?.close();
    } catch (error) {
      // The browser was faster.
      log.debug("A page's stream was closed already", { error: errorText(error) });
    }
  };
  const push = (text: string): void => {
    if (over.signal.aborted || controller === undefined) return;
    controller.enqueue(encoder.encode(text));
    // It does not read: what it missed it gets when it comes again.
    if ((controller.desiredSize ?? 0) < -limits.viewStreamBytesMax) end();
  };
  const write = ({ id, event, data }: { id?: string; event: string; data: unknown }): void =>
    push(`${id === undefined ? "" : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);

  /** Sends what was stored since. */
  const catchUp = (): void => {
    const works = links.works(link);
    const rows = works ? timeline.since(from) : undefined;
    if (rows === undefined) end(works ? "reset" : "closed");
    for (const { cursor, items } of rows ?? []) {
      from = cursor;
      for (const item of items) write({ id: cursorText(cursor), event: "item", data: item });
    }
  };
  const guarded = (work: () => void): void => {
    if (over.signal.aborted) return;
    try {
      work();
    } catch (error) {
      // The store may be closing, or full: the page comes again by itself.
      log.warn("A page's stream ends", { error: errorText(error) });
      end();
    }
  };
  const showForming = async (): Promise<void> => {
    if (soon) return;
    soon = true;
    await clock.sleep(limits.viewFormingEveryMs, over.signal);
    soon = false;
    guarded(() => {
      if (links.works(link)) write({ event: "forming", data: forming.shown() });
      else end("closed");
    });
  };
  const keep = async (): Promise<void> => {
    while (!over.signal.aborted) {
      await clock.sleep(limits.viewRightEveryMs, over.signal);
      guarded(() => (links.works(link) ? push(":\n\n") : end("closed")));
    }
  };
  const body = new ReadableStream<Uint8Array>(
    {
      start(opened) {
        controller = opened;
      },
      cancel: () => end(),
    },
    new ByteLengthQueuingStrategy({ highWaterMark: 64 * 1024 }),
  );
  signal.addEventListener("abort", () => end(), { once: true });
  return {
    body,
    link,
    end,
    /** Tells what was missed; called once it is among the others, since it may end at once. */
    begin(): void {
      push("retry: 1000\n\n");
      guarded(() => {
        catchUp();
        write({ event: "state", data: listening.state() });
      });
      void keep();
    },
    hear(happening: Happening): void {
      if (happening.session !== session) return;
      const { event } = happening;
      forming.hear(happening);
      if (!isStored(event)) {
        void showForming();
        return;
      }
      guarded(() => {
        catchUp();
        if (event.type === "started" || event.type === "ended") write({ event: "state", data: listening.state() });
        if (event.type !== "usage") write({ event: "forming", data: forming.shown() });
      });
    },
  };
}

/** What a turn shows while it forms: the end of its answer, and the newest output of its calls. */
function createForming({ hub, redact, markdown }: Pick<StreamDeps, "hub" | "redact" | "markdown">) {
  let turn: number | undefined;
  let thinking = false;
  const outputs = new Map<string, string>();
  const follow = (event: TurnEvent): void => {
    if (event.type === "thinking") thinking = true;
    if (event.type === "text" || event.type === "message") thinking = false;
    if (event.type === "ended") outputs.clear();
    if (event.type !== "tool") return;
    thinking = false;
    if (event.step === "end") outputs.delete(event.call);
    if (event.step === "start" && outputs.size < limits.callsParallelMax) outputs.set(event.call, "");
    const before = event.step === "output" ? outputs.get(event.call) : undefined;
    if (event.step === "output" && before !== undefined) {
      outputs.set(event.call, (before + event.text).slice(-limits.viewProgressCharsMax * 2));
    }
  };
  return {
    hear(happening: Happening): void {
      turn = happening.event.type === "ended" ? undefined : happening.turn;
      follow(happening.event);
    },
    shown(): object {
      const text = (turn === undefined ? undefined : hub.forming(turn)?.text) ?? "";
      // A cut may go through a secret: what is cut off first is twice as far back.
      const clean = redact(text.slice(-limits.viewFormingCharsMax * 2))
        .slice(-limits.viewFormingCharsMax)
        .toWellFormed();
      return {
        turn: turn ?? null,
        thinking,
        blocks: clean === "" ? [] : markdown(clean),
        output: redact([...outputs.values()].at(-1) ?? "")
          .slice(-limits.viewProgressCharsMax)
          .toWellFormed(),
      };
    },
  };
}
