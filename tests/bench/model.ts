// The model's server for the benchmark: loopback HTTP that speaks the stream of Anthropic's Messages API
// (https://docs.anthropic.com/en/api/messages-streaming) and notes on this process' clock when what happened.

/** One request. Times are of `performance.now()` of this process, in milliseconds. */
export interface Asked {
  /** The whole request had arrived. */
  at: number;
  bytes: number;
  /** The last bytes of the answer were handed to the system. */
  ended: Promise<number>;
}

/** What the model answers with: text, one call of the tool `bash`, or one of another tool. */
export type Answer = { text: string } | { command: string } | { tool: string; input: object };

export interface Model {
  url: string;
  /** Answers for the next requests, in their order; when there are none, plain text. */
  plan: Answer[];
  /** Decides by the body of the request instead; when it has no answer, as planned. */
  answerTo: ((request: string) => Answer | undefined) | undefined;
  /** Pause between two pieces of an answer, in milliseconds. */
  pauseMs: number;
  /** The next request that arrives from now on. */
  next(): Promise<Asked>;
  requests(): number;
  close(): Promise<void>;
}

/** About three sentences, in pieces of some words, as models send them. */
const words = "The change is small and the tests pass, so the release can go out today. ".repeat(3).split(/(?<= )/);
export const plainText = words.join("");
const wordsPerPiece = 2;

/** Listens on a free port of loopback. */
export function openModel(): Model {
  const waiting: ((asked: Asked) => void)[] = [];
  let requests = 0;
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      const body = await request.arrayBuffer();
      const at = performance.now();
      requests += 1;
      const { promise, resolve } = Promise.withResolvers<number>();
      waiting.shift()?.({ at, bytes: body.byteLength, ended: promise });
      const chosen = model.answerTo?.(new TextDecoder().decode(body));
      const pieces = events(chosen ?? model.plan.shift() ?? { text: plainText });
      const source: Bun.DirectUnderlyingSource = {
        type: "direct",
        pull: (out) => send(pieces, { out, ended: resolve }),
      };
      return new Response(streamOf(source), { headers: { "content-type": "text/event-stream" } });
    },
  });
  const send = async (
    pieces: string[],
    { out, ended }: { out: ReadableStreamDirectController; ended: (at: number) => void },
  ): Promise<void> => {
    const last = pieces.pop() ?? "";
    for (const piece of pieces) {
      void out.write(piece);
      await out.flush();
      if (model.pauseMs > 0) await Bun.sleep(model.pauseMs);
    }
    const at = performance.now();
    void out.write(last);
    await out.flush();
    ended(at);
    out.close();
  };
  const model: Model = {
    url: `http://127.0.0.1:${server.port}`,
    plan: [],
    answerTo: undefined,
    pauseMs: 2,
    next: () => new Promise((resolve) => waiting.push(resolve)),
    requests: () => requests,
    close: () => server.stop(true),
  };
  return model;
}

/** The answer as pieces of an event stream; the last one holds the last words and the end. */
function events(answer: Answer): string[] {
  const usage = { input_tokens: 1_000, output_tokens: 50, cache_read_input_tokens: 0, cache_creation_input_tokens: 0 };
  const message = { id: "msg_1", type: "message", role: "assistant", model: "bench", content: [], usage };
  const start = event({ type: "message_start", message: { ...message, stop_reason: null, stop_sequence: null } });
  const isText = "text" in answer;
  const { tool, input } =
    "command" in answer ? { tool: "bash", input: { command: answer.command } } : { tool: "", input: {}, ...answer };
  const block = isText
    ? { type: "text", text: "" }
    : { type: "tool_use", id: `toolu_${Math.random().toString(36).slice(2)}`, name: tool, input: {} };
  const deltas = isText
    ? split(answer.text).map((text) => ({ type: "text_delta", text }))
    : [{ type: "input_json_delta", partial_json: JSON.stringify(input) }];
  const pieces = deltas.map((delta) => event({ type: "content_block_delta", index: 0, delta }));
  const final = pieces.pop() ?? "";
  const end = [
    event({ type: "content_block_stop", index: 0 }),
    event({ type: "message_delta", delta: { stop_reason: isText ? "end_turn" : "tool_use" }, usage }),
    event({ type: "message_stop" }),
  ];
  return [
    start + event({ type: "content_block_start", index: 0, content_block: block }),
    ...pieces,
    final + end.join(""),
  ];
}

/** A stream whose pieces go out when they are flushed; the standard's types do not know Bun's kind. */
function streamOf(source: Bun.DirectUnderlyingSource): ReadableStream {
  return new ReadableStream(source as unknown as Bun.UnderlyingSource);
}

function event(data: { type: string; [field: string]: unknown }): string {
  return `event: ${data.type}\ndata: ${JSON.stringify(data)}\n\n`;
}

function split(text: string): string[] {
  const all = text.split(/(?<= )/);
  return Array.from({ length: Math.ceil(all.length / wordsPerPiece) }, (_, index) =>
    all.slice(index * wordsPerPiece, (index + 1) * wordsPerPiece).join(""),
  );
}
