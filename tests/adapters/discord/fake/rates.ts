// Rate limits of the fake REST API: buckets with the real headers, the global limit, and the bound on invalid requests.
import type { Clock } from "../../../../src/sys/clock.ts";

/** Requests within a time. The global one and the invalid ones are documented; routes tell theirs in headers only. */
interface Limit {
  count: number;
  ms: number;
}

/** 50 a second for each bot: docs.discord.com/developers/topics/rate-limits#global-rate-limit. */
const globalLimit: Limit = { count: 50, ms: 1000 };
/** 401, 403 and 429 in ten minutes: topics/rate-limits#invalid-request-limit-aka-cloudflare-bans. */
const invalidLimit: Limit = { count: 10_000, ms: 10 * 60_000 };

/** What the real API's headers have said in reports; routes of one name share a bucket. */
const buckets: { name: string; routes: RegExp; limit: Limit }[] = [
  { name: "create", routes: /^POST \/channels\/:id\/messages$/, limit: { count: 5, ms: 5000 } },
  { name: "edit", routes: /^PATCH \/channels\/:id\/messages\/:id$/, limit: { count: 5, ms: 5000 } },
  { name: "delete", routes: /^DELETE \/channels\/:id\/messages\/:id$/, limit: { count: 5, ms: 1000 } },
  { name: "react", routes: /\/reactions\//, limit: { count: 1, ms: 250 } },
  { name: "typing", routes: /\/typing$/, limit: { count: 5, ms: 5000 } },
  { name: "threads", routes: /\/threads$/, limit: { count: 50, ms: 300_000 } },
  { name: "direct", routes: /^POST \/users\/@me\/channels$/, limit: { count: 10, ms: 10_000 } },
  { name: "webhook", routes: /\/webhooks\//, limit: { count: 5, ms: 2000 } },
  { name: "commands", routes: /^PUT \/applications\//, limit: { count: 5, ms: 20_000 } },
];
const otherwise: Limit = { count: 50, ms: 1000 };

/** A refusal with the headers and the body that it has. */
export interface Limited {
  status: 429;
  headers: Record<string, string>;
  body: { message: string; retry_after: number; global: boolean };
}

export interface Rates {
  /** Counts a request. Gives the headers for its answer, or the refusal. */
  take(asked: { route: string; major: string; bot: string; token: boolean }): Limited | Record<string, string>;
  /** Counts an answer that was 401, 403 or 429. */
  invalid(bot: string): void;
  /** Seconds for which Cloudflare answers in place of Discord; 0 for none. */
  bannedS(bot: string): number;
  /** Invalid requests of the last ten minutes. */
  invalids(bot: string): number;
}

export function isLimited(taken: Limited | Record<string, string>): taken is Limited {
  return taken.status === 429;
}

export function createRates(clock: Pick<Clock, "now">): Rates {
  const windows = new Map<string, { until: number; used: number }>();
  const wrong = new Map<string, { until: number; used: number }>();
  const use = (kept: typeof windows, { key, limit }: { key: string; limit: Limit }) => {
    const now = clock.now();
    const known = kept.get(key);
    const window = known !== undefined && known.until > now ? known : { until: now + limit.ms, used: 0 };
    kept.set(key, window);
    window.used += 1;
    return { window, over: window.used > limit.count, waitMs: window.until - now };
  };
  return {
    take({ route, major, bot, token }) {
      // Interactions are not bound to the global limit, as they have no bot's token.
      if (token) {
        const { over, waitMs } = use(windows, { key: `global ${bot}`, limit: globalLimit });
        if (over) return refusal({ waitMs, scope: "global" });
      }
      if (route.endsWith("/callback")) return {};
      const bucket = buckets.find(({ routes }) => routes.test(route));
      const limit = bucket?.limit ?? otherwise;
      const name = bucket?.name ?? route;
      const { window, over, waitMs } = use(windows, { key: `${name} ${major} ${bot}`, limit });
      const headers = {
        "x-ratelimit-limit": String(limit.count),
        "x-ratelimit-remaining": String(Math.max(0, limit.count - window.used)),
        "x-ratelimit-reset": (window.until / 1000).toFixed(3),
        "x-ratelimit-reset-after": (waitMs / 1000).toFixed(3),
        "x-ratelimit-bucket": hash(name),
      };
      return over ? refusal({ waitMs, scope: "user", headers }) : headers;
    },
    invalid(bot) {
      use(wrong, { key: bot, limit: invalidLimit });
    },
    bannedS(bot) {
      const window = wrong.get(bot);
      const left = window === undefined ? 0 : window.until - clock.now();
      return window !== undefined && left > 0 && window.used >= invalidLimit.count ? Math.ceil(left / 1000) : 0;
    },
    invalids(bot) {
      const window = wrong.get(bot);
      return window !== undefined && window.until > clock.now() ? window.used : 0;
    },
  };
}

/** A 429: `retry_after` in seconds in the body, the header in whole seconds. */
export function refusal({
  waitMs,
  scope,
  headers = {},
}: {
  waitMs: number;
  scope: "user" | "shared" | "global";
  headers?: Record<string, string>;
}): Limited {
  const global = scope === "global";
  return {
    status: 429,
    headers: {
      ...headers,
      "retry-after": String(Math.max(1, Math.ceil(waitMs / 1000))),
      "x-ratelimit-scope": scope,
      ...(global ? { "x-ratelimit-global": "true" } : {}),
    },
    body: { message: "You are being rate limited.", retry_after: Math.max(0.001, waitMs / 1000), global },
  };
}

function hash(name: string): string {
  let sum = 0x811c9dc5;
  for (const char of name) sum = Math.imul(sum ^ (char.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return sum.toString(16).padStart(8, "0").repeat(4);
}
