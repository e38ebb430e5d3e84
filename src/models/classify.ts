// Every failure of a model request as one class, one honest sentence and, where known, the mend.
import type { FailureData } from "../core/failure.ts";
import { keyHint } from "./credentials.ts";
import type { Evidence } from "./wire.ts";

/** What is known of a request that failed. */
export interface Wreck {
  /** `provider/name`, as people know it. */
  model: string;
  provider: string;
  /** The library's text: provider's words, never shown, only searched and logged. */
  text: string;
  /** The provider's own word for why it stopped, where it gave one. */
  stopped?: string;
  /** Something of the answer had arrived. */
  started: boolean;
  evidence: Evidence;
  /** The library's judgement of `text`. */
  overflow: boolean;
}

/** A class with its sentence; `retryAfterMs` is what the provider asked for. */
export interface Verdict {
  failure: FailureData;
  retryAfterMs?: number;
}

/** The classes that an answer of a provider, or its absence, can have. */
type Class =
  | "provider.capacity.retryable"
  | "provider.empty_response.retryable"
  | "provider.network.retryable"
  | "provider.auth.final"
  | "provider.quota.final"
  | "provider.context_overflow.final"
  | "provider.bad_request.final"
  | "provider.unknown.final";

const laterHint = "Try again in a few minutes, or choose another model with /model";
const refusals = /refus|sensitive|safety|content_?filter|blocklist|prohibited|spii|recitation/i;
const quotas =
  /insufficient_quota|quota|billing|credit balance|payment required|out of budget|spend(ing)? limit|usage ?limit|available balance/i;
const keys =
  /invalid_api_key|authentication_error|permission_error|api[ _]key not valid|no api key|unauthori[sz]ed|oauth/i;
const capacities =
  /overload|at capacity|high demand|rate.?limit|too many requests|resource.?exhausted|throttl|unavailable|server.?error|internal.?error|api_error/i;
const networks =
  /econn|enotfound|eai_again|epipe|etimedout|getaddrinfo|dns|network|socket|connect|fetch failed|terminated|reset|closed|timed? ?out|body from|ended (without|before)|premature|json/i;
/** How it reads when nobody was there; whatever else breaks, breaks on the way. */
const unreached =
  /refused|not ?found|getaddrinfo|eai_again|unable to connect|connection error|fetch failed|no route|unreachable/i;
const envelopes = /"(type|error|code)"\s*:/;

/** Judges a failure. Status and connection come first; words decide only where they are all there is. */
export function classify(wreck: Wreck): Verdict {
  const status = wreck.evidence.status ?? statusIn(wreck.text);
  const asked = wreck.evidence.retryAfterMs ?? waitIn(wreck.text);
  const code = classOf(wreck, status);
  const verdict: Verdict = { failure: sentence(code, { wreck, status }) };
  if (asked !== undefined && code.endsWith(".retryable")) verdict.retryAfterMs = asked;
  return verdict;
}

