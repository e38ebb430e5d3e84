// The screen itself: one loop of keys, frames and ticks over a terminal in raw mode.
import { Buffer } from "node:buffer";
import { errorText, Failure } from "../../core/failure.ts";
import type { ChatCommand } from "../../core/frame.ts";
import { limits } from "../../core/limits.ts";
import { byteSize } from "../../core/words.ts";
import { meaning, unknownText } from "./complete.ts";
import { fitsFrame } from "./fits.ts";
import { type History, openHistory } from "./history.ts";
import { type Action, Prompt } from "./input.ts";
import { KeyParser } from "./keys.ts";
import { layout } from "./layout.ts";
import { Painter } from "./painter.ts";
import type { ChatConnection, ChatDeps, ScreenFrame } from "./port.ts";
import { Reminders } from "./reminders.ts";
import { Screen } from "./screen.ts";
import { toRow } from "./style.ts";
import { Tty } from "./tty.ts";
import { View } from "./view.ts";

/** Silence after which an escape is the key of that name. */
const escapeMs = 50;
/** Within this time a second ctrl-c leaves. */
const leaveMs = 2_000;

/** Runs the chat on a terminal until the person leaves. Gives the exit code; the terminal is as it was before. */
export async function runInteractive(deps: ChatDeps): Promise<number> {
  const history = await openHistory(deps.options.historyPath);
  const chat = new Chat(deps, history);
  return chat.run();
}

class Chat {
  #deps: ChatDeps;
  #connection: ChatConnection;
  #view: View;
  #screen: Screen;
  #tty: Tty;
  #painter: Painter;
  #prompt: Prompt;
  #history: History;
  #keys = new KeyParser();
  #commands: readonly ChatCommand[] = [];
  #reminders = new Reminders();
  #program = "remoteagent";
  #left = new AbortController();
  #exit: { code: number; failure?: Failure } = { code: 0 };
  #escape: AbortController | null = null;
  #stopping = false;
  #leaveUntil = 0;
  /** The question about tools: the message waits for its answer. */
  #question: { text: string } | null = null;
  #confirmed = false;
  /** Sent before the instance was there. */
  #early: string[] = [];

