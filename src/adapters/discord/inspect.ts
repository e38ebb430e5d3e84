// Looks at a bot without opening the adapter: token, address, clock, the intent that it needs, and where it is.
import * as v from "valibot";
import { failureData } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import { ago } from "../../core/words.ts";
import type { InspectDeps, Inspection, Remark } from "../inspection.ts";
import { type Client, createClient } from "./client.ts";
import type { DiscordSettings } from "./config.ts";
import { isTokenRefused, reasonOf, retryAfterOf } from "./errors.ts";
import { inviteLink } from "./guide.ts";
import { snowflakeSchema } from "./snowflake.ts";

/** Flags of an application: docs.discord.com/developers/resources/application#application-object-application-flags. */
const messageContent = (1 << 18) | (1 << 19);

const applicationSchema = v.looseObject({
  id: snowflakeSchema,
  flags: v.fallback(v.number(), 0),
  bot_public: v.fallback(v.optional(v.boolean()), undefined),
});
const selfSchema = v.looseObject({ id: snowflakeSchema, username: v.pipe(v.string(), v.nonEmpty()) });
const guildsSchema = v.array(v.looseObject({ id: snowflakeSchema, name: v.fallback(v.string(), "") }));

/** The address of the API that is Discord's own. */
const publicUrl = "https://discord.com/api";
const portal = "https://discord.com/developers/applications";

/** Never throws for what it looks at. Nothing is changed, and no message is taken from the bot. */
export async function inspectDiscord(settings: DiscordSettings, deps: InspectDeps): Promise<Inspection> {
  const heard: { at?: number; date?: string | null } = {};
  const noting = async (...call: Parameters<typeof fetch>): Promise<Response> => {
    const response = await deps.fetch(...call);
    heard.at = deps.clock.now();
    heard.date = response.headers.get("date");
    return response;
  };
  // The runtime's own fetch has members beside the call, which nobody uses here.
  const client = createClient(settings, { ...deps, fetch: noting as typeof fetch });
  try {
    const self = v.parse(selfSchema, await client.call({ method: "GET", route: "/users/@me" }));
    const application = v.parse(applicationSchema, await client.call({ method: "GET", route: "/applications/@me" }));
    const remarks: Remark[] = [
      { about: "token", level: "ok", text: `The token is that of @${self.username}` },
      ...clockRemarks(heard),
      intentRemark(application.flags),
    ];
    const guilds = await guildsRemark(client, application.id);
    remarks.push(guilds);
    // A direct chat begins on the bot's profile, or by a server that one shares with it.
    return {
      self: { id: self.id, name: `@${self.username}`, link: () => `https://discord.com/users/${self.id}` },
      remarks,
      invitation: {
        text: "People write to it where they share a server with it: open this link, choose a server of yours, and authorize it",
        link: inviteLink(application.id),
        accepted: guilds.about !== "invitation",
      },
    };
  } catch (error) {
    return { remarks: [refused(error, { name: deps.name, settings }), ...clockRemarks(heard)] };
  } finally {
    client.close();
  }
}

/** Why the bot's own name could not be asked for. */
function refused(error: unknown, { name, settings }: { name: string; settings: DiscordSettings }): Remark {
  const { host } = new URL(settings.apiUrl);
  const own = settings.apiUrl !== publicUrl;
  if (failureData(error).code === "settings") {
    const { message, hint } = failureData(error);
    return { about: "token", level: "bad", text: message, ...(hint === undefined ? {} : { mend: hint }) };
  }
  if (isTokenRefused(error)) {
    const text = own
      ? `${host} does not know the bot token, or is no API of Discord's`
      : "Discord does not know the bot token: it was mistyped or reset";
    return {
      about: "token",
      level: "bad",
      text,
      mend: `Make a new one at ${portal}: the application, Bot, Reset Token`,
    };
  }
  const waitMs = retryAfterOf(error);
  if (waitMs !== undefined) {
    return {
      about: "reach",
      level: "bad",
      text: `Discord asks to wait ${Math.ceil(waitMs / 1000)} s`,
      mend: "Try again then",
    };
  }
  if (v.isValiError(error)) {
    return {
      about: "reach",
      level: "bad",
      text: `${host} does not answer as Discord's API does`,
      mend: `Is adapters.${name}.apiUrl the right address?`,
    };
  }
  return {
    about: "reach",
    level: "bad",
    text: `Cannot reach Discord at ${host}: ${reasonOf(error)}`,
    mend: own
      ? `Is that server running, and is adapters.${name}.apiUrl its address?`
      : "Check the network of this machine: curl https://discord.com/api/v10/gateway",
  };
}

/** Compared with the server's own clock, which is known to the second. */
function clockRemarks({ at, date }: { at?: number; date?: string | null }): Remark[] {
  const server = Date.parse(date ?? "");
  if (at === undefined || Number.isNaN(server)) return [];
  const driftMs = at - server;
  if (Math.abs(driftMs) <= limits.serverClockMs)
    return [{ about: "clock", level: "ok", text: "This machine's clock agrees with Discord's" }];
  const words = `${ago(Math.abs(driftMs), "")} ${driftMs > 0 ? "ahead of" : "behind"} Discord's`;
  return [
    {
      about: "clock",
      level: "warn",
      text: `This machine's clock is ${words}`,
      mend: "Set it: timedatectl set-ntp true",
    },
  ];
}

function intentRemark(flags: number): Remark {
  if ((flags & messageContent) !== 0)
    return { about: "groups", level: "ok", text: "The Message Content Intent is switched on" };
  return {
    about: "groups",
    level: "bad",
    text: "The Message Content Intent is switched off, so Discord lets the bot not connect",
    mend: `Switch it on at ${portal}: the application, Bot, Privileged Gateway Intents`,
  };
}

async function guildsRemark(client: Client, application: string): Promise<Remark> {
  const invite = inviteLink(application);
  try {
    const guilds = v.parse(
      guildsSchema,
      await client.call({ method: "GET", route: "/users/@me/guilds", query: { limit: "200" } }),
    );
    if (guilds.length === 0) {
      return {
        about: "invitation",
        level: "warn",
        text: "The bot is in no server, and people reach it through one they share",
        mend: `Invite it: ${invite}`,
      };
    }
    const some = guilds.slice(0, 3).map(({ name, id }) => name || id);
    const more = guilds.length > some.length ? ` and ${guilds.length - some.length} more` : "";
    return {
      about: "groups",
      level: "ok",
      text: `It is in ${some.join(", ")}${more}; another server lets it in at ${invite}`,
    };
  } catch (error) {
    return {
      about: "groups",
      level: "warn",
      text: `Cannot ask in which servers the bot is: ${reasonOf(error)}`,
      mend: "Try again",
    };
  }
}
