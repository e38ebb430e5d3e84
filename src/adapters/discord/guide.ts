// What the wizard says and asks about Discord; loaded with the settings, so it imports nothing that runs.
import { Buffer } from "node:buffer";
import type { Platform } from "../inspection.ts";

/** View Channels, Send Messages, Send Messages in Threads, Read Message History, Attach Files, Add Reactions. */
export const permissions = String((1n << 10n) | (1n << 11n) | (1n << 38n) | (1n << 16n) | (1n << 15n) | (1n << 6n));

/** The page on which an owner of a server lets the bot in, with no more than it needs. */
export function inviteLink(application: string): string {
  return `https://discord.com/oauth2/authorize?client_id=${application}&scope=bot+applications.commands&permissions=${permissions}`;
}

export const discordPlatform: Platform = {
  label: "Discord",
  guide: [],
  tokens: [
    {
      key: "botToken",
      label: "token",
      option: "token",
      variables: ["DISCORD_BOT_TOKEN"],
      form: "three groups of letters with dots between them",
      fits: (text) => botOf(text) !== undefined,
      guide: [
        "Open https://discord.com/developers/applications and make a New Application",
        "Under Bot, switch on the Message Content Intent, and save",
        "Under Bot, press Reset Token and copy the token: paste it here",
      ],
    },
  ],
  addressKey: "apiUrl",
  ownerVariable: "DISCORD_OWNER_ID",
  botOf,
  isPerson: (id) => /^[1-9]\d{0,19}$/.test(id),
  startsByLink: false,
};

/** The first part of a token is the bot's id in base64: docs.discord.com/developers/reference#authentication. */
function botOf(token: string): string | undefined {
  const [, head = ""] = /^([\w-]{8,40})\.[\w-]{1,40}\.[\w-]{1,120}$/.exec(token.trim()) ?? [];
  const id = Buffer.from(head, "base64url").toString("latin1");
  return /^[1-9]\d{0,19}$/.test(id) ? id : undefined;
}
