// Asks a model for one word, for `setup` and `doctor --online`: only an answer proves that key and address are right.
import { programVersion } from "../core/build.ts";
import type { FailureData } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import { parseModelName } from "../core/model-name.ts";
import { configuredModels, type ModelsSource } from "../models/configured.ts";
import type { Models } from "../models/model.ts";
import type { ModelsDeps } from "../models/models.ts";
import { systemClock } from "../sys/clock.ts";
import type { Log } from "../sys/log.ts";

/** The models of a configuration, without a log; with keys of the vault where `credential` gives them. */
export function modelsOf(source: ModelsSource, credential?: ModelsDeps["credential"]): Models {
  const deps = { version: programVersion, clock: systemClock, log: silent };
  return configuredModels(source, credential === undefined ? deps : { ...deps, credential });
}

/** Undefined when the model answered; else what went wrong, in a sentence. */
export async function tryModel(models: Models, name: string): Promise<FailureData | undefined> {
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), limits.tryModelMs);
  try {
    const request = {
      model: parseModelName(name),
      system: "Answer with one word.",
      messages: [
        { role: "user" as const, content: [{ type: "text" as const, text: "Say ok" }], timestamp: Date.now() },
      ],
      tools: [],
      cacheKey: "try",
      outputMax: limits.tryModelTokens,
      silenceMs: limits.tryModelMs,
      signal: deadline.signal,
    };
    for await (const event of models.stream(request)) {
      // Any piece of an answer is proof enough; a retry would only make the person wait for the same news.
      if (event.type === "text" || event.type === "thinking" || event.type === "done") return undefined;
      if (event.type === "retry") return event.failure;
      if (event.type === "failed") return deadline.signal.aborted ? tooSlow(name) : event.failure;
    }
    return { code: "internal", message: `Cannot try model ${JSON.stringify(name)}: the stream ended without an end` };
  } finally {
    clearTimeout(timer);
    deadline.abort();
  }
}

function tooSlow(name: string): FailureData {
  const message = `Cannot reach model ${JSON.stringify(name)}: it did not answer within ${limits.tryModelMs / 1000} s`;
  return { code: "provider.timeout.final", message };
}

const nothing = () => undefined;
/** A log that nobody reads. */
export const silent: Log = {
  trace: nothing,
  debug: nothing,
  info: nothing,
  warn: nothing,
  error: nothing,
  child: () => silent,
};
