// Frames from the instance → the transcript: lines that are final, and the live ones above the prompt.
import type { TurnEvent } from "../../core/event.ts";
import { type FailureData, failureText } from "../../core/failure.ts";
import type { ChatState } from "../../core/frame.ts";
import type { TurnId } from "../../core/ids.ts";
import { limits } from "../../core/limits.ts";
import type { Receipt } from "../../core/message.ts";
import { byteSize, excerpt } from "../../core/words.ts";
import {
  AnswerPart,
  type DrawOptions,
  inputPart,
  type Part,
  remark,
  TextPart,
  ThinkingPart,
  ToolPart,
} from "./parts.ts";
import { Pending } from "./pending.ts";
import type { ScreenFrame } from "./port.ts";
import { elapsed, spinner } from "./spinner.ts";
import { dim, type Line, type Style, span, wrap } from "./style.ts";
import { cleanLine, fit } from "./text.ts";
import { usageText } from "./usage.ts";
import { welcome } from "./welcome.ts";

/** A part, and its final lines that wait for the parts before it. */
interface Entry {
  part: Part;
  held: Line[];
  /** It has lines out already. */
  begun: boolean;
  /** Its last lines were taken. */
  whole: boolean;
}

const red: Style = { color: "red" };
const yellow: Style = { color: "yellow" };
/** How the connection says that nobody listens any more. */
const notRunning = "RemoteAgent is not running";

