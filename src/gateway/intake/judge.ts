// Whether a message fits the rules of /auto-reply, in one word of a model.
import { errorText } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import { parseModelName } from "../../core/model-name.ts";
import type { Models } from "../../models/model.ts";
import type { Clock } from "../../sys/clock.ts";
import type { Log } from "../../sys/log.ts";
import instructions from "./judge.md" with { type: "text" };

/** What the judge works with. `model` is `provider/name[:level]`. */
export interface JudgeDeps {
  models: Pick<Models, "stream">;
  model(): string;
  clock: Clock;
  log: Log;
}

/** Room for one word, and for models that cannot answer in fewer. */
const outputTokens = 16;

/** A judge: never throws; what goes wrong or takes longer than ten seconds is a no. */
export function createJudge({ models, model, clock, log }: JudgeDeps) {
  return async (text: string, rules: string): Promise<boolean> => {
    const over = new AbortController();
    const late = clock.sleep(limits.judgeMs, over.signal).then(() => "");
    try {
      const answer = await Promise.race([ask({ text, rules, signal: over.signal }), late]);
      return /^\W*yes\b/i.test(answer);
    } catch (error) {
      log.warn("Cannot judge a message", { error: errorText(error) });
      return false;
    } finally {
      over.abort();
    }
  };

  async function ask({ text, rules, signal }: { text: string; rules: string; signal: AbortSignal }): Promise<string> {
    const request = models.stream({
      model: { ...parseModelName(model()), level: "off" },
      system: instructions,
      messages: [
        {
          role: "user",
          content: [{ type: "text", text: JSON.stringify({ rules, message: text }) }],
          timestamp: clock.now(),
        },
      ],
      tools: [],
      cacheKey: "auto-reply",
      outputMax: outputTokens,
      silenceMs: limits.judgeMs,
      signal,
    });
    let answer = "";
    for await (const event of request) {
      if (event.type === "text") answer += event.delta;
      if (event.type === "retry") answer = "";
      if (event.type === "failed") return "";
    }
    return answer;
  }
}
