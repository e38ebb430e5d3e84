// Rows of a branch as the page shows them: every text without secrets, and markdown as a tree that holds no markup.
import { publicId } from "../../core/ids.ts";
import { limits } from "../../core/limits.ts";
import type { FileRef } from "../../core/message.ts";
import type { TranscriptMessage } from "../../core/transcript.ts";
import type { Store } from "../../store/store.ts";
import type { StoredEvent } from "../../store/turns.ts";
import type { WebParts } from "../part.ts";
import { cursorText, type Row } from "./branch.ts";
import type { Content, Item, ShownFile } from "./item.ts";

/** What items are made with. */
export interface ViewDeps extends Pick<WebParts, "redact" | "markdown"> {
  store: Pick<Store, "approvals" | "inputs" | "timeline" | "turns">;
}

type EventOf<Type> = Extract<StoredEvent["event"], { type: Type }>;
type StartEvent = Extract<StoredEvent["event"], { type: "tool"; step: "start" }>;

export type View = ReturnType<typeof createView>;

/** The view. Its items are plain data: the page draws them with the document's own functions and never as HTML. */
export function createView({ store, redact, markdown }: ViewDeps) {
  /** A text as it is shown: without secrets, and no longer than the page wants it. */
  const text = (given: string, charsMax: number): { text: string; cut?: true } => {
    const clean = redact(given).toWellFormed();
    return clean.length > charsMax ? { text: clean.slice(0, charsMax).toWellFormed(), cut: true } : { text: clean };
  };
  const prose = (given: string, charsMax: number) => {
    const { text: shown, cut } = text(given, charsMax);
    return { blocks: markdown(shown), ...(cut && { cut }) };
  };
  const file = (of: Pick<FileRef, "name" | "bytes" | "stored" | "problem">, ref: string): ShownFile => ({
    name: redact(of.name),
    ...(of.bytes === undefined ? {} : { bytes: of.bytes }),
    ...(of.problem === undefined ? {} : { problem: redact(of.problem) }),
    ...(of.stored === undefined ? {} : { ref, image: /\.(?:png|jpe?g|gif|webp)$/i.test(of.name) }),
  });

  /** What people said: the message as it came where it is still there, with its files. */
  const taken = (event: EventOf<"taken">, base: { id: string; turn: number }, charsMax: number): Content => {
    const inputs = event.inputs.map((id) => store.inputs.get(id)?.inbound);
    const files = inputs.flatMap((inbound) => (inbound?.kind === "message" ? (inbound.files ?? []) : []));
    const said = inputs.find((inbound) => inbound !== undefined);
    const sender = said?.sender ?? store.turns.get(base.turn)?.requester;
    const schedule = said?.kind === "message" ? said.event : undefined;
    return {
      kind: "said",
      from: redact(sender?.name || sender?.id || ""),
      ...(schedule === undefined ? {} : { schedule: redact(schedule) }),
      ...text(event.text, charsMax),
      ...(files.length === 0 ? {} : { files: files.map((one, index) => file(one, `${base.id}.${index}`)) }),
    };
  };

  /** A call with what came of it, in one item. */
  const call = (event: StartEvent, end: StoredEvent | undefined, charsMax: number): Content => {
    const over = end?.event.type === "tool" && end.event.step === "end" ? end.event : undefined;
    const result = over === undefined ? undefined : text(over.text, charsMax);
    const input = text(inputText(event.input), charsMax);
    return {
      kind: "call",
      name: redact(event.name),
      title: text(event.title, 500).text,
      input: input.text,
      ...(over === undefined ? {} : { ok: over.ok, ms: over.ms, output: result?.text ?? "" }),
      ...((result?.cut ?? input.cut) && { cut: true }),
    };
  };

  const ended = (event: EventOf<"ended">, stored: StoredEvent): Content => {
    const turn = store.turns.get(stored.turn);
    const { input, output, cacheRead, cacheWrite, costUsd } = turn?.usage ?? event.usage;
    return {
      kind: "ended",
      outcome: event.outcome,
      tokens: input + output + cacheRead + cacheWrite,
      costUsd,
      ...(turn === undefined ? {} : { ms: Math.max(0, stored.at - turn.startedAt) }),
      ...(event.error === undefined
        ? {}
        : { text: redact([event.error.message, event.error.hint].filter(Boolean).join(". ")) }),
    };
  };

  const compacted = (event: EventOf<"compacted">, { turn, at }: StoredEvent, charsMax: number): Content => {
    const summary = store.timeline.summary(turn, at);
    return {
      kind: "compacted",
      before: event.tokensBefore,
      after: event.tokensAfter,
      ...(summary === undefined ? {} : prose(summary, charsMax)),
    };
  };

  const ofEvent = (stored: StoredEvent, id: string, how: Ends & { charsMax: number }): Content | undefined => {
    const { event } = stored;
    switch (event.type) {
      case "started":
        return event.resumed ? { kind: "note", text: "Goes on after an interruption" } : undefined;
      case "taken":
        return taken(event, { id, turn: stored.turn }, how.charsMax);
      case "message":
        return event.text.trim() === "" ? undefined : { kind: "answer", ...prose(event.text, how.charsMax) };
      case "tool":
        return event.step === "start" ? call(event, how.endOf(stored), how.charsMax) : undefined;
      case "file":
        return { kind: "file", file: file(event, id), ...(event.caption && { text: redact(event.caption) }) };
      case "ask":
        return {
          kind: "question",
          ...prose(event.text, how.charsMax),
          state: store.approvals.get(event.approval)?.state ?? "gone",
        };
      case "compacted":
        return compacted(event, stored, how.charsMax);
      case "notice":
        return { kind: "note", text: redact(event.text) };
      case "ended":
        return ended(event, stored);
      case "continuation":
      case "text":
      case "thinking":
      case "reset":
      case "usage":
        return undefined;
    }
  };

  const ofMessage = (message: TranscriptMessage, charsMax: number): Content | undefined => {
    const said = message.content.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n");
    if (message.role === "user") return { kind: "said", from: "", ...text(said, charsMax) };
    if (message.role === "toolResult") {
      const { text: output, cut } = text(said, charsMax);
      const name = redact(message.toolName);
      return { kind: "call", name, title: name, input: "", ok: !message.isError, output, ...(cut && { cut }) };
    }
    return said.trim() === "" ? undefined : { kind: "answer", ...prose(said, charsMax) };
  };

  /** What a row shows; some show nothing. */
  const items = (row: Row, { ends, charsMax = limits.viewTextCharsMax }: { ends: Ends; charsMax?: number }): Item[] => {
    const id = cursorText(row.cursor);
    const base = { id, session: publicId(row.session) };
    if (row.is === "event") {
      const made = ofEvent(row.stored, id, { ...ends, charsMax });
      return made === undefined ? [] : [{ ...base, turn: row.stored.turn, at: row.stored.at, ...made }];
    }
    if (row.is === "entry") {
      const { at, body } = row.entry;
      const made =
        body.kind === "message"
          ? ofMessage(body.message, charsMax)
          : { kind: "compacted" as const, before: body.tokensBefore, ...prose(body.summary, charsMax) };
      return made === undefined ? [] : [{ ...base, at, ...made }];
    }
    return row.messages.map(({ at, direction, sender, text: words }, index): Item => {
      const made: Content =
        direction === "in"
          ? { kind: "said", from: redact(sender), ...text(words, charsMax) }
          : { kind: "answer", ...prose(words, charsMax) };
      return { ...base, id: index === 0 ? id : `${id}.${index}`, turn: row.turn, at, old: true, ...made };
    });
  };
  return { items };
}

