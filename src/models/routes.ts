// From a model's name to how it is reached: catalogue, settings and address, with a hint when it is unknown.
import type { Api, Model, Provider } from "@earendil-works/pi-ai";
import { closest } from "../core/closest.ts";
import { Failure } from "../core/failure.ts";
import { formatModelName, type ModelName, type ThinkingLevel, thinkingLevels } from "../core/model-name.ts";
import type { Library, Stream } from "./library.ts";
import type { ModelInfo } from "./model.ts";
import { own } from "./own.ts";
import { providers, type Wire } from "./providers.ts";

/** The wire protocols that a server named in settings may speak. */
export const customApis = [
  "anthropic-messages",
  "openai-completions",
  "openai-responses",
  "google-generative-ai",
] as const satisfies readonly Wire[];
export type CustomApi = (typeof customApis)[number];

/** Settings of one provider: a known one, or any server with an `api` and a `baseUrl`. */
export interface ProviderSettings {
  /** Asked at each use, so that a changed key counts at once. May throw a Failure. */
  apiKey?: () => string | undefined;
  baseUrl?: string;
  api?: CustomApi;
  /** Names beside (known provider) or instead of (own server) the catalogue's; none: any name is tried. */
  models?: readonly string[];
  /** Added to each request; asked at each use, since they may be secret. */
  headers?: () => Readonly<Record<string, string>>;
  /** What an own server's models can do; see {@link customDefaults}. Tokens. */
  contextWindow?: number;
  outputMax?: number;
  images?: boolean;
}

/** What is assumed of a model that no catalogue knows. Too small a window only compacts earlier. */
export const customDefaults = { contextWindow: 32_768, outputMax: 8_192, images: false } as const;

/** How one model is reached. */
export interface Route {
  info: ModelInfo;
  /** The library's form of it, with our address. */
  model: Model<Api>;
  stream: Stream;
  /** The library's provider; none for a server of the person's own. */
  provider?: Provider;
  settings: ProviderSettings;
  /** True when the window comes from the catalogue and is no guess. */
  windowKnown: boolean;
}

export interface RouteDeps {
  settings: { models?: Readonly<Record<string, ProviderSettings>> };
  environment(name: string): string | undefined;
  library: Pick<Library, "provider" | "stream">;
}

/** Addresses that the vendors' own programs respect. */
const baseUrlVariables: Readonly<Record<string, string>> = {
  anthropic: "ANTHROPIC_BASE_URL",
  openai: "OPENAI_BASE_URL",
};

/**
 * Finds the route to `name`.
 * @throws Failure `settings` for an unknown provider or model (with the nearest known names in the hint) and
 *   for an own server without a usable address.
 */
async function findRoute(name: ModelName, deps: RouteDeps): Promise<Route> {
  const settings = own(deps.settings.models, name.provider) ?? {};
  const entry = own(providers, name.provider);
  if (entry === undefined && settings.api === undefined) throw unknownProvider(name, deps);
  const provider = await deps.library.provider(name.provider);
  const catalogue = provider?.getModels() ?? [];
  const known = catalogue.find((model) => model.id === name.name);
  const model = known ?? invent(name, { settings, catalogue });
  if (model === undefined) throw unknownModel(name, { catalogue, settings });
  const baseUrl = address(name.provider, { settings, deps });
  if (provider === undefined && baseUrl === undefined) {
    throw new Failure("settings", `Cannot use model provider "${name.provider}": its baseUrl is missing`, {
      hint: `Set models.${name.provider}.baseUrl, for example "http://127.0.0.1:8080/v1"`,
    });
  }
  const routed = overrule(model, { settings, baseUrl });
  const wire = settings.api ?? entry?.wire;
  const stream = wire === undefined ? provider?.streamSimple : await deps.library.stream(wire);
  if (stream === undefined) throw unknownProvider(name, deps);
  return {
    info: describe(routed),
    model: routed,
    stream,
    provider,
    settings,
    windowKnown: known !== undefined || settings.contextWindow !== undefined,
  };
}

/** Finds routes as {@link findRoute} does; the one found last is kept while what it was made from is the same. */
export function createRoutes(deps: RouteDeps): (name: ModelName) => Promise<Route> {
  let last:
    | { provider: string; name: string; settings: unknown; address: string | undefined; route: Route }
    | undefined;
  return async ({ provider, name }) => {
    const settings = own(deps.settings.models, provider);
    const variable = own(baseUrlVariables, provider);
    const address = variable === undefined ? undefined : deps.environment(variable);
    if (last?.name === name && last.provider === provider && last.settings === settings && last.address === address)
      return last.route;
    const route = await findRoute({ provider, name }, deps);
    last = { provider, name, settings, address, route };
    return route;
  };
}

/** All models that a provider offers by catalogue and settings. */
export async function listModels(provider: string, deps: RouteDeps): Promise<ModelInfo[]> {
  const settings = own(deps.settings.models, provider) ?? {};
  const catalogue = (await deps.library.provider(provider))?.getModels() ?? [];
  const invented = (settings.models ?? [])
    .filter((name) => catalogue.every((model) => model.id !== name))
    .map((name) => invent({ provider, name }, { settings, catalogue }))
    .filter((model) => model !== undefined);
  return [...invented, ...catalogue].map(describe);
}

