// Ends a request when the person stops it or the provider falls silent, whatever the client library does.
import type {
  AssistantMessage as LibraryMessage,
  AssistantMessageEventStream as LibraryStream,
} from "@earendil-works/pi-ai";
import type { Clock } from "../sys/clock.ts";

/** One request under watch. */
export class Watch {
  ended: "aborted" | "silent" | undefined;
  readonly #abort = new AbortController();
  readonly #over = new AbortController();
  readonly #outer: AbortSignal;
  readonly #clock: Clock;
  readonly #silenceMs: number;
  readonly #onAbort = () => this.#stop("aborted");
  #aliveAt: number;
  #finish: (() => void) | undefined;

  /** `stop` is the person's; `silenceMs` is how long the provider may send nothing. */
  constructor(stop: AbortSignal, options: { clock: Clock; silenceMs: number }) {
    this.#outer = stop;
    this.#clock = options.clock;
    this.#silenceMs = options.silenceMs;
    this.#aliveAt = this.#clock.monotonic();
    this.#outer.addEventListener("abort", this.#onAbort, { once: true });
    if (this.#outer.aborted) this.#onAbort();
    void this.#guardSilence();
  }

  /** Aborted together with the request. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** A sign of life. */
  alive(): void {
    this.#aliveAt = this.#clock.monotonic();
  }

  /** From now on a stop ends `stream` itself: clients may take their time to notice the signal. */
  attach(stream: LibraryStream, partial: () => LibraryMessage): void {
    this.#finish = () => stream.push({ type: "error", reason: "aborted", error: structuredClone(partial()) });
    if (this.ended !== undefined) this.#finish();
    // Once all has arrived, the reader may take its time.
    void stream.result().then(() => this.#over.abort());
  }

  /** The request is over, one way or another. */
  end(): void {
    this.#outer.removeEventListener("abort", this.#onAbort);
    this.#over.abort();
    // Whoever stops reading half-way must not leave the connection open.
    this.#abort.abort();
  }

  #stop(why: "aborted" | "silent"): void {
    if (this.ended !== undefined || this.#over.signal.aborted) return;
    this.ended = why;
    this.#finish?.();
    this.#abort.abort();
  }

  async #guardSilence(): Promise<void> {
    while (this.ended === undefined && !this.#over.signal.aborted) {
      const before = this.#clock.monotonic();
      const left = this.#silenceMs - (before - this.#aliveAt);
      if (left <= 0) return this.#stop("silent");
      await this.#clock.sleep(left, this.#over.signal);
      // A clock that stands still (a simulation's) measures no silence, and must not be asked for ever.
      if (this.#clock.monotonic() <= before) return;
    }
  }
}
