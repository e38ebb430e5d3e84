// The line to the running instance: frames as JSON lines over its socket, found again when it is lost.
import { isStored } from "../../core/event.ts";
import { Failure, failureData } from "../../core/failure.ts";
import { type ChatDown, type ChatUp, protocolVersion } from "../../core/frame.ts";
import type { EventNumber, SessionId } from "../../core/ids.ts";
import { limits } from "../../core/limits.ts";
import type { Clock } from "../../sys/clock.ts";
import { linesOf, type UnixClient, type UnixResponse } from "../../sys/unix-client.ts";
import type { ChatConnection, ScreenFrame } from "./port.ts";

/** What a connection is made of. `attemptsMax`: tries in a row before it gives up. */
export interface ConnectionDeps {
  client: Pick<UnixClient, "request">;
  clock: Clock;
  conversation: string;
  folder?: string;
  attemptsMax?: number;
}

/** Connects to the instance behind `client`; the first try begins when the frames are read. */
export function connectChat(deps: ConnectionDeps): ChatConnection {
  const closed = new AbortController();
  const place = new Place();
  const unanswered = new Unanswered();
  let line = new Line();
  /** Posts a frame, on one line after the other. Each round uses up one; their number is bounded where they are opened. */
  async function deliver(up: Sent): Promise<void> {
    for (;;) {
      const current = line;
      const connection = await current.opened;
      if (connection === null) {
        checkLapse(up);
        continue;
      }
      if (await post(deps.client, { connection, up, signal: closed.signal })) return;
      current.drop();
      await current.ended;
      checkLapse(up);
    }
  }

  /** What the last line took along before it was answered is asked again: the instance takes each id once. */
  function askAgain(): void {
    for (const up of unanswered.taken()) {
      // It is on its way once more. Whoever sent it has gone on; what is refused now is refused in the frames.
      const finish = unanswered.begin(up);
      deliver(up).then(finish, () => unanswered.end(up.id));
    }
  }

  async function* frames(): AsyncGenerator<ScreenFrame> {
    let attempts = 0;
    while (!closed.signal.aborted) {
      let failure: Failure | null = null;
      try {
        const signal = AbortSignal.any([closed.signal, line.dropped]);
        for await (const frame of readFrames(deps, { after: place.after, signal })) {
          if (frame.type === "hello") {
            checkVersion(frame.version);
            attempts = 0;
            line.open(frame.connection);
            askAgain();
          }
          if (frame.type === "receipt") unanswered.end(frame.id);
          if (place.isNew(frame)) yield frame;
        }
      } catch (error) {
        if (closed.signal.aborted) return;
        failure = line.dropped.aborted ? null : final(error);
      }
      if (closed.signal.aborted) return;
      attempts += 1;
      const given = attempts >= (deps.attemptsMax ?? limits.chatReconnectsMax);
      const known = place.known;
      // An instance that was never reached is no lost connection: whoever called knows what to do.
      if (failure !== null && (given || !known || failure.code !== "not-running")) {
        line.end(failure);
        throw failure;
      }
      if (given) {
        failure = new Failure("not-running", "Cannot chat: the instance ends every connection");
        line.end(failure);
        throw failure;
      }
      const ended = line;
      line = new Line();
      ended.end(null);
      yield { type: "lost", reason: lostText(failure) };
      await deps.clock.sleep(backoffMs(attempts, deps.clock), closed.signal);
    }
  }

  return {
    frames: frames(),
    async send(up) {
      const finish = unanswered.begin(up);
      try {
        await deliver(up);
      } catch (error) {
        unanswered.end(up.id);
        throw error;
      }
      finish();
    },
    close() {
      closed.abort();
      line.end(new Failure("not-running", "The chat was closed"));
    },
  };
}

/** What is meant for this moment is not delivered to an instance that comes later. @throws Failure for a stop. */
function checkLapse(up: Sent): void {
  if (up.type === "command" && up.name === "stop")
    throw new Failure("not-running", "The stop was not delivered: the connection was lost");
}

function lostText(failure: Failure | null): string {
  return `${failure?.message ?? "The connection ended"}; trying again`;
}

/** Grows from 100 ms to some seconds; spread, so that many screens do not come back at one moment. */
function backoffMs(attempt: number, clock: Clock): number {
  const [byte = 0] = clock.random(1);
  const base = Math.min(limits.chatReconnectMs * 2 ** (attempt - 1), limits.chatReconnectCapMs);
  return base * (0.75 + byte / 512);
}

/** One opened stream: its address for what goes up, and its end. */
class Line {
  /** The address; null when the line ended before it was opened. */
  readonly opened: Promise<string | null>;
  readonly ended: Promise<void>;
  #dropped = new AbortController();
  #open: (connection: string | null) => void = () => undefined;
  #refuse: (failure: Failure) => void = () => undefined;
  #end: () => void = () => undefined;

  constructor() {
    this.opened = new Promise((resolve, reject) => {
      this.#open = resolve;
      this.#refuse = reject;
    });
    // Nobody may be waiting to send; then the refusal is told by the frames alone.
    this.opened.catch(() => undefined);
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }
  open(connection: string): void {
    this.#open(connection);
  }
  /** Aborted when a frame could not be sent: whatever the stream still shows of it, it is of no use. */
  get dropped(): AbortSignal {
    return this.#dropped.signal;
  }
  drop(): void {
    this.#dropped.abort();
  }
  end(failure: Failure | null): void {
    if (failure === null) this.#open(null);
    else this.#refuse(failure);
    this.#end();
  }
}

