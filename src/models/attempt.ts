// One request to one model: the library's stream as our events, watched for stop and silence.
import type {
  Context,
  AssistantMessage as LibraryMessage,
  AssistantMessageEventStream as LibraryStream,
} from "@earendil-works/pi-ai";
import { errorText, type FailureData } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import { formatModelName } from "../core/model-name.ts";
import type { AssistantMessage, Json } from "../core/transcript.ts";
import type { Clock } from "../sys/clock.ts";
import type { Log } from "../sys/log.ts";
import { blankAnswer } from "./blank.ts";
import { abortFailure, classify, cutFailure, emptyFailure, garbledFailure, silenceFailure } from "./classify.ts";
import type { Access } from "./credentials.ts";
import type { ModelEvent, ModelRequest } from "./model.ts";
import { prepareTranscript } from "./prepare.ts";
import { mapLevel, type Route } from "./routes.ts";
import { type Evidence, watchedFetch } from "./wire.ts";

export interface AttemptDeps {
  clock: Clock;
  log: Log;
  fetch: (input: string | URL | Request, init?: RequestInit) => Promise<Response>;
  userAgent: string;
  /** No sign of life for this long ends the request, in milliseconds. */
  silenceMs: number;
}

/** How one request ended. `retryAfterMs` is what the provider asked for. */
export type Ending =
  | { ok: true; message: AssistantMessage }
  | { ok: false; message: AssistantMessage; failure: FailureData; aborted: boolean; retryAfterMs?: number };

/** Thinking budgets in tokens, for models that take a number (MO-065). */
const thinkingBudgets = { minimal: 1_024, low: 4_096, medium: 10_240, high: 32_768 };

/** Clients without `fetch` of ours; theirs is watched by its events alone. */
const closedApis = new Set(["google-generative-ai", "google-vertex", "bedrock-converse-stream"]);

type Delta = Extract<ModelEvent, { type: "text" | "thinking" | "call" }>;

/** Asks once. Yields what streams in; never throws; ends at once when `request.signal` aborts. */
export async function* ask(
  request: ModelRequest,
  options: { route: Route; access: Access; deps: AttemptDeps },
): AsyncGenerator<Delta, Ending> {
  const evidence: Evidence = { broken: false, tooLong: false };
  const watch = new Watch(request, options);
  let stream: LibraryStream | undefined;
  let partial: LibraryMessage = blankFor(options);
  const raw = new Map<number, string>();
  try {
    stream = await open(request, { ...options, evidence, watch });
    watch.attach(stream, () => partial);
    for await (const event of stream) {
      watch.alive();
      if (event.type === "done") partial = event.message;
      else if (event.type === "error") partial = event.error;
      else partial = event.partial;
      if (event.type === "text_delta" && event.delta !== "") yield { type: "text", delta: event.delta };
      if (event.type === "thinking_delta" && event.delta !== "") yield { type: "thinking", delta: event.delta };
      if (event.type === "toolcall_delta") {
        raw.set(event.contentIndex, (raw.get(event.contentIndex) ?? "") + event.delta);
      }
      if (event.type === "toolcall_start") {
        const part = event.partial.content[event.contentIndex];
        yield { type: "call", name: part?.type === "toolCall" ? part.name : "" };
      }
    }
  } catch (error) {
    partial = { ...partial, stopReason: "error", errorMessage: errorText(error) };
  } finally {
    watch.end();
  }
  return judge(request, { ...options, evidence, partial, raw, ended: watch.ended });
}

