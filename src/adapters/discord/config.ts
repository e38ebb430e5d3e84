// What settings say of a Discord adapter; loaded with the settings, so nothing but the schema is imported.
import * as v from "valibot";
import { secretSchema } from "../../config/secret.ts";

/** An address without a question or a mark behind it. */
function addressSchema(protocols: RegExp, wanted: string) {
  return v.pipe(
    v.string(),
    v.check((url) => {
      const parsed = URL.parse(url);
      return parsed !== null && protocols.test(parsed.protocol) && parsed.search === "" && parsed.hash === "";
    }, `expected an ${wanted} address`),
  );
}

/** The keys of an adapter of type `discord` beside the common ones. */
export const discordSchema = v.strictObject({
  botToken: v.pipe(
    secretSchema,
    v.description("The bot's token from the developer portal (Bot, Reset Token): text, or where it is."),
  ),
  apiUrl: v.optional(
    v.pipe(
      addressSchema(/^https?:$/, "http:// or https://"),
      v.description("Address of Discord's API, without a version; another one for a proxy."),
    ),
    "https://discord.com/api",
  ),
  gatewayUrl: v.optional(
    v.pipe(
      addressSchema(/^wss?:$/, "ws:// or wss://"),
      v.description("Address of the gateway; without it the one that the API names."),
    ),
  ),
  guilds: v.optional(
    v.pipe(
      v.array(v.pipe(v.string(), v.regex(/^[1-9]\d{0,19}$/, "expected a server's id"))),
      v.maxLength(100),
      v.description("Servers that get the slash commands as their own, at once; without it they are global."),
    ),
  ),
});

/** Settings of a Discord adapter, checked. */
export type DiscordSettings = v.InferOutput<typeof discordSchema>;
