// Looks at an app without opening the adapter: both tokens, the scopes, the clock, Socket Mode.
import * as v from "valibot";
import { Failure, failureData } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import { ago } from "../../core/words.ts";
import type { InspectDeps, Inspection, Remark } from "../inspection.ts";
import { NetworkError } from "../network.ts";
import { type Client, createClients, SlackRefusal } from "./client.ts";
import type { SlackSettings } from "./config.ts";
import { isTokenRefused, reasonOf, retryAfterOf } from "./errors.ts";
import type { Self } from "./inbound.ts";
import { appScope, botScopes } from "./scopes.ts";
import { selfOf } from "./self.ts";

/** Never throws for what it looks at. Nothing is changed, no socket is opened, and no message is taken from the app. */
export async function inspectSlack(settings: SlackSettings, deps: InspectDeps): Promise<Inspection> {
  const heard: { at?: number; date?: string | null; scopes?: readonly string[] } = {};
  const noting = async (...call: Parameters<typeof fetch>): Promise<Response> => {
    const response = await deps.fetch(...call);
    heard.at = deps.clock.now();
    heard.date = response.headers.get("date");
    return response;
  };
  const { bot, app } = createClients(settings, {
    ...deps,
    // The runtime's own fetch has members beside the call, which nobody uses here.
    fetch: noting as typeof fetch,
    onAnswer({ scopes }) {
      if (scopes !== undefined && scopes.length > 0) heard.scopes ??= scopes;
    },
  });
  // The app's own token alone says nothing of the bot.
  if (deps.only === "appToken")
    return { remarks: [...(await appRemarks({ bot, app }, { settings, deps })), ...clockRemarks(heard)] };
  let self: Self;
  try {
    self = selfOf(await bot.call("auth.test"));
  } catch (error) {
    return { remarks: [refused(error, { settings, deps, of: "botToken" }), ...clockRemarks(heard)] };
  }
  const remarks: Remark[] = [
    { about: "token", level: "ok", text: `The bot token is that of @${self.name}` },
    ...clockRemarks(heard),
    ...scopeRemarks(heard.scopes),
    ...(deps.only === undefined ? await appRemarks({ bot, app }, { settings, deps }) : []),
  ];
  const link = () => `https://slack.com/app_redirect?team=${self.team}&channel=${self.user}`;
  return { self: { id: self.user, name: `@${self.name}`, link }, remarks };
}

/** Why a token could not be used. */
function refused(
  error: unknown,
  { settings, deps, of }: { settings: SlackSettings; deps: InspectDeps; of: "botToken" | "appToken" },
): Remark {
  const { host } = new URL(settings.apiUrl);
  const place = `adapters.${deps.name}.${of}`;
  const page = of === "botToken" ? "OAuth & Permissions" : "Basic Information, App-Level Tokens";
  if (isTokenRefused(error)) {
    const text = `${host} does not take ${place} (${reasonOf(error)}): it was mistyped, revoked, or the app was removed`;
    return {
      about: "token",
      level: "bad",
      token: of,
      text,
      mend: `Look at api.slack.com/apps, ${page}; install the app again if it is gone`,
    };
  }
  const waitMs = retryAfterOf(error);
  if (waitMs !== undefined) {
    return {
      about: "reach",
      level: "bad",
      text: `Slack asks to wait ${Math.ceil(waitMs / 1000)} s`,
      mend: "Try again then",
    };
  }
  const { code, message, hint } = failureData(error);
  if (code === "settings") {
    return { about: "token", level: "bad", token: of, text: message, ...(hint === undefined ? {} : { mend: hint }) };
  }
  const text = `Cannot reach Slack at ${host}: ${reasonOf(error)}`;
  return {
    about: "reach",
    level: "bad",
    text,
    mend: `Check the network of this machine: curl ${settings.apiUrl}api.test`,
  };
}

