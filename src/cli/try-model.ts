// Asks a model for one word, for `setup` and `doctor --online`: only an answer proves that key and address are right.
import type { Config } from "../config/load.ts";
import type { SecretRef } from "../config/secret.ts";
import { programVersion } from "../core/build.ts";
import type { FailureData } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import { parseModelName } from "../core/model-name.ts";
import type { Models } from "../models/model.ts";
import { createModels } from "../models/models.ts";
import type { ProviderSettings } from "../models/routes.ts";
import { systemClock } from "../sys/clock.ts";
import type { Log } from "../sys/log.ts";

/** What is needed of the configuration to reach a model. */
export interface ModelsSource {
  settings: Pick<Config["settings"], "model" | "models">;
  secret(ref: SecretRef): string;
  environment(name: string): string | undefined;
}

/** The models of a configuration, without the vault and without a log. */
export function modelsOf(source: ModelsSource): Models {
  const models = Object.entries(source.settings.models).map(([name, { apiKey, headers, ...rest }]) => {
    const plain = () => Object.entries(headers ?? {}).map(([key, ref]) => [key, source.secret(ref)] as const);
    const settings: ProviderSettings = {
      ...rest,
      ...(apiKey === undefined ? {} : { apiKey: () => source.secret(apiKey) }),
      ...(headers === undefined ? {} : { headers: () => Object.fromEntries(plain()) }),
    };
    return [name, settings] as const;
  });
  return createModels({
    settings: { ...source.settings, models: Object.fromEntries(models) },
    environment: (name) => source.environment(name),
    version: programVersion,
    clock: systemClock,
    log: silent,
  });
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
