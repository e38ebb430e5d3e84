// What the wizard says and asks about Telegram; loaded with the settings, so it imports nothing that runs.
import type { Platform } from "../inspection.ts";

export const telegramPlatform: Platform = {
  label: "Telegram",
  guide: [
    "1  Open https://t.me/BotFather in Telegram and send it /newbot",
    '2  Give the bot a name, then a user name that ends in "bot"',
    "3  BotFather answers with a token, such as 123456:ABC-DEF…: paste it here",
  ],
  tokenKey: "botToken",
  addressKey: "apiRoot",
  tokenVariable: "TELEGRAM_BOT_TOKEN",
  ownerVariable: "TELEGRAM_OWNER_ID",
  botOf: (token) => /^(\d{1,20}):[\w-]{1,200}$/.exec(token.trim())?.[1],
  isPerson: (id) => /^[1-9]\d{0,15}$/.test(id),
};
