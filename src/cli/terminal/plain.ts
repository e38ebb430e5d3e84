// The chat without a screen: one message in, the answer's text out; or every frame as a JSON line.
import { Buffer } from "node:buffer";
import type { TurnEvent } from "../../core/event.ts";
import { Failure, failureText } from "../../core/failure.ts";
import type { ChatState } from "../../core/frame.ts";
import { type InputId, publicId, type SessionId, type TurnId } from "../../core/ids.ts";
import { limits } from "../../core/limits.ts";
import type { Receipt } from "../../core/message.ts";
import { byteSize } from "../../core/words.ts";
import { exit } from "../exit.ts";
import { meaning, unknownText } from "./complete.ts";
import { fitsFrame } from "./fits.ts";
import type { ChatConnection, ChatDeps, ScreenFrame, TerminalInput, TerminalOutput } from "./port.ts";
import { Reminders } from "./reminders.ts";
import { duration } from "./spinner.ts";
import { clean, cleanLine, fit } from "./text.ts";
import { usageText } from "./usage.ts";

/**
 * Says one message and prints what comes of it. Gives 0 when the turn is done, 1 when it failed or was stopped, 2 for
 * a command that there is not, 3 when the instance is gone.
 */
export async function runPlain(deps: ChatDeps): Promise<number> {
  const text = await readMessage(deps);
  checkMessage(text);
  const connection = deps.connect();
  const chat = new PlainChat(deps, { connection, text });
  const ignore = deps.signals.listen((signal) => {
    if (signal !== "SIGCONT") chat.interrupt(signal);
  });
  // A reader that goes away (`| head`) ends the chat; the turn goes on in the instance.
  const onError = () => connection.close();
  deps.output.on("error", onError);
  deps.errors.on("error", onError);
  try {
    return await chat.run();
  } finally {
    connection.close();
    ignore();
    deps.output.off("error", onError);
    deps.errors.off("error", onError);
  }
}

function checkMessage(text: string): void {
  if (text.trim() === "") {
    throw new Failure("usage", "Cannot chat: the message is empty", {
      hint: 'Write it behind the command, or send it in: echo "question" | remoteagent chat',
    });
  }
  if (!fitsFrame(text)) {
    throw new Failure("usage", `Cannot send message: it is longer than ${byteSize(limits.frameBytesMax)}`, {
      hint: "Put the text in a file of the working folder and ask about the file",
    });
  }
}

/** The message: what stands behind the command, and below it what is sent in (`git diff | … review this`). */
async function readMessage(deps: ChatDeps): Promise<string> {
  const { message } = deps.options;
  if (message === undefined) return readAll(deps.input);
  if (deps.input.isTTY === true) return message;
  const sent = await withFirstByte(deps);
  return sent.trim() === "" ? message : `${message}\n\n${sent}`;
}

/** Standard input, unless nothing at all comes: a script may have left it open without meaning to send anything. */
async function withFirstByte({ input, clock, errors }: ChatDeps): Promise<string> {
  const began = new AbortController();
  const begin = () => began.abort();
  for (const event of ["readable", "end", "error", "close"]) input.once(event, begin);
  await clock.sleep(limits.stdinFirstMs, began.signal);
  for (const event of ["readable", "end", "error", "close"]) input.off(event, begin);
  if (began.signal.aborted) return readAll(input);
  errors.write(`Nothing came on stdin within ${limits.stdinFirstMs / 1_000} s: going on without it\n`);
  input.destroy();
  return "";
}

/** All of standard input, up to what one message takes and a little more; invalid UTF-8 becomes U+FFFD. */
async function readAll(input: TerminalInput): Promise<string> {
  if (input.readableEnded || input.destroyed) return "";
  const decoder = new TextDecoder("utf-8");
  let text = "";
  for await (const chunk of input as AsyncIterable<Uint8Array | string>) {
    text += typeof chunk === "string" ? chunk : decoder.decode(chunk, { stream: true });
    if (text.length > limits.frameBytesMax) break;
  }
  return (text + decoder.decode()).replace(/\r\n?/g, "\n").trimEnd();
}