async function open(
  request: ModelRequest,
  from: { route: Route; access: Access; deps: AttemptDeps; evidence: Evidence; watch: Watch },
): Promise<LibraryStream> {
  const { route, access, deps, watch } = from;
  const { normalizeContext } = await import("@earendil-works/pi-ai/utils/transcript");
  const level = mapLevel(route.info.levels, request.model.level ?? "off");
  const context: Context = {
    systemPrompt: request.system,
    messages: prepareTranscript(request.messages, {
      api: route.model.api,
      provider: route.model.provider,
      model: route.model.id,
      images: route.info.images,
      imageBytesMax: limits.imageBytesMax,
    }),
    tools: request.tools.map(({ name, description, parameters }) => ({
      name,
      description,
      parameters: schemaOf(parameters),
    })),
  };
  const fetch = watchedFetch({
    fetch: deps.fetch,
    evidence: from.evidence,
    userAgent: deps.userAgent,
    keyless: access.keyless,
    bytesMax: limits.modelAnswerBytesMax,
    now: () => deps.clock.now(),
    onBytes: () => watch.alive(),
  });
  const model = access.baseUrl === undefined ? route.model : { ...route.model, baseUrl: access.baseUrl };
  return route.stream(model, normalizeContext(context), {
    apiKey: access.apiKey,
    headers: { ...access.headers, "User-Agent": deps.userAgent },
    env: access.env,
    ...(closedApis.has(route.model.api) ? {} : { fetch: Object.assign(fetch, { preconnect: () => {} }) }),
    signal: watch.signal,
    sessionId: request.cacheKey,
    cacheRetention: "short",
    maxTokens: Math.min(request.outputMax ?? route.info.outputMax, route.info.outputMax),
    ...(level === "off" ? {} : { reasoning: level, thinkingBudgets }),
    maxRetries: 0,
    // Silence is watched here; the clients' own clock only must not be shorter.
    timeoutMs: deps.silenceMs * 2,
  });
}

/** Tool parameters are JSON Schema objects; the library sends them as they are. */
function schemaOf(parameters: Json): object {
  return typeof parameters === "object" && parameters !== null ? parameters : { type: "object", properties: {} };
}

/** Ends the library's stream when the person stops or the provider falls silent. */
class Watch {
  ended: "aborted" | "silent" | undefined;
  readonly #abort = new AbortController();
  readonly #over = new AbortController();
  readonly #outer: AbortSignal;
  readonly #deps: AttemptDeps;
  readonly #onAbort = () => this.#stop("aborted");
  #aliveAt: number;
  #finish: (() => void) | undefined;

  constructor(request: ModelRequest, options: { deps: AttemptDeps }) {
    this.#outer = request.signal;
    this.#deps = options.deps;
    this.#aliveAt = this.#deps.clock.monotonic();
    this.#outer.addEventListener("abort", this.#onAbort, { once: true });
    if (this.#outer.aborted) this.#onAbort();
    void this.#guardSilence();
  }

  /** Aborted together with the request. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  alive(): void {
    this.#aliveAt = this.#deps.clock.monotonic();
  }

  /** From now on a stop ends `stream` itself: clients may take their time to notice the signal. */
  attach(stream: LibraryStream, partial: () => LibraryMessage): void {
    this.#finish = () => stream.push({ type: "error", reason: "aborted", error: structuredClone(partial()) });
    if (this.ended !== undefined) this.#finish();
  }

  end(): void {
    this.#outer.removeEventListener("abort", this.#onAbort);
    this.#over.abort();
    // Whoever stops reading half-way must not leave the connection open.
    this.#abort.abort();
  }

  #stop(why: "aborted" | "silent"): void {
    if (this.ended !== undefined || this.#over.signal.aborted) return;
    this.ended = why;
    this.#finish?.();
    this.#abort.abort();
  }

  async #guardSilence(): Promise<void> {
    while (this.ended === undefined && !this.#over.signal.aborted) {
      const left = this.#deps.silenceMs - (this.#deps.clock.monotonic() - this.#aliveAt);
      if (left <= 0) return this.#stop("silent");
      await this.#deps.clock.sleep(left, this.#over.signal);
    }
  }
}

interface Remains {
  route: Route;
  deps: AttemptDeps;
  evidence: Evidence;
  partial: LibraryMessage;
  raw: ReadonlyMap<number, string>;
  ended: Watch["ended"];
}

