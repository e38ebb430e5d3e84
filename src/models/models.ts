// The configured language models behind one function: finds the route, asks, retries, and falls back to the demo.
import { errorText, Failure, type FailureData, failureData } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import { formatModelName, type ModelName, parseModelName } from "../core/model-name.ts";
import type { AssistantMessage } from "../core/transcript.ts";
import type { Clock } from "../sys/clock.ts";
import type { Log } from "../sys/log.ts";
import { type AttemptDeps, ask } from "./attempt.ts";
import { blankAnswer } from "./blank.ts";
import { abortFailure, longWaitFailure } from "./classify.ts";
import { type CredentialDeps, findAccess, hasAccess, missingAccess } from "./credentials.ts";
import { demoInfo, demoName, streamDemo } from "./demo.ts";
import type { Ending } from "./ending.ts";
import { createLibrary, type Library } from "./library.ts";
import type { ModelEvent, ModelInfo, ModelRequest, Models } from "./model.ts";
import { own } from "./own.ts";
import { createPreparation, type Preparation } from "./preparation.ts";
import { providers } from "./providers.ts";
import { createRoutes, listModels, type ProviderSettings, providerNames, type Route } from "./routes.ts";

/** What the models need of the world. */
export interface ModelsDeps extends CredentialDeps {
  /** A slice of the settings; read at each use, so that a getter may serve changed ones. */
  settings: { model?: string; models?: Readonly<Record<string, ProviderSettings>> };
  /** The program's version, for the User-Agent. */
  version: string;
  clock: Clock;
  log: Log;
  fetch?: AttemptDeps["fetch"];
  /** Instead of `limits.modelSilenceMs`. */
  silenceMs?: number;
}

/** The same with what the models keep. */
interface Kept extends ModelsDeps {
  library: Library;
  route(name: ModelName): Promise<Route>;
  prepare: Preparation;
}

/** Builds the {@link Models}; loads no library until a model other than the demo is asked for. */
export function createModels(given: ModelsDeps): Models {
  const library = createLibrary();
  const route = createRoutes({
    get settings() {
      return given.settings;
    },
    environment: (name) => given.environment(name),
    library,
  });
  const deps: Kept = { ...given, library, route, prepare: createPreparation() };
  return {
    info: async (name) => (isDemo(name) ? demoInfo : (await deps.route(name)).info),
    stream: (request) => (isDemo(request.model) ? streamDemo(request, deps) : streamWithRetries(request, deps)),
    available: () => available(deps),
    fallback: () => fallback(deps),
  };
}

function isDemo(name: ModelName): boolean {
  return name.provider === demoName.provider && name.name === demoName.name;
}

async function* streamWithRetries(request: ModelRequest, deps: Kept): AsyncGenerator<ModelEvent> {
  for (let attempt = 1; ; attempt++) {
    const ending = yield* askOnce(request, deps);
    if (ending.ok) return yield { type: "done", message: ending.message };
    const { message, failure, aborted } = ending;
    const waitMs = waitFor(ending, { attempt, clock: deps.clock });
    if (waitMs === undefined) return yield { type: "failed", message, failure: tooLong(ending), aborted };
    deps.log.info("model request is tried again", { attempt, waitMs, code: failure.code });
    yield { type: "retry", attempt, attemptsMax: limits.modelRetriesMax, waitMs, failure, usage: message.usage };
    await deps.clock.sleep(waitMs, request.signal);
    if (request.signal.aborted) {
      const stopped = abortFailure(formatModelName(request.model));
      return yield { type: "failed", message: { ...message, stopReason: "aborted" }, failure: stopped, aborted: true };
    }
  }
}

