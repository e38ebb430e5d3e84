// What settings say of a Slack adapter; loaded with the settings, so nothing but the schema is imported.
import * as v from "valibot";
import { secretSchema } from "../../config/secret.ts";

const apiUrlSchema = v.pipe(
  v.string(),
  v.check((url) => {
    const parsed = URL.parse(url);
    return parsed !== null && /^https?:$/.test(parsed.protocol) && parsed.search === "" && parsed.hash === "";
  }, "expected an http:// or https:// address"),
);

/** The keys of an adapter of type `slack` beside the common ones. */
export const slackSchema = v.strictObject({
  botToken: v.pipe(
    secretSchema,
    v.description("The Bot User OAuth Token of the installed app (xoxb-…): text, or where it is."),
  ),
  appToken: v.pipe(
    secretSchema,
    v.description("The app-level token with the scope connections:write (xapp-…): text, or where it is."),
  ),
  apiUrl: v.optional(
    v.pipe(apiUrlSchema, v.description("Address of the Web API; another one for a server of your own.")),
    "https://slack.com/api/",
  ),
});

/** Settings of a Slack adapter, checked. */
export type SlackSettings = v.InferOutput<typeof slackSchema>;