async function judge(request: ModelRequest, from: Remains): Promise<Ending> {
  const { route, deps, partial, ended } = from;
  const model = formatModelName({ provider: request.model.provider, name: request.model.name });
  if (ended === "aborted" || request.signal.aborted) return lost(from, abortFailure(model), "aborted");
  if (ended === "silent") return lost(from, silenceFailure(model, deps.silenceMs));
  const { isContextOverflow } = await import("@earendil-works/pi-ai/utils/overflow");
  if (["error", "aborted", "pending", "deferred"].includes(partial.stopReason)) {
    const text = partial.errorMessage ?? "";
    const overflow = isContextOverflow({ ...partial, stopReason: "error" });
    const { evidence } = from;
    const started = partial.content.length > 0;
    const { provider } = route.info;
    const wreck = { model, provider, text, stopped: partial.rawStopReason, started, evidence, overflow };
    const { failure, retryAfterMs } = classify(wreck);
    const fields = { code: failure.code, status: evidence.status, broken: evidence.broken, text };
    deps.log.warn("model request failed", { model, ...fields });
    return lost(from, failure, "error", retryAfterMs);
  }
  const broken = await brokenCalls(from);
  const message = ours(partial, deps);
  message.content = message.content.filter((_, index) => !broken.has(index));
  const useful = message.content.some((part) => part.type === "toolCall" || (part.type === "text" && part.text.trim()));
  if (broken.size > 0)
    deps.log.warn("model wrote unreadable tool arguments", { model, arguments: [...broken.values()] });
  if (broken.size > 0 && message.stopReason !== "length") return lost(from, garbledFailure(model));
  if (useful) return { ok: true, message };
  const full = route.windowKnown && isContextOverflow(partial, route.info.contextWindow);
  if (full)
    return lost(
      from,
      classify({ model, provider: "", text: "", started: false, evidence: from.evidence, overflow: true }).failure,
    );
  if (message.stopReason === "length") return lost(from, cutFailure(model, partial.usage.output));
  return lost(from, emptyFailure(model));
}

/** Calls whose arguments are no JSON object: the library would guess what was meant, and guesses are not run. */
async function brokenCalls(from: Remains): Promise<Map<number, string>> {
  const { parseJsonWithRepair } = await import("@earendil-works/pi-ai/utils/json-parse");
  const broken = new Map<number, string>();
  for (const [index, text] of from.raw) {
    if (from.partial.content[index]?.type !== "toolCall" || text.trim() === "") continue;
    try {
      const value: unknown = parseJsonWithRepair(text);
      if (typeof value !== "object" || value === null || Array.isArray(value)) broken.set(index, text);
    } catch (error) {
      broken.set(index, `${text} (${errorText(error)})`);
    }
  }
  return broken;
}

function lost(
  from: Remains,
  failure: FailureData,
  stopReason: "aborted" | "error" = "error",
  retryAfterMs?: number,
): Ending {
  const message = { ...ours(from.partial, from.deps), stopReason, errorMessage: failure.message };
  const wait = retryAfterMs === undefined ? {} : { retryAfterMs };
  return { ok: false, message, failure, aborted: stopReason === "aborted", ...wait };
}

/** The library's message as we store it: a copy, with our time and without the provider's raw words. */
function ours(message: LibraryMessage, deps: AttemptDeps): AssistantMessage {
  const {
    diagnostics: _notes,
    errorMessage: _raw,
    deferred: _handle,
    rawStopReason: _word,
    endTurn: _end,
    ...kept
  } = structuredClone(message);
  return { ...kept, content: kept.content.map(plainPart), timestamp: deps.clock.now() };
}

/** Only what we store: a part that broke off still carries what the library keeps beside it while it grows. */
function plainPart(part: LibraryMessage["content"][number]): AssistantMessage["content"][number] {
  const { type } = part;
  if (type === "text") return defined({ type, text: part.text, textSignature: part.textSignature });
  if (type === "toolCall") {
    const { id, name, thoughtSignature, namespace } = part;
    return defined({ type, id, name, arguments: part.arguments, thoughtSignature, namespace });
  }
  return defined({
    type,
    thinking: part.thinking,
    thinkingSignature: part.thinkingSignature,
    redacted: part.redacted,
  });
}

/** Without the properties that are undefined: stored and sent forms are then the same. */
function defined<Value extends object>(value: Value): Value {
  for (const name of Object.keys(value)) {
    if (Reflect.get(value, name) === undefined) Reflect.deleteProperty(value, name);
  }
  return value;
}

function blankFor(options: { route: Route; deps: AttemptDeps }): AssistantMessage {
  const { api, provider, id } = options.route.model;
  return blankAnswer({ api, provider, model: id }, { now: options.deps.clock.now(), stopReason: "pending" });
}
