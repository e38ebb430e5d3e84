// One request to one model: the library's stream as our events, watched for stop and silence.
import type {
  Context,
  AssistantMessage as LibraryMessage,
  AssistantMessageEventStream as LibraryStream,
} from "@earendil-works/pi-ai";
import { errorText } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import type { AssistantMessage, Json } from "../core/transcript.ts";
import type { Clock } from "../sys/clock.ts";
import type { Log } from "../sys/log.ts";
import { blankAnswer } from "./blank.ts";
import type { Access } from "./credentials.ts";
import { type Ending, judge } from "./ending.ts";
import type { Library } from "./library.ts";
import type { ModelEvent, ModelRequest } from "./model.ts";
import type { Preparation } from "./preparation.ts";
import { mapLevel, type Route } from "./routes.ts";
import { Watch } from "./watch.ts";
import { type Evidence, watchedFetch } from "./wire.ts";

export interface AttemptDeps {
  clock: Clock;
  log: Log;
  library: Pick<Library, "tools">;
  prepare: Preparation;
  fetch: (input: string | URL | Request, init?: RequestInit) => Promise<Response>;
  userAgent: string;
  /** No sign of life for this long ends the request, in milliseconds. */
  silenceMs: number;
}

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
  const watch = new Watch(request.signal, options.deps);
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
  const { normalizeContext } = await deps.library.tools();
  const level = mapLevel(route.info.levels, request.model.level ?? "off");
  const context: Context = {
    systemPrompt: request.system,
    messages: deps.prepare(request.messages, {
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

function blankFor(options: { route: Route; deps: AttemptDeps }): AssistantMessage {
  const { api, provider, id } = options.route.model;
  return blankAnswer({ api, provider, model: id }, { now: options.deps.clock.now(), stopReason: "pending" });
}
