// Calls to Discord's API: the library counts its limits by route, and what is limited is thrown back, never queued.
import { type RawFile, REST, RequestMethod } from "@discordjs/rest";
import { Failure } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import type { AdapterDeps } from "../adapter.ts";
import type { DiscordSettings } from "./config.ts";
import { createTransport } from "./transport.ts";

/** One call. `route` begins with a slash and has no version. */
export interface Call {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  route: `/${string}`;
  query?: Record<string, string>;
  body?: unknown;
  files?: RawFile[];
  /** False for routes that bear a token of their own. */
  auth?: boolean;
}

export type Client = ReturnType<typeof createClient>;

const methods = {
  GET: RequestMethod.Get,
  POST: RequestMethod.Post,
  PUT: RequestMethod.Put,
  PATCH: RequestMethod.Patch,
  DELETE: RequestMethod.Delete,
} as const;

/** The client of one bot. */
export function createClient(
  settings: Pick<DiscordSettings, "botToken" | "apiUrl">,
  deps: Pick<AdapterDeps, "name" | "secret" | "fetch" | "clock"> & { routeMs?: number },
) {
  const { routeMs = limits.discordRouteMs } = deps;
  const transport = createTransport(deps);
  const rest = new REST({
    api: settings.apiUrl.replace(/\/+$/, ""),
    version: "10",
    // A send of unknown fate is repeated by nobody but who knows what became of it.
    retries: 0,
    // One channel's limit must not hold up another's calls, nor the same one's beyond what its caller waits for.
    rejectOnRateLimit: () => true,
    timeout: limits.platformUploadMs + limits.platformCallMs,
    // Each interaction has routes of its own, which the library would keep for a day.
    hashLifetime: routeMs,
    hashSweepInterval: routeMs,
    handlerSweepInterval: routeMs,
    makeRequest: transport as unknown as NonNullable<ConstructorParameters<typeof REST>[0]>["makeRequest"] & object,
  });
  const tokenNow = (): string => {
    const token = deps.secret(settings.botToken).trim().replace(/^Bot /, "");
    // It becomes a part of headers.
    if (!/^[\w.+/=-]{1,400}$/.test(token)) {
      throw new Failure(
        "settings",
        `Cannot use the bot token of ${JSON.stringify(deps.name)}: it has not the form of one`,
        {
          hint: "The developer portal shows it under Bot, Reset Token",
        },
      );
    }
    return token;
  };
  return {
    host: new URL(settings.apiUrl).host,
    /** The token as settings hold it now. @throws Failure `settings` when it is not there or is none. */
    token: tokenNow,
    /** Makes one call. @returns the JSON of the answer, undefined when there is none. @throws what errors.ts reads. */
    async call({ method, route, query, auth = true, body, files }: Call): Promise<unknown> {
      // The library forgets the token after a refusal, and it may be another one by now.
      if (auth) rest.setToken(tokenNow());
      const answer = await rest.request({
        method: methods[method],
        fullRoute: route,
        auth,
        ...(query === undefined ? {} : { query: new URLSearchParams(query) }),
        ...(body === undefined ? {} : { body }),
        ...(files === undefined ? {} : { files }),
      });
      return answer instanceof ArrayBuffer ? undefined : answer;
    },
    close() {
      rest.clearHandlerSweeper();
      rest.clearHashSweeper();
    },
  };
}