  constructor(deps: ChatDeps, history: History) {
    this.#deps = deps;
    this.#connection = deps.connect();
    this.#view = new View(() => deps.clock.monotonic());
    this.#tty = new Tty(deps.input, deps.output);
    this.#screen = new Screen(this.#tty.columns);
    this.#painter = new Painter({
      clock: deps.clock,
      output: deps.output,
      stop: this.#left.signal,
      draw: () => this.#draw(),
      moving: () => this.#view.moving,
    });
    this.#prompt = new Prompt(history);
    this.#history = history;
  }

  async run(): Promise<number> {
    const { input, output, signals } = this.#deps;
    const ignore = signals.listen((signal) => this.#signal(signal));
    const onData = (chunk: Uint8Array | string) => this.#bytes(chunk);
    const onEnd = () => this.#terminalGone();
    const onResize = () => this.#resized();
    output.on("error", onEnd);
    input.on("error", onEnd);
    output.on("resize", onResize);
    input.on("data", onData);
    input.on("end", onEnd);
    input.on("close", onEnd);
    this.#deps.onRestore?.(() => this.#finish());
    try {
      this.#tty.enter();
      input.resume();
      this.#redraw();
      const { message } = this.#deps.options;
      if (message !== undefined) this.#submit(message);
      await Promise.race([this.#read(), aborted(this.#left.signal)]);
    } finally {
      this.#left.abort();
      this.#connection.close();
      this.#finish();
      this.#deps.onRestore?.(null);
      ignore();
      input.off("data", onData);
      input.off("end", onEnd);
      input.off("close", onEnd);
      input.off("error", onEnd);
      output.off("resize", onResize);
      input.pause();
      await this.#history.flush();
      // A late EIO of a terminal that is gone must not end the process after all.
      setTimeout(() => output.off("error", onEnd), 0);
    }
    if (this.#exit.failure !== undefined) throw this.#exit.failure;
    return this.#exit.code;
  }

  async #read(): Promise<void> {
    try {
      for await (const frame of this.#connection.frames) this.#frame(frame);
      this.#leave(0);
    } catch (error) {
      const failure = error instanceof Failure ? error : new Failure("internal", errorText(error), { cause: error });
      this.#leave(1, failure);
    }
  }

  #frame(frame: ScreenFrame): void {
    if (frame.type === "hello") {
      this.#program = frame.program;
      this.#commands = frame.commands;
      this.#prompt.commands = frame.commands;
    }
    // A stop that did not arrive is not kept for an instance that starts later.
    if (frame.type === "lost") this.#stopping = false;
    this.#reminders.frame(frame);
    const { refused } = this.#view.frame(frame);
    if (frame.type === "state") this.#view.greet(this.#program);
    if (frame.type === "event" && frame.event.type === "ended") this.#stopping = false;
    if (!this.#view.running) this.#stopping = false;
    this.#submitEarly();
    if (refused !== undefined) this.#prompt.restore(refused);
    this.#redraw();
  }

  #bytes(chunk: Uint8Array | string): void {
    this.#escape?.abort();
    const bytes = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    for (const event of this.#keys.feed(bytes)) this.#press(event);
    if (this.#keys.pending) this.#awaitEscape();
    this.#redraw();
  }

  #awaitEscape(): void {
    const wait = new AbortController();
    this.#escape = wait;
    void this.#deps.clock.sleep(escapeMs, wait.signal).then(() => {
      if (wait.signal.aborted || this.#left.signal.aborted) return;
      for (const event of this.#keys.flush()) this.#press(event);
      this.#redraw();
    });
  }

  #press(event: Parameters<Prompt["press"]>[0]): void {
    if (this.#left.signal.aborted) return;
    if (event.type === "paste" && event.cut) {
      this.#view.note(`The pasted text was cut after ${limits.frameBytesMax} characters; longer ones go in a file`);
    }
    if (this.#question !== null) {
      this.#answer(event.type === "key" ? event : { name: "", ctrl: false });
      return;
    }
    this.#act(this.#prompt.press(event));
  }

  #act(action: Action): void {
    switch (action.type) {
      case "none":
        return;
      case "submit":
        this.#submit(action.text);
        return;
      case "interrupt":
        this.#interrupt(action.empty);
        return;
      case "leave":
        this.#leave(0);
        return;
      case "suspend":
        this.#suspend();
        return;
      case "redraw":
        this.#screen.forget();
        this.#tty.write("\x1b[2J\x1b[H");
        return;
    }
  }

  #submit(text: string): void {
    this.#leaveUntil = 0;
    const meant = meaning(text, this.#commands);
    if (meant.kind === "local" || /^\s*(?:exit|quit)\s*$/.test(text)) {
      this.#leave(0);
    } else if (this.#view.state === null || this.#question !== null) {
      this.#early.push(text);
      if (this.#early.length > limits.waitingMax) this.#early.shift();
    } else if (meant.kind === "unknown") {
      this.#view.note(unknownText(meant), { color: "yellow" });
    } else if (!fitsFrame(text)) {
      const state = `it is longer than ${byteSize(limits.frameBytesMax)}`;
      this.#view.note(`The message was not sent: ${state}; longer ones go in a file`, { color: "red" });
      this.#prompt.restore(text);
    } else if (meant.kind === "command") {
      this.#view.typed(text);
      this.#send({ type: "command", id: this.#newId(), name: meant.name, args: meant.args }, text);
    } else if (this.#view.state?.confirm !== undefined && !this.#confirmed) {
      this.#question = { text };
    } else {
      this.#say(text);
    }
  }

  /** What was sent too early is sent now, one by one: each may ask a question of its own. */
  #submitEarly(): void {
    while (this.#view.state !== null && this.#question === null) {
      const text = this.#early.shift();
      if (text === undefined) return;
      this.#submit(text);
    }
  }

  #say(text: string): void {
    const id = this.#newId();
    this.#view.said(id, text);
    this.#send({ type: "say", id, text }, text);
  }

  #send(up: Parameters<ChatConnection["send"]>[0], text: string): void {
    this.#connection.send(up).catch((error: unknown) => {
      if (this.#left.signal.aborted) return;
      this.#view.unsent(up.id, error instanceof Failure ? error : { message: errorText(error) });
      this.#prompt.restore(text);
      this.#redraw();
    });
  }

  /** The answer to whether tools may be used without isolation. */
  #answer(key: { name: string; ctrl: boolean }): void {
    const question = this.#question;
    const name = key.name.toLowerCase();
    if (question === null) return;
    const leaves = key.ctrl && (name === "c" || name === "d");
    if (!leaves && name !== "y" && name !== "n" && name !== "enter" && name !== "escape") return;
    this.#question = null;
    if (leaves) {
      this.#prompt.restore(question.text);
      return;
    }
    this.#confirmed = true;
    this.#view.note(name === "y" ? "Tools are confirmed" : "Tools stay off; /confirm tools allows them");
    if (name === "y") this.#send({ type: "command", id: this.#newId(), name: "confirm", args: "tools" }, "");
    this.#say(question.text);
    this.#submitEarly();
  }

  #interrupt(empty: boolean): void {
    const now = this.#deps.clock.monotonic();
    if (this.#view.running && !this.#stopping && this.#view.lost === null) {
      this.#stopping = true;
      this.#send({ type: "command", id: this.#newId(), name: "stop", args: "" }, "");
    } else if (empty && now < this.#leaveUntil) {
      this.#leave(0);
    } else if (empty) {
      this.#leaveUntil = now + leaveMs;
      void this.#deps.clock.sleep(leaveMs, this.#left.signal).then(() => this.#redraw());
    }
  }

  #signal(signal: "SIGINT" | "SIGTERM" | "SIGHUP" | "SIGCONT"): void {
    if (signal === "SIGCONT") {
      this.#resumed();
    } else if (signal === "SIGINT") {
      this.#interrupt(this.#prompt.editor.empty);
      this.#redraw();
    } else {
      if (signal === "SIGHUP") this.#tty.gone = true;
      this.#leave(signal === "SIGHUP" ? 129 : 143);
    }
  }

  #suspend(): void {
    this.#tty.leave();
    this.#deps.signals.suspend();
    // Where nobody could wake us the system does not stop us, and no SIGCONT comes.
    void this.#deps.clock.sleep(escapeMs, this.#left.signal).then(() => this.#resumed());
  }

  #resumed(): void {
    if (this.#left.signal.aborted) return;
    this.#tty.enter();
    this.#screen.forget();
    this.#redraw();
  }

  #terminalGone(): void {
    this.#tty.gone = true;
    this.#leave(0);
  }

  #resized(): void {
    this.#tty.write(this.#screen.resize(this.#tty.columns));
    this.#redraw();
  }

  #leave(code: number, failure?: Failure): void {
    if (this.#left.signal.aborted) return;
    this.#exit = failure === undefined ? { code } : { code, failure };
    this.#left.abort();
  }

  /** The last frame without the prompt, and the terminal as it was found. */
  #finish(): void {
    try {
      if (this.#tty.gone) return;
      if (this.#reminders.warning !== undefined) this.#view.note(this.#reminders.warning, { color: "yellow" });
      const options = this.#drawOptions();
      const look = this.#look();
      const settled = [...this.#view.take(options), ...this.#view.live(options)].map((line) => toRow(line, look));
      const empty = toRow([], look);
      this.#tty.write(this.#screen.draw({ settled, live: [empty], cursor: { row: 0, cell: 0 } }));
    } finally {
      this.#tty.leave();
    }
  }

  #look() {
    return { color: this.#deps.options.color, links: this.#deps.options.links ?? false };
  }

  #drawOptions() {
    return { width: this.#tty.columns, links: this.#look().links, now: this.#deps.clock.monotonic() };
  }

  #redraw(): void {
    this.#painter.request();
  }

  /** Draws one frame; false when the terminal does not keep up. */
  #draw(): boolean {
    const options = this.#drawOptions();
    const look = this.#look();
    const settled = this.#view.take(options).map((line) => toRow(line, look));
    const { lines, cursor } = layout({
      columns: this.#tty.columns,
      rows: this.#tty.rows,
      live: this.#view.live(options),
      prompt: this.#prompt,
      state: this.#view.state,
      waiting: this.#view.waiting,
      question: this.#question === null ? null : (this.#view.state?.confirm ?? "Use tools?"),
      stopping: this.#stopping,
      running: this.#view.running && this.#view.lost === null,
      leaving: options.now < this.#leaveUntil,
    });
    return this.#tty.write(this.#screen.draw({ settled, live: lines.map((line) => toRow(line, look)), cursor }));
  }

  #newId(): string {
    return Buffer.from(this.#deps.clock.random(12)).toString("hex");
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
