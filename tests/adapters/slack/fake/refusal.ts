// How the fake Slack says no: `ok: false`, the error's code, and what the real platform adds to it.

/** A refusal. Codes follow the error tables of docs.slack.dev/reference/methods. */
export class Refusal extends Error {
  readonly code: string;
  /** Further fields of the answer. */
  readonly extra: Record<string, unknown>;
  readonly status: number;
  readonly headers: Record<string, string>;

  constructor(
    code: string,
    {
      extra = {},
      status = 200,
      headers = {},
    }: { extra?: Record<string, unknown>; status?: number; headers?: Record<string, string> } = {},
  ) {
    super(code);
    this.code = code;
    this.extra = extra;
    this.status = status;
    this.headers = headers;
  }
}

/** A refusal that lists what is wrong, as `invalid_arguments` and `invalid_blocks` do in `response_metadata`. */
export function refused(code: string, messages: string[]): Refusal {
  return new Refusal(code, { extra: { response_metadata: { messages: messages.map((one) => `[ERROR] ${one}`) } } });
}

/** docs.slack.dev/apis/web-api/rate-limits: status 429 with `Retry-After` in whole seconds. */
export function limited(retryAfterS: number): Refusal {
  return new Refusal("ratelimited", { status: 429, headers: { "retry-after": String(retryAfterS) } });
}
