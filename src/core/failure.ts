// What can happen: every expected failure has a code, one honest sentence, and where known the mend.

/** The closed list of failure classes. `provider.*` come from language models and coding agents (DECISIONS.md, Harnesses). */
export const failureCodes = [
  "provider.capacity.retryable",
  "provider.empty_response.retryable",
  "provider.network.retryable",
  "provider.timeout.final",
  "provider.auth.final",
  "provider.quota.final",
  "provider.context_overflow.final",
  "provider.bad_request.final",
  "provider.unknown.final",
  "turn.interrupted",
  "usage",
  "settings",
  "state",
  "store",
  "sandbox",
  "tool",
  "forbidden",
  "not-found",
  "not-running",
  "already-running",
  "internal",
] as const;
export type FailureCode = (typeof failureCodes)[number];

/** A failure as data: safe to store, to send and to show. `message` never holds raw provider text. */
export interface FailureData {
  code: FailureCode;
  /** One sentence, capital first, no full stop: `Cannot start sandbox "host": bubblewrap is missing`. */
  message: string;
  /** What the person can do about it, when known. */
  hint?: string;
}

/** An expected failure. `detail` (raw text, causes) is for the log alone. */
export class Failure extends Error implements FailureData {
  override name = "Failure";
  readonly code: FailureCode;
  readonly hint?: string;
  readonly detail?: string;
  constructor(code: FailureCode, message: string, options: { hint?: string; detail?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    if (options.hint !== undefined) this.hint = options.hint;
    if (options.detail !== undefined) this.detail = options.detail;
  }
}

/** Any thrown value as {@link FailureData}; what is not a {@link Failure} becomes `internal`. */
export function failureData(error: unknown): FailureData {
  if (error instanceof Failure) {
    return { code: error.code, message: error.message, ...(error.hint === undefined ? {} : { hint: error.hint }) };
  }
  return {
    code: "internal",
    message: "Something went wrong inside remoteagent",
    hint: "remoteagent logs shows the details",
  };
}

/** The message and hint of a failure as people read it, in one or two lines. */
export function failureText(failure: FailureData): string {
  return failure.hint === undefined ? failure.message : `${failure.message}\n${failure.hint}`;
}

/** Any thrown value's text, for a log line. */
export function errorText(error: unknown): string {
  if (error instanceof Failure && error.detail !== undefined) return `${error.message} (${error.detail})`;
  return error instanceof Error ? error.message : String(error);
}
