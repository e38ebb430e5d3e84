// What settings say of a Telegram adapter; loaded with the settings, so nothing but the schema is imported.
import * as v from "valibot";
import { secretSchema } from "../../config/secret.ts";

const apiRootSchema = v.pipe(
  v.string(),
  v.check((url) => {
    const parsed = URL.parse(url);
    return parsed !== null && /^https?:$/.test(parsed.protocol) && parsed.search === "" && parsed.hash === "";
  }, "expected an http:// or https:// address"),
);

/** The keys of an adapter of type `telegram` beside the common ones. */
export const telegramSchema = v.strictObject({
  botToken: v.pipe(secretSchema, v.description("The token that @BotFather gave: text, or where it is.")),
  apiRoot: v.optional(
    v.pipe(apiRootSchema, v.description("Address of the Bot API; another one for a server of your own.")),
    "https://api.telegram.org",
  ),
  groups: v.optional(
    v.pipe(
      v.union([v.picklist(["all", "none"]), v.array(v.string())], 'expected "all", "none" or a list of group ids'),
      v.description("Groups in which the bot listens."),
    ),
    "all",
  ),
});

/** Settings of a Telegram adapter, checked. */
export type TelegramSettings = v.InferOutput<typeof telegramSchema>;
