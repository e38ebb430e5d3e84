// What the wizard says and asks about Telegram; loaded with the settings, so it imports nothing that runs.
import type { Platform } from "../inspection.ts";

const botOf = (token: string) => /^(\d{1,20}):[\w-]{1,200}$/.exec(token.trim())?.[1];

export const telegramPlatform: Platform = {
  label: "Telegram",
  guide: [],
  tokens: [
    {
      key: "botToken",
      label: "token",
      option: "token",
      variables: ["TELEGRAM_BOT_TOKEN"],
      form: "digits, a colon, and letters",
      fits: (text) => botOf(text) !== undefined,
      guide: [
        "Open https://t.me/BotFather in Telegram and send it /newbot",
        'Give the bot a name, then a user name that ends in "bot"',
        "BotFather answers with a token, such as 123456:ABC-DEF…: paste it here",
      ],
    },
  ],
  addressKey: "apiRoot",
  ownerVariable: "TELEGRAM_OWNER_ID",
  botOf,
  isPerson: (id) => /^[1-9]\d{0,15}$/.test(id),
  startsByLink: true,
};