/** Every provider that can be named: the library's, those in settings, and the demo. */
export function providerNames(deps: RouteDeps): string[] {
  return [...new Set([...Object.keys(deps.settings.models ?? {}), ...Object.keys(providers), "demo"])];
}

function address(provider: string, from: { settings: ProviderSettings; deps: RouteDeps }): string | undefined {
  const variable = own(baseUrlVariables, provider);
  const text = from.settings.baseUrl ?? (variable === undefined ? undefined : from.deps.environment(variable));
  if (text === undefined || text === "") return undefined;
  const protocol = URL.canParse(text) ? new URL(text).protocol : "";
  if (protocol !== "http:" && protocol !== "https:") {
    throw new Failure("settings", `Cannot use model provider "${provider}": its baseUrl is no http address`, {
      hint: `Set ${from.settings.baseUrl === undefined ? variable : `models.${provider}.baseUrl`} to a full address`,
    });
  }
  return text.replace(/\/+$/, "");
}

/** The catalogue's model at the address and in the protocol of the settings; its quirks belong to its own protocol. */
function overrule(model: Model<Api>, by: { settings: ProviderSettings; baseUrl: string | undefined }): Model<Api> {
  const { compat: _quirks, ...plain } = model;
  const base = by.settings.api === undefined || by.settings.api === model.api ? model : plain;
  return {
    ...base,
    api: by.settings.api ?? model.api,
    ...(by.baseUrl === undefined ? {} : { baseUrl: by.baseUrl }),
  };
}

/** A model that settings name and no catalogue knows: like its nearest relative, without a price. */
function invent(
  name: Pick<ModelName, "provider" | "name">,
  from: { settings: ProviderSettings; catalogue: readonly Model<Api>[] },
): Model<Api> | undefined {
  const { settings, catalogue } = from;
  const listed = settings.models?.includes(name.name) ?? false;
  const anyName = settings.api !== undefined && (settings.models?.length ?? 0) === 0 && catalogue.length === 0;
  if (!(listed || anyName)) return undefined;
  const nearest = closest(
    name.name,
    catalogue.map((model) => model.id),
    { max: 1, anyDistance: true },
  )[0];
  const relative = catalogue.find((model) => model.id === nearest);
  const size = {
    contextWindow: settings.contextWindow ?? relative?.contextWindow ?? customDefaults.contextWindow,
    maxTokens: settings.outputMax ?? relative?.maxTokens ?? customDefaults.outputMax,
  };
  const images = settings.images ?? relative?.input.includes("image") ?? customDefaults.images;
  return {
    ...(relative ?? { api: settings.api ?? "openai-completions", baseUrl: settings.baseUrl ?? "", reasoning: false }),
    id: name.name,
    name: name.name,
    provider: name.provider,
    input: images ? ["text", "image"] : ["text"],
    cost: { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 },
    ...size,
  };
}

function describe(model: Model<Api>): ModelInfo {
  const { input, output, cacheRead, cacheWrite } = model.cost;
  return {
    provider: model.provider,
    name: model.id,
    label: model.name,
    contextWindow: model.contextWindow,
    outputMax: model.maxTokens,
    images: model.input.includes("image"),
    levels: levelsOf(model),
    price: { input, output, cacheRead, cacheWrite },
  };
}

/** The catalogue's rule: `null` is not taken, `xhigh` only where it is named, the others unless denied. */
function levelsOf(model: Model<Api>): ThinkingLevel[] {
  if (!model.reasoning) return ["off"];
  return thinkingLevels.filter((level) => {
    const mapped = model.thinkingLevelMap?.[level];
    return mapped !== null && (level !== "xhigh" || mapped !== undefined);
  });
}

/** The level that a model takes for the one asked for: the highest not above it, else its lowest. */
export function mapLevel(levels: readonly ThinkingLevel[], wanted: ThinkingLevel): ThinkingLevel {
  const rank = thinkingLevels.indexOf(wanted);
  return levels.findLast((level) => thinkingLevels.indexOf(level) <= rank) ?? levels[0] ?? "off";
}

function unknownProvider(name: ModelName, deps: RouteDeps): Failure {
  const names = providerNames(deps);
  const near = closest(name.provider, names, { max: 3 });
  return new Failure("settings", `Cannot use model "${formatModelName(name)}": no provider "${name.provider}"`, {
    hint:
      near.length > 0
        ? `Did you mean ${near.map((text) => `"${text}"`).join(" or ")}?`
        : `Known are ${names.join(", ")}; any other server needs models.${name.provider}.api and baseUrl`,
  });
}

function unknownModel(
  name: ModelName,
  from: { catalogue: readonly Model<Api>[]; settings: ProviderSettings },
): Failure {
  const names = [...(from.settings.models ?? []), ...from.catalogue.map((model) => model.id)];
  const near = closest(name.name, names, { max: 3 });
  const mean = near.length > 0 ? `Did you mean ${near.map((text) => `"${text}"`).join(" or ")}? ` : "";
  return new Failure("settings", `Cannot use model "${formatModelName(name)}": ${name.provider} has no such model`, {
    hint: `${mean}A model that is newer than this program can be added to models.${name.provider}.models`,
  });
}
