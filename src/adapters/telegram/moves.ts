// Where groups went: one that grew has another id, and what is for the old one goes to the new.
import { errorText } from "../../core/failure.ts";
import type { AdapterDeps } from "../adapter.ts";

export type Moves = ReturnType<typeof createMoves>;

export function createMoves({ memory, log }: Pick<AdapterDeps, "memory" | "log">) {
  return {
    /** The id under which a conversation is known to Telegram now. */
    of(conversation: string): string {
      // People stay where they are.
      return conversation.startsWith("-") ? (memory.get(`moved-${conversation}`) ?? conversation) : conversation;
    },
    note(from: string, to: string): void {
      if (from === to) return;
      log.info("A group has another id now", { from, to });
      try {
        memory.set(`moved-${from}`, to);
      } catch (error) {
        log.warn("Cannot note where a group went", { error: errorText(error) });
      }
    },
  };
}