/** Where the end of a call is found. */
export interface Ends {
  endOf(start: StoredEvent): StoredEvent | undefined;
}

/** The ends among rows that were read together; what is not there is looked up. */
export function endsAmong(store: Pick<Store, "timeline">, rows: readonly Row[]): Ends {
  const ends = new Map<string, StoredEvent[]>();
  for (const row of rows) {
    if (row.is !== "event" || row.stored.event.type !== "tool" || row.stored.event.step !== "end") continue;
    const key = `${row.stored.turn} ${row.stored.event.call}`;
    ends.set(key, [...(ends.get(key) ?? []), row.stored]);
  }
  return {
    endOf({ n, turn, event }) {
      if (event.type !== "tool") return undefined;
      // Ids of calls come again with some models: the nearest end behind the start is its own.
      const near = ends
        .get(`${turn} ${event.call}`)
        ?.filter((end) => end.n > n)
        .sort((a, b) => a.n - b.n)[0];
      return near ?? store.timeline.callEnd(turn, { call: event.call, start: n });
    },
  };
}

/** What a call was given, as people read it: a lone text as it is, else JSON. */
function inputText(input: unknown): string {
  if (typeof input === "object" && input !== null) {
    const values = Object.values(input);
    if (values.length === 1 && typeof values[0] === "string") return values[0];
  }
  return JSON.stringify(input, undefined, 2) ?? "";
}
