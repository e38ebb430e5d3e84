// A terminal and an instance for tests of the whole screen: fake streams, a fake line, the emulator behind them.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Writable } from "node:stream";
import type { ChatConnection, ChatDeps, ChatOptions, ScreenFrame, Signals } from "../../../src/cli/terminal/port.ts";
import { runChat } from "../../../src/cli/terminal/run.ts";
import { graphemeWidth } from "../../../src/cli/terminal/text.ts";
import type { TurnEvent } from "../../../src/core/event.ts";
import type { ChatState, ChatUp } from "../../../src/core/frame.ts";
import { noUsage } from "../../../src/core/usage.ts";
import { systemClock } from "../../../src/sys/clock.ts";
import { Emulator } from "./emulator.ts";

export const state: ChatState = {
  conversation: "main",
  session: 1,
  sessionName: "main",
  title: "",
  model: "local/test",
  demo: false,
  running: null,
  waiting: 0,
  folder: "/home/me/project",
  sandbox: "host, bubblewrap",
};

const commands = ["help", "status", "stop", "confirm", "switch"].map((name) => ({ name, summary: `About ${name}` }));

/** The instance's half: frames are pushed by the test, what is said is noted and answered if the test says how. */
export class FakeLine implements ChatConnection {
  said: Exclude<ChatUp, { type: "open" }>[] = [];
  closed = false;
  onSend: (up: Exclude<ChatUp, { type: "open" }>) => void = () => undefined;
  #queue: ScreenFrame[] = [];
  #wake: () => void = () => undefined;
  #n = 0;

  async send(up: Exclude<ChatUp, { type: "open" }>): Promise<void> {
    this.said.push(up);
    this.onSend(up);
  }

  push(...frames: ScreenFrame[]): void {
    this.#queue.push(...frames);
    this.#wake();
  }

  event(event: TurnEvent, turn = 1): void {
    this.#n += 1;
    this.push({ type: "event", n: this.#n, turn, session: 1, event });
  }

  hello(change: Partial<ChatState> = {}): void {
    const program = "remoteagent 0.1.0";
    this.push({ type: "hello", version: 1, connection: "c", program, pid: 1, alone: false, commands });
    this.push({ type: "state", state: { ...state, ...change } });
  }

  /** Answers everything that is said by a turn. */
  answer(events: (input: number) => TurnEvent[]): void {
    let input = 0;
    this.onSend = (up) => {
      if (up.type !== "say") return;
      input += 1;
      this.push({ type: "receipt", id: up.id, receipt: { state: "waiting", input, session: 1, place: 1 } });
      const begun: TurnEvent[] = [
        { type: "started", resumed: false },
        { type: "taken", inputs: [input], text: up.text },
      ];
      for (const event of [...begun, ...events(input)]) this.event(event, input);
    };
  }

  close(): void {
    this.closed = true;
    this.#wake();
  }

  frames: AsyncIterable<ScreenFrame> = this.#read();

  async *#read(): AsyncGenerator<ScreenFrame> {
    while (!this.closed) {
      const next = this.#queue.shift();
      if (next !== undefined) yield next;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }
}

export const done: TurnEvent = { type: "ended", outcome: "done", usage: noUsage };

/** A whole chat on a fake terminal. */
export class FakeChat {
  line = new FakeLine();
  input = Object.assign(new PassThrough(), {
    isTTY: true,
    raw: false,
    setRawMode(raw: boolean) {
      this.raw = raw;
    },
  });
  emulator: Emulator;
  written = "";
  writes: string[] = [];
  errors = "";
  output: Writable & { isTTY: boolean; columns: number; rows: number };
  signal: Parameters<Signals["listen"]>[0] = () => undefined;
  suspended = 0;
  exit: Promise<number>;

  constructor(options: Partial<ChatOptions> & { columns?: number; rows?: number; tty?: boolean; historyPath: string }) {
    const { columns = 60, rows = 20, tty = true, ...chat } = options;
    this.emulator = new Emulator({ columns, rows, width: graphemeWidth });
    this.input.isTTY = tty;
    this.output = this.#stream(
      (text) => {
        this.written += text;
        this.writes.push(text);
        if (tty) this.emulator.write(text);
      },
      { columns, rows, isTTY: tty },
    );
    const deps: ChatDeps = {
      connect: () => this.line,
      input: this.input,
      output: this.output,
      errors: this.#stream(
        (text) => {
          this.errors += text;
        },
        { columns, rows, isTTY: false },
      ),
      clock: systemClock,
      signals: {
        listen: (listener) => {
          this.signal = listener;
          return () => undefined;
        },
        suspend: () => {
          this.suspended += 1;
        },
      },
      options: { conversation: "main", json: false, color: true, plain: false, ...chat },
    };
    this.exit = runChat(deps);
    // A test that fails before it awaits the end must show its own failure.
    this.exit.catch(() => undefined);
  }

  #stream(take: (text: string) => void, more: { columns: number; rows: number; isTTY: boolean }) {
    const stream = new Writable({
      write(chunk: Uint8Array, _encoding, next) {
        try {
          take(new TextDecoder().decode(chunk));
          next();
        } catch (error) {
          next(error instanceof Error ? error : new Error(String(error)));
        }
      },
    });
    return Object.assign(stream, more);
  }

  type(text: string): void {
    this.input.write(text);
  }

  resize(columns: number): void {
    this.emulator.resize(columns);
    this.output.columns = columns;
    this.output.emit("resize");
  }

  /** The lines that are not empty. */
  get shown(): string[] {
    return this.emulator.text.filter((line) => line !== "");
  }

  /** Waits until what is shown satisfies `condition`. */
  async see(condition: string | ((shown: string[]) => boolean)): Promise<void> {
    const met = () =>
      typeof condition === "string" ? this.shown.join("\n").includes(condition) : condition(this.shown);
    const until = Date.now() + 3_000;
    while (!met()) {
      if (Date.now() > until) throw new Error(`Not seen: ${String(condition)}\n${this.shown.join("\n")}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

/** A conversation at rest, as the instance tells it. */
export function chatState() {
  return {
    conversation: "main",
    session: 1,
    sessionName: "main",
    title: "",
    model: "m",
    demo: false,
    running: null,
    waiting: 0,
    folder: null,
  };
}

/** Chats of one test file, each with a history of its own; the last one is the one that `close` ends. */
export function fakeChats() {
  const folder = mkdtempSync(join(tmpdir(), "chat-"));
  let last: FakeChat | undefined;
  return {
    open(options: Partial<ConstructorParameters<typeof FakeChat>[0]> = {}): FakeChat {
      last = new FakeChat({ historyPath: join(folder, crypto.randomUUID()), ...options });
      return last;
    },
    close: () => last?.line.close(),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** A text as it comes, three characters at a time. */
export const pieces = (text: string): TurnEvent[] =>
  (text.match(/[\s\S]{1,3}/g) ?? []).map((delta) => ({ type: "text", delta }));
/** A whole answer with its end. */
export const answer = (text: string): TurnEvent[] => [...pieces(text), { type: "message", text }, done];