/** A frame that has an id, by which its receipt is known. */
type Sent = Parameters<ChatConnection["send"]>[0];

/** What was sent and has no receipt yet: the instance may end between the taking and the telling. */
class Unanswered {
  #sent = new Map<string, { up: Sent; taken: boolean }>();

  /** @returns the function to call once the instance has taken it. */
  begin(up: Sent): () => void {
    const sent = { up, taken: false };
    this.#sent.set(up.id, sent);
    const [oldest] = this.#sent.keys();
    if (this.#sent.size > limits.chatUnansweredMax && oldest !== undefined) this.#sent.delete(oldest);
    return () => {
      sent.taken = true;
    };
  }
  end(id: string): void {
    this.#sent.delete(id);
  }
  /** What is on its way is not among them: its sender goes on until it is taken. */
  taken(): Sent[] {
    return [...this.#sent.values()].filter(({ taken }) => taken).map(({ up }) => up);
  }
}

/** What was shown, so that nothing is shown twice. */
class Place {
  #last = new Map<SessionId, EventNumber>();
  #session: SessionId | null = null;
  known = false;

  /** The stored event to go on after. */
  get after(): EventNumber | undefined {
    return this.#session === null ? undefined : this.#last.get(this.#session);
  }

  /** Notes a frame; false for a stored event that was there before. */
  isNew(frame: ChatDown): boolean {
    if (frame.type === "hello") this.known = true;
    if (frame.type === "state") this.#session = frame.state.session;
    if (frame.type !== "event") return true;
    const last = this.#last.get(frame.session) ?? -1;
    if (!isStored(frame.event)) return true;
    if (frame.n <= last) return false;
    this.#last.delete(frame.session);
    this.#last.set(frame.session, frame.n);
    const [oldest] = this.#last.keys();
    if (this.#last.size > limits.cachedSessionsMax && oldest !== undefined) this.#last.delete(oldest);
    return true;
  }
}

async function* readFrames(
  deps: ConnectionDeps,
  options: { after: EventNumber | undefined; signal: AbortSignal },
): AsyncGenerator<ChatDown> {
  const open: ChatUp = {
    type: "open",
    version: protocolVersion,
    conversation: deps.conversation,
    ...(deps.folder === undefined ? {} : { folder: deps.folder }),
    ...(options.after === undefined ? {} : { after: options.after }),
  };
  const response = await deps.client.request("/v1/chat", { method: "POST", json: open, signal: options.signal });
  if (response.status !== 200) throw await refusal(response);
  for await (const text of linesOf(response.body)) yield parseFrame(text);
}

/** Sends one frame up. False when the instance knows no such connection; then nothing was done with it. */
async function post(
  client: ConnectionDeps["client"],
  options: { connection: string; up: ChatUp; signal: AbortSignal },
): Promise<boolean> {
  const { connection, up, signal } = options;
  try {
    const path = `/v1/chat/${encodeURIComponent(connection)}`;
    const response = await client.request(path, { method: "POST", json: up, signal });
    if (response.status < 300) {
      await response.text();
      return true;
    }
    const failure = await refusal(response);
    if (failure.code === "not-found") return false;
    throw failure;
  } catch (error) {
    if (signal.aborted) throw new Failure("not-running", "The chat was closed");
    // Its fate is unknown: it is sent again under the same id, which the instance takes once.
    if (error instanceof Failure && error.code === "not-running") return false;
    throw error;
  }
}

/** Reads a frame. Only our own program writes them; what is none is a defect of a newer or older one. */
function parseFrame(text: string): ChatDown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Failure("internal", "Cannot read the instance's answer: a line is not JSON", { cause });
  }
  if (typeof value !== "object" || value === null || !("type" in value) || typeof value.type !== "string") {
    throw new Failure("internal", "Cannot read the instance's answer: a line is no frame");
  }
  return value as ChatDown;
}

/** Refuses an instance that speaks another version, and says which side to restart. */
function checkVersion(theirs: number): void {
  if (theirs === protocolVersion) return;
  const hint =
    theirs < protocolVersion
      ? "The running instance is older than this program: remoteagent restart"
      : "The running instance is newer than this program: start the chat again with the newer one";
  throw new Failure("usage", `Cannot chat: the instance speaks protocol ${theirs}, this program ${protocolVersion}`, {
    hint,
  });
}

/** What the instance answered instead of a stream. */
async function refusal(response: UnixResponse): Promise<Failure> {
  const text = await response.text();
  const fallback = new Failure(
    response.status === 404 ? "not-found" : "internal",
    `The running instance refused the chat: status ${response.status}`,
    { detail: text.slice(0, 1_000) },
  );
  try {
    const value = (JSON.parse(text) as { error?: Partial<ReturnType<typeof failureData>> } | null)?.error;
    if (typeof value?.message !== "string") return fallback;
    return new Failure(
      value.code ?? fallback.code,
      value.message,
      value.hint === undefined ? {} : { hint: value.hint },
    );
  } catch (error) {
    if (error instanceof SyntaxError) return fallback;
    throw error;
  }
}

/** A thrown value as what ends or interrupts the chat. */
function final(error: unknown): Failure {
  if (error instanceof Failure) return error;
  const { code, message } = failureData(error);
  return new Failure(code, message, { cause: error });
}
