// One request to the model and what comes of it, shown as it forms.
import { errorText, Failure, type FailureData, failureData } from "../../core/failure.ts";
import type { AssistantMessage } from "../../core/transcript.ts";
import type { ModelRequest } from "../../models/model.ts";
import { late, type Run, tellUsage, unlessLate } from "./run.ts";

const millisecondsPerSecond = 1_000;

/** How a request ended. `message` is what arrived, whole or in part. */
export type Answer =
  | { kind: "done"; message: AssistantMessage }
  | { kind: "stopped"; message: AssistantMessage }
  /** Nothing of it was shown. */
  | { kind: "void"; message: AssistantMessage }
  | { kind: "failed"; message: AssistantMessage; failure: FailureData };

/** How a request is made. `show: false` keeps its text from people. */
export interface Asking {
  show: boolean;
  /** Asked at the answer's first sign: true when it is void, since the question is not whole yet. */
  isVoid?: () => boolean;
}

/** Streams one answer. A model that ignores a stop is left behind. */
export async function streamAnswer(run: Run, request: ModelRequest, asking: Asking): Promise<Answer> {
  const stream = new AnswerStream(run, request, asking);
  const answer = await unlessLate(stream.read(), run.stop);
  if (answer !== late) return answer;
  stream.left = true;
  return { kind: "stopped", message: stream.partial() };
}

class AnswerStream {
  /** Set when nobody waits any more: from then on nothing is shown. */
  left = false;
  private readonly run: Run;
  private readonly request: ModelRequest;
  private readonly show: boolean;
  private readonly isVoid: () => boolean;
  private text: string[] = [];
  constructor(run: Run, request: ModelRequest, { show, isVoid = () => false }: Asking) {
    this.run = run;
    this.request = request;
    this.show = show;
    this.isVoid = isVoid;
  }

  async read(): Promise<Answer> {
    const { run } = this;
    let begun = false;
    try {
      for await (const event of run.models.stream(this.request)) {
        if (this.left) break;
        if (!begun && (event.type === "text" || event.type === "thinking" || event.type === "call")) {
          begun = true;
          if (this.isVoid()) return { kind: "void", message: this.partial() };
        }
        if (event.type === "done") return { kind: "done", message: event.message };
        if (event.type === "failed") {
          if (run.stop.signal.aborted) return { kind: "stopped", message: event.message };
          return { kind: "failed", message: event.message, failure: event.failure };
        }
        if (event.type === "retry") {
          this.text = [];
          if (this.show) await run.offer({ type: "reset" });
          if (event.usage !== undefined && event.usage.totalTokens > 0) await tellUsage(run, event.usage);
          const seconds = Math.ceil(event.waitMs / millisecondsPerSecond);
          const count = `${event.attempt} of ${event.attemptsMax}`;
          await run.offer({
            type: "notice",
            text: `${event.failure.message}: trying again in ${seconds} s (${count})`,
          });
        } else if (event.type !== "call" && this.show) {
          if (event.type === "text") this.text.push(event.delta);
          await run.offer({ type: event.type, delta: event.delta });
        }
      }
    } catch (error) {
      if (!this.left && !run.stop.signal.aborted) run.log.error("The model library threw", { error: errorText(error) });
      throw error;
    }
    if (this.left || run.stop.signal.aborted) return { kind: "stopped", message: this.partial() };
    const failure = new Failure("provider.unknown.final", "The model's answer ended without an end");
    return { kind: "failed", message: this.partial(), failure: failureData(failure) };
  }

  /** What was shown so far, as a message that broke off. */
  partial(): AssistantMessage {
    const text = this.text.join("");
    return {
      role: "assistant",
      content: text === "" ? [] : [{ type: "text", text }],
      api: "",
      provider: this.request.model.provider,
      model: this.request.model.name,
      usage: {
        input: 0,
        output: 0,
        cacheRead: 0,
        cacheWrite: 0,
        totalTokens: 0,
        cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, total: 0 },
      },
      stopReason: "aborted",
      timestamp: this.run.clock.now(),
    };
  }
}