/** Compared with the server's own clock, which is known to the second. */
function clockRemarks({ at, date }: { at?: number; date?: string | null }): Remark[] {
  const server = Date.parse(date ?? "");
  if (at === undefined || Number.isNaN(server)) return [];
  const driftMs = at - server;
  if (Math.abs(driftMs) <= limits.serverClockMs) {
    return [{ about: "clock", level: "ok", text: "This machine's clock agrees with Slack's" }];
  }
  const words = `${ago(Math.abs(driftMs), "")} ${driftMs > 0 ? "ahead of" : "behind"} Slack's`;
  return [
    {
      about: "clock",
      level: "warn",
      text: `This machine's clock is ${words}`,
      mend: "Set it: timedatectl set-ntp true",
    },
  ];
}

function scopeRemarks(scopes: readonly string[] | undefined): Remark[] {
  if (scopes === undefined) return [];
  const missing = Object.entries(botScopes).filter(([scope]) => !scopes.includes(scope));
  if (missing.length === 0) return [{ about: "reach", level: "ok", text: "The app has every scope that it needs" }];
  const named = missing.map(([scope, use]) => `${scope} (${use})`).join(", ");
  const mend =
    "Paste what remoteagent setup --slack-manifest prints at api.slack.com/apps, App Manifest, and reinstall the app";
  // Without these nobody could even pair with it.
  const level = ["chat:write", "im:history"].every((scope) => scopes.includes(scope)) ? "warn" : "bad";
  return [{ about: "reach", level, text: `The app lacks ${named}`, mend }];
}

/** What the app-level token opens, and that it is of the same app as the bot. */
async function appRemarks(
  { bot, app }: { bot: Client; app: Client },
  parts: { settings: SlackSettings; deps: InspectDeps },
): Promise<Remark[]> {
  const socket = await socketRemark(app, parts);
  const other = socket.level === "ok" ? await otherApp(bot, parts) : undefined;
  return [other ?? socket];
}

/** With the tokens of two apps the line stands, and what people write never comes. */
async function otherApp(
  bot: Client,
  { settings, deps }: { settings: SlackSettings; deps: InspectDeps },
): Promise<Remark | undefined> {
  // That the id stands in the token is promised nowhere: without it, nothing can be told.
  const own = /^xapp-\d+-(A[A-Z0-9]{2,30})-/.exec(deps.secret(settings.appToken).trim())?.[1];
  if (own === undefined) return undefined;
  const app = await appOfBot(bot);
  if (app === undefined || app === own) return undefined;
  const page = (id: string) => `api.slack.com/apps/${id}`;
  return {
    about: "token",
    level: "bad",
    token: "appToken",
    text: `The two tokens are of different apps: the bot's of ${app}, the app-level one of ${own}`,
    mend: `Take the app-level token from ${page(app)}/general, or the bot token from ${page(own)}/install-on-team`,
  };
}

/** The app that a bot token belongs to; undefined when Slack does not say, which is told elsewhere where it matters. */
async function appOfBot(bot: Client): Promise<string | undefined> {
  try {
    const answer = await bot.call("bots.info", { bot: selfOf(await bot.call("auth.test")).bot });
    const read = v.safeParse(v.looseObject({ app_id: v.string() }), answer.bot);
    return read.success ? read.output.app_id : undefined;
  } catch (error) {
    if (error instanceof SlackRefusal || error instanceof NetworkError || error instanceof Failure) return undefined;
    throw error;
  }
}

/** An address for a socket is asked for and not used: Slack forgets it. */
async function socketRemark(app: Client, parts: { settings: SlackSettings; deps: InspectDeps }): Promise<Remark> {
  try {
    await app.call("apps.connections.open");
    return { about: "poller", level: "ok", text: "Socket Mode is on, and the app-level token opens it" };
  } catch (error) {
    if (error instanceof SlackRefusal && error.code === "missing_scope") {
      const text = `The app-level token lacks the scope ${appScope}`;
      return {
        about: "token",
        level: "bad",
        token: "appToken",
        text,
        mend: "Make another one at api.slack.com/apps, Basic Information, App-Level Tokens",
      };
    }
    return refused(error, { ...parts, of: "appToken" });
  }
}
