// Telegram for what all platforms are measured at together: the Bot API of its own benchmark.
import { openBotApi } from "../telegram/server.ts";
import { peopleCount, type Stage } from "./stage.ts";

/** Opens a Bot API with one bot. */
export function openTelegram(): Stage {
  const api = openBotApi();
  const { token } = api.bot(1_002);
  const admins = Array.from({ length: peopleCount }, (_, index) => String(index + 1));
  return {
    name: "Telegram",
    settings: () => ({ type: "telegram", botToken: token, apiRoot: api.url, admins }),
    close: api.close,
  };
}