/** The transcript of one screen. It knows nothing of the terminal; {@link take} and {@link live} give lines. */
export class View {
  #now: () => number;
  #entries: Entry[] = [];
  /** The kind of what was written last, for the empty lines between parts. */
  #last: Part["kind"] | null = null;
  #pending = new Pending();
  #turn: { id: TurnId; since: number } | null = null;
  #context: { tokens: number; window: number } | null = null;
  #answer: AnswerPart | null = null;
  /** Pieces of the forming answer may have been missed. */
  #lossy = false;
  /** The last answer to a command, which comes as a post, too. */
  #answered: string | null = null;
  /** The last failure: one that comes as a frame and as the refusal of what was sent is shown once. */
  #failed = "";
  #greeted = false;
  state: ChatState | null = null;
  /** Why nothing arrives at the moment; null while connected. */
  lost: string | null = null;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** True while a turn runs, as far as is known here. */
  get running(): boolean {
    return this.#turn !== null || (this.state?.running ?? null) !== null;
  }
  /** True while something on the screen moves by itself. */
  get moving(): boolean {
    return this.lost === null && (this.running || this.#entries.some(({ part }) => !part.done));
  }
  get waiting(): number {
    return Math.max(this.state?.waiting ?? 0, this.#pending.texts.length);
  }

  /** What was sent and waits for its turn. */
  said(id: string, text: string): void {
    this.#failed = "";
    this.#pending.add(id, text);
  }

  /** What was said did not reach the instance, or was refused by it. */
  unsent(id: string, failure: Pick<FailureData, "message" | "hint">): void {
    this.#pending.remove(id);
    if (this.#failed === "" || !failure.message.startsWith(this.#failed)) this.#failure(failure);
  }

  /** A command as it was typed, above its answer. */
  typed(text: string): void {
    this.#add(remark(text.trim(), { mark: "❯", style: dim }));
  }

  /** A remark of the screen itself. */
  note(text: string, style: Style = dim): void {
    this.#add(remark(text, { mark: "·", style }));
  }

  /** Takes a frame in. A refused text comes back, so that it can be put before its writer again. */
  frame(frame: ScreenFrame): { refused?: string } {
    switch (frame.type) {
      case "hello":
        this.lost = null;
        this.#lossy = true;
        return {};
      case "state":
        this.#setState(frame.state);
        return {};
      case "event":
        this.#event(frame.turn, frame.event);
        return {};
      case "forming":
        this.#forming(frame.text);
        return {};
      case "gone":
        this.#removed(this.#pending.gone(frame.input));
        return {};
      case "receipt":
        return this.#receipt(frame.id, frame.receipt);
      case "post":
        this.#post(frame.outgoing);
        return {};
      case "bye":
        this.note(
          frame.reason === "stop"
            ? "remoteagent stops; what runs goes on at its next start"
            : "Handed over to the started instance",
        );
        return {};
      case "error":
        if (this.#failed.startsWith(frame.message)) return {};
        this.#failure({ message: frame.message, ...(frame.hint === undefined ? {} : { hint: frame.hint }) });
        return {};
      case "lost":
        this.lost = frame.reason.startsWith(notRunning)
          ? `${notRunning}: remoteagent start, in another terminal`
          : frame.reason;
        return {};
    }
  }

  /** First words, as soon as program and state are known. */
  greet(program: string): void {
    const state = this.state;
    if (this.#greeted || state === null) return;
    this.#greeted = true;
    this.#add(new TextPart(({ width }) => welcome({ program, state }, width)));
  }

  /** Lines that are final since the last call. */
  take(options: DrawOptions): Line[] {
    const lines: Line[] = [];
    for (const entry of this.#entries) {
      if (entry.whole) continue;
      entry.whole = entry.part.done;
      entry.held.push(...entry.part.take(options));
    }
    for (let first = this.#entries[0]; first !== undefined; first = this.#entries[0]) {
      if (first.held.length > 0) {
        if (!first.begun && this.#apart(this.#last, first.part.kind)) lines.push([]);
        first.begun = true;
        this.#last = first.part.kind;
        lines.push(...first.held);
        first.held = [];
      }
      if (!first.whole) break;
      this.#entries.shift();
    }
    return lines;
  }

  /** Lines that still change or wait for such, oldest first; {@link take} comes before. */
  live(options: DrawOptions): Line[] {
    const lines: Line[] = [];
    let last = this.#last;
    for (const { part, held, begun } of this.#entries) {
      const added = part.done ? held : [...held, ...part.rest(options)];
      if (added.length === 0) continue;
      // The empty line between two blocks of one answer is the answer's own.
      if (!begun && this.#apart(last, part.kind)) lines.push([]);
      last = part.kind;
      lines.push(...added);
    }
    const still = this.#entries.some(({ part }) => !part.done && part.kind !== "answer");
    if (this.running && this.lost === null && !still && lines.length === 0) {
      const since = this.#turn?.since ?? options.now;
      if (last !== null) lines.push([]);
      lines.push([span(`${spinner(options.now)} working ${elapsed(options.now - since)}`, dim)]);
    }
    for (const text of this.#pending.texts.slice(0, 5)) {
      lines.push([
        span(`❯ ${fit(cleanLine(excerpt(text, options.width)), Math.max(4, options.width - 12))}`, dim),
        span("  waiting", dim),
      ]);
    }
    if (this.lost !== null) lines.push(...wrap([span(cleanLine(this.lost), yellow)], options.width));
    return lines;
  }

  #apart(before: Part["kind"] | null, kind: Part["kind"]): boolean {
    return before !== null && !(before === kind && kind === "tool") && !(before === "thinking" && kind === "tool");
  }

  #add(part: Part): void {
    this.#entries.push({ part, held: [], begun: false, whole: false });
  }

  #setState(state: ChatState): void {
    this.state = state;
    if (state.running === null && state.waiting === 0) this.#pending.settle();
  }

  #event(turn: TurnId, event: TurnEvent): void {
    this.#failed = "";
    if (this.#turn?.id !== turn && event.type !== "ended") {
      this.#closeOpen();
      this.#turn = { id: turn, since: this.#now() };
    }
    if (event.type !== "thinking" && event.type !== "usage" && event.type !== "continuation") this.#endThinking();
    switch (event.type) {
      case "started":
        if (event.resumed) this.note("Going on with a turn that was interrupted");
        break;
      case "taken":
        this.#takenInputs(event);
        break;
      case "continuation":
        break;
      case "text":
        this.#text(event.delta);
        break;
      case "thinking":
        this.#thinking(event.delta);
        break;
      case "reset":
        this.#reset();
        break;
      case "message":
        this.#message(event.text);
        break;
      case "tool":
        this.#tool(event);
        break;
      case "file": {
        const caption = event.caption === undefined ? "" : `  ${event.caption}`;
        this.#add(
          remark(`${event.name}  ${event.stored}  ${byteSize(event.bytes)}${caption}`, { mark: "▤", style: {} }),
        );
        break;
      }
      case "ask": {
        const choices = event.choices.map((choice) => `  ${choice.value}: ${choice.label}`).join("\n");
        const answer = `Answer with /approve ${event.approval} or /deny ${event.approval}`;
        this.#add(remark([event.text, choices, answer].filter(Boolean).join("\n"), { mark: "?", style: yellow }));
        break;
      }
      case "compacted":
        this.note(`The conversation was shortened: ${event.tokensBefore} to ${event.tokensAfter} tokens`);
        break;
      case "notice":
        this.note(event.text, yellow);
        break;
      case "usage":
        if (event.contextTokens !== undefined && event.contextWindow) {
          this.#context = { tokens: event.contextTokens, window: event.contextWindow };
        }
        break;
      case "ended":
        this.#ended(event);
        break;
    }
  }

  #takenInputs(event: Extract<TurnEvent, { type: "taken" }>): void {
    this.#closeAnswer();
    // What was typed here is shown as it was typed; the stored text has the sender and files added, and the beginning
    // alone of what became a file.
    const typed = this.#pending.take(event.inputs);
    const text = typed === undefined || typed.length > limits.inputCharsMax ? event.text : typed;
    if (text.trim() !== "") this.#add(inputPart(text));
  }

  #text(delta: string): void {
    if (this.#answer === null || this.#answer.done) {
      this.#answer = new AnswerPart();
      this.#add(this.#answer);
    }
    if (this.#lossy && this.#answer.text !== "") {
      // After a lost connection the first piece is the whole text so far; anything else cannot be joined, and
      // the stored message brings all of it.
      if (delta.startsWith(this.#answer.text)) this.#forming(delta);
      return;
    }
    this.#lossy = false;
    this.#answer.push(delta);
  }

  /** What was streamed is void: its unfinished rest goes; what has scrolled up already is marked as such. */
  #reset(): void {
    const answer = this.#answer;
    this.#answer = null;
    this.#lossy = false;
    if (answer === null) return;
    if (!answer.done) {
      answer.dropRest();
      answer.done = true;
    }
    if (answer.shown) this.note("The answer above was broken off and begins anew", yellow);
  }

  /** The whole of the forming text: what is missing here is added. */
  #forming(text: string): void {
    this.#lossy = false;
    const answer = this.#answer;
    if (answer !== null && !answer.done && !text.startsWith(answer.text)) {
      answer.dropRest();
      answer.done = true;
    }
    const shown = this.#answer?.done === false ? this.#answer.text.length : 0;
    if (text.length > shown) this.#text(text.slice(shown));
  }