class PlainChat {
  #deps: ChatDeps;
  #connection: ChatConnection;
  #text: string;
  #id: string;
  /** What was asked; null until it was. */
  #asked: "say" | "command" | null = null;
  #input: number | null = null;
  /** The session that the input waits in or its turn runs in, as far as it is known. */
  #session: SessionId | null = null;
  #turn: TurnId | null = null;
  /** What came before the receipt told which input is ours. */
  #early: (ScreenFrame & { type: "event" | "gone" })[] = [];
  #state: ChatState | null = null;
  /** The connection was lost after something was asked: its end may have been missed. */
  #missed = false;
  #answer: Printer;
  #context: { tokens: number; window: number } | null = null;
  #stopped = false;
  #warned = false;
  #lost = false;
  /** The instance said that it stops: its absence is no surprise. */
  #bye = false;
  /** Ends the wait for an instance; null while there is one. */
  #absent: AbortController | null = null;
  #code: number | null = null;
  #titles = new Map<string, string>();
  #reminders = new Reminders();

  constructor(deps: ChatDeps, options: { connection: ChatConnection; text: string }) {
    this.#deps = deps;
    this.#connection = options.connection;
    this.#text = options.text;
    this.#id = this.#newId();
    this.#answer = new Printer(deps.output);
  }

