// What setup wants to know, and the settings that come of it.
import type { SecretRef } from "../../config/secret.ts";
import { closest } from "../../core/closest.ts";
import { Failure } from "../../core/failure.ts";
import type { JsonObject } from "../../core/transcript.ts";
import { providers } from "../../models/providers.ts";
import { type CustomApi, customApis } from "../../models/routes.ts";

/** The choice of a model. */
export type Answers =
  | { kind: "demo" }
  /** What the settings say already. */
  | { kind: "same" }
  | { kind: "known"; provider: string; model: string; key?: SecretRef; baseUrl?: string }
  | { kind: "own"; provider: string; model: string; key?: SecretRef; baseUrl: string; api: CustomApi };

/** The settings for a choice; `undefined` takes a setting away. */
export function patchOf(answers: Answers): Record<string, unknown> {
  if (answers.kind === "same") return {};
  if (answers.kind === "demo") return { model: undefined };
  const { provider, model, key, baseUrl } = answers;
  const settings: JsonObject = {
    ...(key === undefined ? {} : { apiKey: key }),
    ...(baseUrl === undefined ? {} : { baseUrl }),
    ...(answers.kind === "own" ? { api: answers.api, models: [model] } : {}),
  };
  const models = Object.keys(settings).length === 0 ? {} : { models: { [provider]: settings } };
  return { model: `${provider}/${model}`, ...models };
}

/** The options of `setup --yes`. */
export interface SetupFlags {
  provider?: string;
  model?: string;
  "api-key-env"?: string;
  "api-key-file"?: string;
  "base-url"?: string;
  api?: string;
}

/** @throws Failure `usage` for options that contradict each other or leave something open. */
export function answersOfFlags(flags: SetupFlags): Answers {
  const { provider, model, "base-url": baseUrl } = flags;
  if (provider === undefined) {
    const others = [model, baseUrl, flags.api, flags["api-key-env"], flags["api-key-file"]];
    if (others.some((value) => value !== undefined)) throw missing("--provider");
    return { kind: "same" };
  }
  if (provider === "demo") return { kind: "demo" };
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(provider))
    throw new Failure("usage", `Wrong value of --provider: ${JSON.stringify(provider)} is no name of a provider`);
  const key = keyOf(flags);
  if (Object.hasOwn(providers, provider) && flags.api === undefined) {
    const name = model ?? providers[provider]?.preferred;
    if (name === undefined) throw missing("--model");
    const more = { ...(key === undefined ? {} : { key }), ...(baseUrl === undefined ? {} : { baseUrl }) };
    return { kind: "known", provider, model: withoutProvider(name, provider), ...more };
  }
  if (baseUrl === undefined) throw Object.hasOwn(providers, provider) ? missing("--base-url") : unknown(provider);
  if (model === undefined) throw missing("--model");
  const api = customApis.find((known) => known === (flags.api ?? "openai-completions"));
  if (api === undefined)
    throw new Failure(
      "usage",
      `Wrong value of --api: ${JSON.stringify(flags.api)} is none of ${customApis.join(", ")}`,
    );
  return {
    kind: "own",
    provider,
    model: withoutProvider(model, provider),
    baseUrl,
    api,
    ...(key === undefined ? {} : { key }),
  };
}

function keyOf({ "api-key-env": env, "api-key-file": file }: SetupFlags): SecretRef | undefined {
  if (env !== undefined && file !== undefined)
    throw new Failure("usage", "Cannot take both --api-key-env and --api-key-file: a key is in one place");
  if (env !== undefined) return { env };
  return file === undefined ? undefined : { file };
}

/** `--model anthropic/claude…` is what people write who know the settings. */
export function withoutProvider(model: string, provider: string): string {
  return model.startsWith(`${provider}/`) ? model.slice(provider.length + 1) : model;
}

function unknown(provider: string): Failure {
  const [near] = closest(provider, Object.keys(providers), { max: 1 });
  const guess = near === undefined ? "" : `: did you mean ${JSON.stringify(near)}?`;
  return new Failure("usage", `There is no provider ${JSON.stringify(provider)}${guess}`, {
    hint: "A server of your own needs --base-url",
  });
}

function missing(option: string): Failure {
  return new Failure("usage", `Cannot set up: ${option} is missing`, {
    hint: "remoteagent setup --help shows examples",
  });
}