  /** The whole text of what was streamed: only what is missing of it is added. */
  #message(text: string): void {
    const answer = this.#answer;
    this.#answer = null;
    this.#lossy = false;
    if (answer !== null && text.startsWith(answer.text)) {
      const rest = text.slice(answer.text.length);
      if (!answer.done) {
        answer.push(rest);
        answer.done = true;
      } else if (rest.trim() !== "") this.#whole(rest);
      return;
    }
    if (answer !== null && !answer.done) {
      answer.dropRest();
      answer.done = true;
    }
    this.#whole(text);
  }

  #whole(text: string, bar = false): void {
    if (text.trim() === "") return;
    const part = new AnswerPart({ bar });
    part.push(text);
    part.done = true;
    this.#add(part);
  }

  #thinking(delta: string): void {
    const last = this.#entries.at(-1)?.part;
    if (last instanceof ThinkingPart && !last.done) {
      last.push(delta);
      return;
    }
    const part = new ThinkingPart(this.#now());
    part.push(delta);
    this.#add(part);
  }

  #endThinking(): void {
    for (const { part } of this.#entries) {
      if (part instanceof ThinkingPart && !part.done) part.end(this.#now());
    }
  }

  #tool(event: Extract<TurnEvent, { type: "tool" }>): void {
    const open = this.#entries
      .map(({ part }) => part)
      .find((part): part is ToolPart => part instanceof ToolPart && part.call === event.call && !part.done);
    if (event.step === "start") {
      this.#closeAnswer();
      this.#add(new ToolPart({ call: event.call, title: event.title || event.name, now: this.#now() }));
    } else if (event.step === "output") {
      open?.output(event.text);
    } else {
      // Its start was before this screen was opened.
      const part = open ?? new ToolPart({ call: event.call, title: event.name, now: this.#now() });
      if (open === undefined) this.#add(part);
      part.end(event);
    }
  }

  #ended(event: Extract<TurnEvent, { type: "ended" }>): void {
    this.#closeOpen();
    this.#answer = null;
    this.#lossy = false;
    this.#turn = null;
    if (this.state !== null) this.state = { ...this.state, running: null };
    if (event.error !== undefined) this.#failure(event.error);
    else if (event.outcome === "failed") this.#failure({ message: "The turn failed" });
    if (event.outcome === "stopped") this.note("Stopped", yellow);
    const text = usageText(event.usage, this.#context);
    if (text !== "") this.note(text);
  }

  #failure(failure: Pick<FailureData, "message" | "hint">): void {
    this.#failed = failure.message;
    this.#add(remark(failureText({ code: "internal", ...failure }), { mark: "✗", style: red }));
  }

  /** The program's own words. The answer to a command comes with its receipt and as a post: it is shown once. */
  #post(outgoing: { markdown: string; choices?: { value: string; label: string }[] }): void {
    const seen = this.#answered === outgoing.markdown;
    this.#answered = null;
    if (seen) return;
    const choices = (outgoing.choices ?? []).map((choice) => `\n- \`${choice.value}\` ${choice.label}`).join("");
    this.#whole(outgoing.markdown + (choices === "" ? "" : `\n${choices}`), true);
  }

  #receipt(id: string, receipt: Receipt): { refused?: string } {
    switch (receipt.state) {
      case "waiting":
        this.#removed(this.#pending.stored(id, receipt.input));
        return {};
      case "duplicate":
        // Sent twice over a lost connection: it may have been answered while nothing was heard.
        this.#removed(this.#pending.stored(id, receipt.input));
        if (this.state !== null) this.#setState(this.state);
        return {};
      case "context":
        this.#pending.remove(id);
        this.note("Kept as context; nothing was started");
        return {};
      case "done":
        this.#pending.remove(id);
        if (!receipt.ok) {
          this.#failure({ message: receipt.answer?.markdown ?? "The command failed" });
        } else if (receipt.answer !== undefined) {
          this.#post(receipt.answer);
          this.#answered = receipt.answer.markdown;
        }
        return {};
      case "refused":
        this.#failure({ message: receipt.reason });
        return { refused: this.#pending.remove(id) };
    }
  }

  /** A text that waited and was removed, by this screen or by another. */
  #removed(text: string | undefined): void {
    if (text !== undefined) this.note(`Removed before it was answered: ${excerpt(text, 60)}`, yellow);
  }

  #closeAnswer(): void {
    if (this.#answer !== null) this.#answer.done = true;
  }

  /** Nothing more comes for what is open. */
  #closeOpen(): void {
    this.#endThinking();
    this.#closeAnswer();
    for (const { part } of this.#entries) {
      if (part instanceof ToolPart && !part.done) part.end({ ok: null, ms: 0, text: "" });
    }
  }
}