  async run(): Promise<number> {
    for await (const frame of this.#connection.frames) {
      if (this.#deps.options.json) this.#print(frame);
      this.#reminders.frame(frame);
      this.#frame(frame);
      if (this.#code !== null) break;
    }
    this.#absent?.abort();
    await this.#answer.end();
    if (this.#reminders.warning !== undefined) this.#err(this.#reminders.warning);
    return this.#code ?? 1;
  }

  /** ctrl-c stops the turn; a second one, one without an instance, or being told to end, leaves at once. */
  interrupt(signal: "SIGINT" | "SIGTERM" | "SIGHUP"): void {
    if (signal === "SIGINT" && !this.#stopped && this.#absent === null) {
      this.#stopped = true;
      this.#err("stopping…");
      this.#send({ type: "command", id: this.#newId(), name: "stop", args: "" });
    } else {
      this.#code = signal === "SIGTERM" ? 143 : signal === "SIGHUP" ? 129 : 130;
      this.#connection.close();
    }
  }

  #frame(frame: ScreenFrame): void {
    switch (frame.type) {
      case "hello":
        this.#lost = false;
        this.#bye = false;
        this.#absent?.abort();
        this.#absent = null;
        this.#answer.lose();
        if (this.#asked === null) this.#ask(meaning(this.#text, frame.commands));
        return;
      case "state":
        this.#state = frame.state;
        this.#lookForEnd();
        if (frame.state.confirm !== undefined && !this.#warned) {
          this.#warned = true;
          this.#err(`${frame.state.confirm}\nTo let the agent run them as you: remoteagent chat "/confirm tools"`);
        }
        return;
      case "event":
      case "gone":
        this.#bound(frame);
        return;
      case "forming":
        if (frame.turn === this.#turn && !this.#deps.options.json) this.#answer.whole(frame.text);
        return;
      case "receipt":
        if (frame.id === this.#id) this.#receipt(frame.receipt);
        return;
      case "post":
        if (!this.#deps.options.json) this.#err(frame.outgoing.markdown);
        return;
      case "bye":
        this.#bye = frame.reason === "stop";
        return;
      case "error":
        this.#err(frame.hint === undefined ? frame.message : `${frame.message}\n${frame.hint}`);
        return;
      case "lost":
        if (!this.#lost && !this.#bye) this.#err(frame.reason);
        this.#lost = true;
        this.#missed = this.#asked !== null;
        if (this.#absent === null) void this.#awaitInstance();
        return;
    }
  }

  /** Nobody sits here who could start it: the wait for an instance has an end. */
  async #awaitInstance(): Promise<void> {
    const wait = new AbortController();
    this.#absent = wait;
    await this.#deps.clock.sleep(this.#bye ? limits.chatByeMs : limits.chatAbsentMs, wait.signal);
    if (wait.signal.aborted || this.#code !== null) return;
    const stored = this.#input !== null;
    this.#end(
      exit.notRunning,
      stored
        ? "The turn goes on at the next start: remoteagent start"
        : "RemoteAgent is not running, and did not say that it has the message: remoteagent start, then ask again",
    );
    this.#connection.close();
  }

  #ask(meant: ReturnType<typeof meaning>): void {
    if (meant.kind === "local") {
      this.#code = exit.done;
      return;
    }
    if (meant.kind === "unknown") {
      this.#end(exit.usage, unknownText(meant));
      return;
    }
    this.#asked = meant.kind === "command" ? "command" : "say";
    this.#send(
      meant.kind === "command"
        ? { type: "command", id: this.#id, name: meant.name, args: meant.args }
        : { type: "say", id: this.#id, text: this.#text },
    );
  }

  #send(up: Parameters<ChatConnection["send"]>[0]): void {
    this.#connection.send(up).catch((error: unknown) => {
      if (this.#code !== null) return;
      this.#err(error instanceof Failure ? failureText(error) : "Cannot send the message");
      this.#code = error instanceof Failure && error.code === "not-running" ? exit.notRunning : exit.failed;
      this.#connection.close();
    });
  }

  #receipt(receipt: Receipt): void {
    switch (receipt.state) {
      case "waiting":
        // Stored just now, so that nothing of it was missed.
        this.#missed = false;
        this.#session = receipt.session;
        this.#know(receipt.input);
        return;
      case "duplicate":
        if (this.#asked === "command") {
          this.#end(0, "The command was run; its answer was lost with the connection");
          return;
        }
        this.#missed = true;
        this.#know(receipt.input);
        return;
      case "context":
        this.#end(0, "Kept as context; nothing was started");
        return;
      case "done":
        this.#done(receipt);
        return;
      case "refused":
        this.#end(1, receipt.reason);
        return;
    }
  }

  /** A command's answer is the result; why it could not be done is an error. */
  #done({ ok, answer }: Extract<Receipt, { state: "done" }>): void {
    if (!ok) {
      this.#end(1, answer?.markdown ?? "The command failed");
      return;
    }
    if (answer !== undefined && !this.#deps.options.json) this.#answer.whole(answer.markdown);
    this.#code = 0;
  }

  /** The input is stored under this number: what came before may have been about it. */
  #know(input: InputId): void {
    this.#input = input;
    const early = this.#early;
    this.#early = [];
    for (const frame of early) this.#bound(frame);
    this.#lookForEnd();
  }

  /** Takes what is about our input and its turn, and leaves the rest. */
  #bound(frame: ScreenFrame & { type: "event" | "gone" }): void {
    if (this.#input === null) {
      this.#early.push(frame);
      if (this.#early.length > limits.chatEarlyFramesMax) this.#early.shift();
    } else if (frame.type === "gone") {
      if (frame.input === this.#input && this.#turn === null) this.#end(1, "Removed before it was answered");
    } else {
      this.#eventFrame(frame);
    }
  }

  #eventFrame(frame: ScreenFrame & { type: "event" }): void {
    const { event } = frame;
    if (event.type === "taken" && this.#input !== null && event.inputs.includes(this.#input)) {
      this.#turn = frame.turn;
      this.#session = frame.session;
    }
    if (frame.turn !== this.#turn) return;
    if (event.type === "ended") this.#code = event.outcome === "done" ? 0 : 1;
    if (!this.#deps.options.json) this.#show(event);
  }

  /**
   * Events reach a screen only for the session that its conversation is in, and only while it is connected:
   * an end that can no longer come is not waited for.
   */
  #lookForEnd(): void {
    const state = this.#state;
    if (state === null || this.#input === null || this.#code !== null) return;
    if (this.#session !== null && state.session !== this.#session) {
      const where = `its answer goes to session ${publicId(this.#session)}`;
      this.#end(1, `The conversation was moved to another session; ${where}`);
    } else if (this.#missed && state.running === null && state.waiting === 0) {
      this.#end(1, "The message was dealt with while the connection was lost\nremoteagent turns list shows how");
    }
  }

  #end(code: number, text: string): void {
    this.#err(text);
    this.#code = code;
  }

  #show(event: TurnEvent): void {
    switch (event.type) {
      case "text":
        this.#answer.add(event.delta);
        return;
      case "reset":
        this.#answer.reset();
        return;
      case "message":
        this.#answer.message(event.text);
        return;
      case "tool":
        this.#tool(event);
        return;
      case "file":
        this.#err(`file ${event.stored}`);
        return;
      case "ask":
        this.#err(`${event.text}\nAnswer with: remoteagent approvals approve ${event.approval}`);
        return;
      case "notice":
        this.#err(event.text);
        return;
      case "usage":
        if (event.contextTokens !== undefined && event.contextWindow) {
          this.#context = { tokens: event.contextTokens, window: event.contextWindow };
        }
        return;
      case "ended": {
        this.#answer.line();
        if (event.error !== undefined) this.#err(failureText(event.error));
        else if (event.outcome !== "done") this.#err(event.outcome === "stopped" ? "Stopped" : "The turn failed");
        const usage = usageText(event.usage, this.#context);
        if (usage !== "") this.#err(usage);
        return;
      }
      default:
        return;
    }
  }

  #tool(event: Extract<TurnEvent, { type: "tool" }>): void {
    if (event.step === "start") this.#titles.set(event.call, event.title || event.name);
    if (event.step !== "end") return;
    const title = fit(cleanLine(this.#titles.get(event.call) ?? event.name), 200);
    this.#titles.delete(event.call);
    this.#answer.line();
    this.#err(`${event.ok ? "✓" : "✗"} ${title}  ${duration(event.ms)}`);
  }

  #err(text: string): void {
    this.#deps.errors.write(`${clean(text)}\n`);
  }

  /** One frame as a JSON line; what is the screen's own affair is left out. */
  #print(frame: ScreenFrame): void {
    if (frame.type === "lost") return;
    this.#answer.raw(jsonLine(frame));
  }

  #newId(): string {
    return Buffer.from(this.#deps.clock.random(12)).toString("hex");
  }
}

/** JSON on one line, with no character that a terminal or a line reader could take for a command. */
export function jsonLine(value: unknown): string {
  const unsafe = /[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;
  const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return `${JSON.stringify(value).replace(unsafe, escaped)}\n`;
}

/** Writes the answer's text, each piece once, whatever was lost between. */
class Printer {
  #output: TerminalOutput;
  /** What was written of the message that forms. */
  #text = "";
  #lossy = false;
  /** The last character written, for the line end at the end. */
  #last = "\n";
  #messages = 0;

  constructor(output: TerminalOutput) {
    this.#output = output;
  }

  /** The connection was lost: the next piece may not follow the last one. */
  lose(): void {
    this.#lossy = this.#text !== "";
  }

  add(delta: string): void {
    if (this.#lossy) {
      if (delta.startsWith(this.#text)) this.whole(delta);
      return;
    }
    if (this.#text === "" && this.#messages > 0) this.raw(this.#last === "\n" ? "\n" : "\n\n");
    this.#text += delta;
    this.raw(delta);
  }

  /** The message so far: what is missing of it is written. */
  whole(text: string): void {
    this.#lossy = false;
    if (text.startsWith(this.#text)) {
      const missing = text.slice(this.#text.length);
      if (missing !== "") this.add(missing);
      return;
    }
    this.line();
    this.#text = "";
    this.add(text);
  }

  /** The whole message; the next piece begins another one. */
  message(text: string): void {
    if (text !== "") this.whole(text);
    this.#lossy = false;
    if (this.#text !== "") this.#messages += 1;
    this.#text = "";
  }

  /** What was streamed is void: the next piece begins the message anew, on a line of its own. */
  reset(): void {
    this.line();
    this.#text = "";
    this.#lossy = false;
  }

  /** Ends a line that was begun. */
  line(): void {
    if (this.#last !== "\n") this.raw("\n");
  }

  raw(text: string): void {
    if (text === "") return;
    this.#last = text.at(-1) ?? "\n";
    // A file gets the text as it is; a terminal only what is text.
    this.#output.write(this.#output.isTTY === true ? clean(text) : text);
  }

  /** Resolves when all is written. */
  end(): Promise<void> {
    this.line();
    return new Promise((resolve) => {
      if (!this.#output.writableNeedDrain) resolve();
      else {
        this.#output.once("drain", resolve);
        this.#output.once("error", () => resolve());
        this.#output.once("close", () => resolve());
      }
    });
  }
}
