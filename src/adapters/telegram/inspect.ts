// Looks at a bot without opening the adapter: token, address, clock, webhook, another poller, what it hears in groups.
import { type Api, GrammyError } from "grammy";
import * as v from "valibot";
import { Failure, failureData } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import { ago } from "../../core/words.ts";
import type { InspectDeps, Inspection, Remark } from "../inspection.ts";
import { createClient } from "./client.ts";
import type { TelegramSettings } from "./config.ts";
import { isTokenRefused, reasonOf, retryAfterOf } from "./errors.ts";

const selfSchema = v.looseObject({
  id: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
  username: v.pipe(v.string(), v.nonEmpty()),
  can_join_groups: v.fallback(v.optional(v.boolean()), undefined),
  can_read_all_group_messages: v.fallback(v.optional(v.boolean()), undefined),
});
type Self = v.InferOutput<typeof selfSchema>;

const webhookSchema = v.looseObject({ url: v.fallback(v.string(), "") });

/** The address of the Bot API that is Telegram's own. */
const publicRoot = "https://api.telegram.org";

/** Never throws for what it looks at. Nothing is changed, and no message is taken from the bot. */
export async function inspectTelegram(settings: TelegramSettings, deps: InspectDeps): Promise<Inspection> {
  const apiRoot = settings.apiRoot.replace(/\/+$/, "");
  const heard: { at?: number; date?: string | null } = {};
  const noting = async (...call: Parameters<typeof fetch>): Promise<Response> => {
    const response = await deps.fetch(...call);
    heard.at = deps.clock.now();
    heard.date = response.headers.get("date");
    return response;
  };
  let api: Api;
  try {
    // The runtime's own fetch has members beside the call, which nobody uses here.
    api = createClient(settings, { deps: { ...deps, fetch: noting as typeof fetch }, apiRoot }).fresh();
  } catch (error) {
    const { message, hint } = failureData(error);
    return {
      remarks: [{ about: "token", level: "bad", text: message, ...(hint === undefined ? {} : { mend: hint }) }],
    };
  }
  let self: Self;
  try {
    self = v.parse(selfSchema, await api.getMe());
  } catch (error) {
    return { remarks: [refused(error, { name: deps.name, apiRoot }), ...clockRemarks(heard)] };
  }
  const { id, username } = self;
  const remarks: Remark[] = [
    { about: "token", level: "ok", text: `The token is that of @${username}` },
    ...clockRemarks(heard),
    ...(await lookAside(api, { apiRoot, listen: deps.listen })),
    groupsRemark(self, settings.groups),
  ];
  const link = (payload?: string) => `https://t.me/${username}${payload === undefined ? "" : `?start=${payload}`}`;
  return { self: { id: String(id), name: `@${username}`, link }, remarks };
}

/** Why the bot's own name could not be asked for. */
function refused(error: unknown, { name, apiRoot }: { name: string; apiRoot: string }): Remark {
  const { host } = new URL(apiRoot);
  const own = apiRoot !== publicRoot;
  if (isTokenRefused(error)) {
    const text = own
      ? `${host} does not know the bot token, or is no Bot API`
      : "Telegram does not know the bot token: it was mistyped or revoked";
    const mend = `Ask @BotFather for the right one: /mybots, the bot, API Token${own ? `; or mend adapters.${name}.apiRoot` : ""}`;
    return { about: "token", level: "bad", text, mend };
  }
  const waitMs = retryAfterOf(error);
  if (waitMs !== undefined) {
    const text = `Telegram asks to wait ${Math.ceil(waitMs / 1000)} s`;
    return { about: "reach", level: "bad", text, mend: "Try again then" };
  }
  const text = `Cannot reach ${own ? "the Bot API" : "Telegram"} at ${host}: ${reasonOf(error)}`;
  const mend = own
    ? `Is that server running, and is adapters.${name}.apiRoot its address?`
    : "Check the network of this machine: curl https://api.telegram.org; where Telegram is blocked, a Bot API server elsewhere and apiRoot help";
  return { about: "reach", level: "bad", text, mend };
}

/** Compared with the server's own clock, which is known to the second. */
function clockRemarks({ at, date }: { at?: number; date?: string | null }): Remark[] {
  const server = Date.parse(date ?? "");
  if (at === undefined || Number.isNaN(server)) return [];
  const driftMs = at - server;
  const words = `${ago(Math.abs(driftMs), "")} ${driftMs > 0 ? "ahead of" : "behind"} Telegram's`;
  if (Math.abs(driftMs) <= limits.serverClockMs)
    return [{ about: "clock", level: "ok", text: "This machine's clock agrees with Telegram's" }];
  return [
    {
      about: "clock",
      level: "warn",
      text: `This machine's clock is ${words}`,
      mend: "Set it: timedatectl set-ntp true",
    },
  ];
}

/** Whether anything else takes the bot's messages. */
async function lookAside(api: Api, { apiRoot, listen }: { apiRoot: string; listen: boolean }): Promise<Remark[]> {
  try {
    const { url } = v.parse(webhookSchema, await api.getWebhookInfo());
    if (url !== "") return [webhookRemark(api, url)];
    if (listen) await api.getUpdates({ timeout: limits.listenSeconds, limit: 1 });
    return [];
  } catch (error) {
    if (error instanceof GrammyError && error.error_code === 409) {
      const text = "Another program takes the bot's messages with the same token";
      const mend = "Stop it (an older bot, another remoteagent), or get a new token: @BotFather, /revoke";
      return [{ about: "poller", level: "bad", text, mend }];
    }
    const text = `Cannot ask ${new URL(apiRoot).host} for the bot's webhook: ${reasonOf(error)}`;
    return [{ about: "reach", level: "warn", text, mend: "Try again" }];
  }
}

/** Of its address only the host is shown: the rest may be a secret. */
function webhookRemark(api: Api, url: string): Remark {
  const host = URL.parse(url)?.host ?? "somewhere";
  return {
    about: "webhook",
    level: "bad",
    text: `A webhook sends the bot's messages to ${host}, so they cannot be fetched from here`,
    mend: "If no other program needs it, remoteagent doctor --fix removes it",
    async fix() {
      try {
        await api.deleteWebhook({ drop_pending_updates: false });
      } catch (error) {
        throw new Failure("internal", `Cannot remove the webhook: ${reasonOf(error)}`, { cause: error });
      }
      return "the webhook is removed, and messages that waited for it are kept";
    },
  };
}

/** In privacy mode Telegram keeps most of a group from a bot; several people found that it keeps mentions as well. */
function groupsRemark(self: Self, groups: TelegramSettings["groups"]): Remark {
  const about = "groups";
  if (groups === "none") return { about, level: "ok", text: "It does not listen in groups" };
  if (self.can_join_groups === false)
    return { about, level: "ok", text: "It cannot be added to groups; @BotFather changes that with /setjoingroups" };
  if (self.can_read_all_group_messages === true)
    return { about, level: "ok", text: "In groups it sees every message, and answers those that are meant for it" };
  const text =
    "Privacy mode is on: of a group it gets commands and replies to its own messages, and a mention may not reach it";
  const mend =
    "For use in groups: @BotFather, /setprivacy, the bot, Disable; then remove the bot from the group and add it again";
  return { about, level: "warn", text, mend };
}
