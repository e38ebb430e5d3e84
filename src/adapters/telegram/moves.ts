// Where groups went: one that grew has another id, and what is for the old one goes to the new.
import { limits } from "../../core/limits.ts";
import type { AdapterDeps } from "../adapter.ts";
import type { TelegramSettings } from "./config.ts";

export type Moves = ReturnType<typeof createMoves>;

export function createMoves(
  { memory, log, moved }: Pick<AdapterDeps, "memory" | "log" | "moved">,
  { groups }: Pick<TelegramSettings, "groups">,
) {
  /** The id under which a conversation is known to Telegram now. */
  const of = (conversation: string): string => {
    let id = conversation;
    // People stay where they are.
    for (let step = 0; step < limits.movesFollowedMax && id.startsWith("-"); step += 1) {
      const next = memory.get(`moved-${id}`);
      if (next === undefined || next === conversation) return id;
      id = next;
    }
    return id;
  };
  /** A group that settings name is listened to under its new id as well. */
  const listened = () => (typeof groups === "string" ? groups : [...new Set([...groups, ...groups.map(of)])]);
  let heard = listened();
  return {
    of,
    groups: () => heard,
    /** @throws Failure `store` when it could not be stored. */
    note(from: string, to: string): void {
      if (from === to) return;
      if (of(from) !== to) log.info("A group has another id now", { from, to });
      moved(from, to);
      memory.set(`moved-${from}`, to);
      heard = listened();
    },
  };
}