/** One request, from settings to ending; what is wrong with the settings ends like any other failure. */
async function* askOnce(request: ModelRequest, deps: Kept): AsyncGenerator<ModelEvent, Ending> {
  try {
    const route = await deps.route(request.model);
    const whose = request.requester === undefined ? {} : { requester: request.requester };
    const access = await findAccess(request.model.provider, { ...route, ...whose, deps, signal: request.signal });
    if (access === undefined) throw missingAccess(request.model.provider);
    return yield* ask(request, { route, access, deps: attemptDeps(request, deps) });
  } catch (error) {
    const failure = request.signal.aborted ? abortFailure(formatModelName(request.model)) : failureData(error);
    if (!(error instanceof Failure)) deps.log.error("model request could not start", { error: errorText(error) });
    return { ok: false, message: unsaid(request, deps), failure, aborted: request.signal.aborted };
  }
}

function unsaid(request: ModelRequest, deps: ModelsDeps): AssistantMessage {
  const source = { api: "none", provider: request.model.provider, model: request.model.name };
  const stopReason = request.signal.aborted ? "aborted" : "error";
  return blankAnswer(source, { now: deps.clock.now(), stopReason });
}

function attemptDeps(request: ModelRequest, deps: Kept): AttemptDeps {
  return {
    clock: deps.clock,
    log: deps.log,
    library: deps.library,
    prepare: deps.prepare,
    fetch: deps.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    userAgent: `remoteagent/${deps.version}`,
    silenceMs: request.silenceMs ?? deps.silenceMs ?? limits.modelSilenceMs,
  };
}

/**
 * How long to wait before the next try, in milliseconds, or `undefined` when there is none: 2, 4, 8 s with a
 * quarter of jitter either way, or what the provider asks for up to the cap (MO-062).
 */
function waitFor(
  ending: Extract<Ending, { ok: false }>,
  options: { attempt: number; clock: Clock },
): number | undefined {
  const { failure, aborted, retryAfterMs } = ending;
  if (aborted || !failure.code.endsWith(".retryable") || options.attempt > limits.modelRetriesMax) return undefined;
  if (retryAfterMs !== undefined) return retryAfterMs > limits.modelRetryCapMs ? undefined : Math.ceil(retryAfterMs);
  const [high = 0, low = 0] = options.clock.random(2);
  const jitter = 0.75 + ((high * 256 + low) / 65_535) * 0.5;
  return Math.min(limits.modelRetryCapMs, Math.round(limits.modelRetryBaseMs * 2 ** (options.attempt - 1) * jitter));
}

function tooLong(ending: Extract<Ending, { ok: false }>): FailureData {
  const { failure, retryAfterMs } = ending;
  return retryAfterMs !== undefined && retryAfterMs > limits.modelRetryCapMs
    ? longWaitFailure(failure, retryAfterMs)
    : failure;
}

async function available(deps: Kept): Promise<ModelInfo[]> {
  const found: ModelInfo[] = [];
  for (const name of providerNames(deps)) {
    if (name === demoName.provider) found.push(demoInfo);
    else if (await isUsable(name, deps)) found.push(...(await listModels(name, deps)));
  }
  return found;
}

/** A key that cannot be read makes its provider unusable, not the others. */
async function isUsable(name: string, deps: ModelsDeps): Promise<boolean> {
  try {
    return await hasAccess(name, { settings: own(deps.settings.models, name), deps });
  } catch (error) {
    deps.log.warn("model provider is left out", { provider: name, error: errorText(error) });
    return false;
  }
}

async function fallback(deps: Kept): Promise<ModelName> {
  if (deps.settings.model !== undefined) return parseModelName(deps.settings.model);
  for (const [name, entry] of Object.entries(providers)) {
    const settings = own(deps.settings.models, name);
    const first = settings?.models?.[0] ?? entry.preferred;
    if (first !== undefined && (await isUsable(name, deps))) return { provider: name, name: first };
  }
  for (const [name, settings] of Object.entries(deps.settings.models ?? {})) {
    const first = settings.models?.[0];
    if (first !== undefined && own(providers, name) === undefined) return { provider: name, name: first };
  }
  return { ...demoName };
}
