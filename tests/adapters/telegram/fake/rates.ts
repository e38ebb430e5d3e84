// The sending limits of the real platform, for tests that ask for them.
import { tooMany } from "./refusal.ts";
import { type Chat, isGroup } from "./world.ts";

/** core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this */
const rules = { chatMs: 1000, groupMs: 60_000, groupMax: 20, allMs: 1000, allMax: 30 };

/** The real server lets short bursts pass; so many messages may follow each other in one chat before the second counts. */
const burst = 3;

export interface Rates {
  /** Counts one message of a bot, or throws the 429. */
  count(bot: number, chat: Chat): void;
}

/** `now` in ms. Keeps the times of the last minute only. */
export function createRates(now: () => number): Rates {
  const perChat = new Map<string, number[]>();
  const perBot = new Map<number, number[]>();
  return {
    count(bot, chat) {
      const at = now();
      const key = `${bot} ${chat.key}`;
      const here = (perChat.get(key) ?? []).filter((time) => at - time < rules.groupMs);
      const all = (perBot.get(bot) ?? []).filter((time) => at - time < rules.allMs);
      const close = here.filter((time) => at - time < rules.chatMs * burst);
      if (all.length >= rules.allMax) throw tooMany(seconds(all, rules.allMs, at));
      if (isGroup(chat) && here.length >= rules.groupMax) throw tooMany(seconds(here, rules.groupMs, at));
      if (close.length >= burst) throw tooMany(seconds(close, rules.chatMs * burst, at));
      perChat.set(key, [...here, at]);
      perBot.set(bot, [...all, at]);
    },
  };
}

/** Whole seconds until the oldest of `times` counts no longer. */
function seconds(times: number[], spanMs: number, at: number): number {
  return Math.max(1, Math.ceil(((times[0] ?? at) + spanMs - at) / 1000));
}
