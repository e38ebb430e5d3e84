// One conversation as its person sees it: what is said goes in, and when the answer stood there is noted.

/** What a person waits for: the whole answer is shown, or the turn is over. */
export type Sight = "message" | "ended";

/** A conversation with either program. */
export interface Screen {
  /** Says something, without waiting. @returns the time just before. */
  say(text: string): number;
  /** When the next one came into sight. */
  next(sight: Sight): Promise<number>;
  /** Inputs whose turn is over. */
  answered(): number;
  leave(): Promise<void>;
}

/** Keeps what came into sight until somebody asks for it. */
export class Sights {
  answered = 0;
  readonly #seen: Record<Sight, number[]> = { message: [], ended: [] };
  readonly #waiting: Record<Sight, PromiseWithResolvers<number>[]> = { message: [], ended: [] };

  add(sight: Sight, at: number): void {
    const first = this.#waiting[sight].shift();
    if (first === undefined) this.#seen[sight].push(at);
    else first.resolve(at);
  }

  next(sight: Sight): Promise<number> {
    const seen = this.#seen[sight].shift();
    if (seen !== undefined) return Promise.resolve(seen);
    const wanted = Promise.withResolvers<number>();
    this.#waiting[sight].push(wanted);
    return wanted.promise;
  }

  /** Nothing more comes: whoever waits is told why. */
  fail(error: Error): void {
    for (const waiting of [...this.#waiting.message.splice(0), ...this.#waiting.ended.splice(0)]) waiting.reject(error);
  }
}

/** Hands each line of a stream to `take`, with the time at which it came. */
export async function eachLine(
  stream: ReadableStream<Uint8Array>,
  take: (line: string, at: number) => void,
): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const at = performance.now();
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) take(line, at);
  }
}
