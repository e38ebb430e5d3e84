// From settings to models: secrets stay references until the moment of each use.
import type { Config } from "../config/load.ts";
import type { SecretRef } from "../config/secret.ts";
import type { Models } from "./model.ts";
import { createModels, type ModelsDeps } from "./models.ts";
import type { ProviderSettings } from "./routes.ts";

/** What is needed of the configuration to reach a model. */
export interface ModelsSource {
  settings: Pick<Config["settings"], "model" | "models">;
  secret(ref: SecretRef): string;
  environment(name: string): string | undefined;
}

/** The models of a configuration. */
export function configuredModels(
  source: ModelsSource,
  deps: Pick<ModelsDeps, "version" | "clock" | "log" | "credential">,
): Models {
  const { model, models } = source.settings;
  const secrets = (refs: Readonly<Record<string, SecretRef>>) =>
    Object.fromEntries(Object.entries(refs).map(([name, ref]) => [name, source.secret(ref)]));
  const providers = Object.entries(models).map(([name, { apiKey, headers, ...rest }]): [string, ProviderSettings] => [
    name,
    {
      ...rest,
      ...(apiKey === undefined ? {} : { apiKey: () => source.secret(apiKey) }),
      ...(headers === undefined ? {} : { headers: () => secrets(headers) }),
    },
  ]);
  return createModels({
    settings: { ...(model === undefined ? {} : { model }), models: Object.fromEntries(providers) },
    environment: (name) => source.environment(name),
    ...deps,
  });
}
