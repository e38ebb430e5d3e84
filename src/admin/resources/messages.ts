// The noun `messages`: what was said in a conversation, as the store has it; `download` reads it page by page.
import * as v from "valibot";
import { limits } from "../../core/limits.ts";
import type { Messages } from "../../store/messages.ts";
import { count, limitFlag, text, verb } from "../flags.ts";
import type { Resource } from "../resource.ts";

/** What this noun needs of the store. */
export interface MessagesDeps {
  messages: Pick<Messages, "ofConversation">;
}

/** Declares the noun; `open` gives the store when a verb runs. */
export function messages(open: () => MessagesDeps): Resource {
  return {
    name: "messages",
    summary: "What was said in a conversation",
    columns: ["at", "sender", "text"],
    verbs: [
      verb({
        name: "list",
        summary: "Messages of a conversation, oldest first",
        schema: v.strictObject({
          adapter: text("Of this adapter"),
          conversation: text("Of this conversation"),
          after: v.optional(count("Only behind the one with this number", limits.rowNumberMax)),
          limit: limitFlag,
        }),
        run: ({ adapter, conversation, after = 0, limit }) =>
          open()
            .messages.ofConversation({ adapter, conversation }, { after, limit })
            .map(({ id, external, root, direction, sender, at, text: words }) => ({
              id,
              external,
              root,
              direction,
              sender,
              at,
              text: words,
            })),
      }),
    ],
  };
}
