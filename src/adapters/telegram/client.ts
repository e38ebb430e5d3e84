// The client library with our transport, made anew when the token in settings is another one.
import { Api, type ApiClientOptions } from "grammy";
import { Failure } from "../../core/failure.ts";
import type { AdapterDeps } from "../adapter.ts";
import type { TelegramSettings } from "./config.ts";
import { createTransport } from "./transport.ts";

/** A signal as the library's types want it; they are of a package that stands for the runtime's own. */
export function librarySignal(signal: AbortSignal): NonNullable<Parameters<Api["getMe"]>[0]> {
  return signal as unknown as NonNullable<Parameters<Api["getMe"]>[0]>;
}

/** @throws (each member) Failure `settings` when the token is not there or is none. */
export function createClient(
  { botToken }: Pick<TelegramSettings, "botToken">,
  { deps, apiRoot }: { deps: Pick<AdapterDeps, "name" | "secret" | "fetch" | "clock">; apiRoot: string },
) {
  const transport = createTransport(deps);
  let made: { token: string; api: Api } | undefined;

  const fresh = (): { token: string; api: Api } => {
    const token = deps.secret(botToken).trim();
    if (token === made?.token) return made;
    // It becomes a part of addresses.
    if (!/^\d{1,20}:[\w-]{1,200}$/.test(token)) {
      throw new Failure(
        "settings",
        `Cannot use the bot token of ${JSON.stringify(deps.name)}: it has not the form of one`,
        {
          hint: "@BotFather gives it as digits, a colon, and letters",
        },
      );
    }
    // The library's type is that of another fetch; of ours it calls no more than this.
    const fetch = transport as unknown as NonNullable<ApiClientOptions["fetch"]>;
    made = { token, api: new Api(token, { apiRoot, fetch }) };
    return made;
  };
  const current = () => made ?? fresh();
  return {
    /** The client with the token as it is in settings now. */
    fresh: () => fresh().api,
    api: () => current().api,
    token: () => current().token,
  };
}