function classOf(wreck: Wreck, status: number | undefined): Class {
  const { text, evidence } = wreck;
  const throttled = status === 429 || status === 529;
  if (evidence.tooLong) return "provider.unknown.final";
  if (!throttled && (status === 413 || (wreck.overflow && !isBodyless(wreck))))
    return "provider.context_overflow.final";
  if (status === 402) return "provider.quota.final";
  // The same words are used for a limit per minute; then the provider says when to come back.
  const client = status === undefined || status === 200 || (status >= 400 && status < 500);
  if (client && quotas.test(text) && waitIn(text) === undefined) return "provider.quota.final";
  if (status === 401 || status === 403) return "provider.auth.final";
  if ((status === undefined || status === 400) && keys.test(text)) return "provider.auth.final";
  if (throttled) return "provider.capacity.retryable";
  if (status === 408 || status === 425) return "provider.network.retryable";
  if (status !== undefined && status >= 500) return "provider.capacity.retryable";
  if (status !== undefined && status >= 400) return "provider.bad_request.final";
  if (wreck.stopped !== undefined && refusals.test(wreck.stopped)) return "provider.bad_request.final";
  if (wreck.stopped !== undefined && /malformed/i.test(wreck.stopped)) return "provider.empty_response.retryable";
  if (evidence.broken) return "provider.network.retryable";
  if (capacities.test(text)) return "provider.capacity.retryable";
  // Headers came and then no whole answer: broken off or garbled, unless the provider said something else.
  if (status === 200 && !/^\s*\{/.test(text)) return "provider.network.retryable";
  if (networks.test(text) && !envelopes.test(text)) return "provider.network.retryable";
  return "provider.unknown.final";
}

/** A 400 without a body means an overflow at Cerebras only; elsewhere it says nothing. */
function isBodyless(wreck: Wreck): boolean {
  return wreck.provider !== "cerebras" && /^4\d\d\b.{0,20}\(no body\)/i.test(wreck.text);
}

/** A status that the text opens with (`429 {…}`, `Mistral API error (503): …`), for clients without evidence. */
function statusIn(text: string): number | undefined {
  const found =
    /^[^\d{]{0,40}\b([45]\d\d)\b/.exec(text)?.[1] ?? /"(?:code|status)"\s*:\s*"?([45]\d\d)\b/.exec(text)?.[1];
  return found === undefined ? undefined : Number(found);
}

/** Google writes the waiting time into the body: `"retryDelay": "13s"`, `Please retry in 13.5s`. */
function waitIn(text: string): number | undefined {
  const seconds = /"retryDelay\\?"\s*:\s*\\?"([\d.]+)s|retry in ([\d.]+) ?s/i.exec(text);
  const value = Number(seconds?.[1] ?? seconds?.[2] ?? Number.NaN);
  return Number.isFinite(value) ? value * 1000 : undefined;
}

function sentence(code: Class, from: { wreck: Wreck; status: number | undefined }): FailureData {
  const { wreck, status } = from;
  const http = status === undefined || status === 200 ? "" : ` (HTTP ${status})`;
  const say = (state: string, hint?: string): FailureData => ({
    code,
    message: `Cannot get an answer from "${wreck.model}": ${state}`,
    ...(hint === undefined ? {} : { hint }),
  });
  switch (code) {
    case "provider.context_overflow.final":
      return say("the conversation is too long for it", "/new starts a fresh session");
    case "provider.quota.final":
      return say(
        `the account's quota or credit is used up${http}`,
        "Check the plan at the provider, or choose another model with /model",
      );
    case "provider.auth.final":
      return say(`the provider does not accept the key${http}`, keyHint(wreck.provider));
    case "provider.capacity.retryable":
      return status === 429
        ? say("the provider takes no more requests for now (HTTP 429)", laterHint)
        : say(`the provider is overloaded or failing${http}`, laterHint);
    case "provider.network.retryable":
      return status === undefined && !wreck.started && unreached.test(wreck.text)
        ? say("the provider cannot be reached", "Check the network and the provider's address")
        : say("the connection broke before the answer was whole", laterHint);
    case "provider.empty_response.retryable":
      return say("it sent a tool call that cannot be read", laterHint);
    case "provider.bad_request.final":
      return badRequest(say, { wreck, status });
    case "provider.unknown.final":
      return say(
        wreck.evidence.tooLong ? "the answer does not end" : `the provider reported an error${http}`,
        "remoteagent logs shows what it said",
      );
  }
}

function badRequest(
  say: (state: string, hint?: string) => FailureData,
  from: { wreck: Wreck; status: number | undefined },
): FailureData {
  if (from.status === 404) {
    return say("the provider does not know this model or address (HTTP 404)", "/model shows what can be chosen");
  }
  if (from.status === undefined || from.status === 200) return say("it declined to answer this request");
  return say(`the provider did not accept the request (HTTP ${from.status})`, "remoteagent logs shows what it said");
}

/** The provider answered, but with nothing that could be shown or done. */
export function emptyFailure(model: string): FailureData {
  return {
    code: "provider.empty_response.retryable",
    message: `Cannot get an answer from "${model}": it sent an empty reply`,
    hint: laterHint,
  };
}

/** The model called a tool with arguments that are no JSON. */
export function garbledFailure(model: string): FailureData {
  return {
    code: "provider.empty_response.retryable",
    message: `Cannot get an answer from "${model}": it sent a tool call that cannot be read`,
    hint: laterHint,
  };
}

/** The output limit was reached before there was anything to show; asking again would end the same way. */
export function cutFailure(model: string, outputMax: number): FailureData {
  return {
    code: "provider.unknown.final",
    message: `Cannot get an answer from "${model}": its ${outputMax} output tokens were used up before it answered`,
    hint: "Ask for less at once, or choose a lower thinking level with /model",
  };
}

/** Nothing came for the time that the limit allows. */
export function silenceFailure(model: string, silenceMs: number): FailureData {
  const seconds = Math.round(silenceMs / 100) / 10;
  return {
    code: "provider.timeout.final",
    message: `Cannot get an answer from "${model}": it sent nothing for ${seconds} s, the limit`,
    hint: laterHint,
  };
}

/** Stopped by a person or by shutdown. */
export function abortFailure(model: string): FailureData {
  return { code: "turn.interrupted", message: `Stopped the request to "${model}"` };
}

/** The provider asks for a longer wait than we wait without asking. */
export function longWaitFailure(failure: FailureData, waitMs: number): FailureData {
  const seconds = Math.ceil(waitMs / 1000);
  const wait = seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`;
  return { ...failure, hint: `The provider asks to wait ${wait}; another model can be chosen with /model` };
}
