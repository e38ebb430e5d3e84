// What people do on Telegram, as updates of the Bot API.

/** Somebody's place: a private chat with the bot has the person's own id. */
export interface Place {
  user: number;
  chat?: number;
  at?: number;
}

/** Makes updates; messages are numbered in the order of their making. */
export function createUpdates() {
  let messages = 0;
  const seconds = () => Math.floor(Date.now() / 1_000);
  const from = (user: number) => ({ id: user, is_bot: false, first_name: `Person ${user}`, language_code: "en" });
  const chatOf = ({ user, chat = user }: Place) =>
    chat < 0
      ? { id: chat, type: "supergroup", title: `Group ${-chat}` }
      : { id: chat, type: "private", first_name: `Person ${user}` };
  const body = (place: Place, { id, text }: { id: number; text: string }) => ({
    message_id: id,
    from: from(place.user),
    chat: chatOf(place),
    date: seconds(),
    text,
  });
  return {
    /** @returns the update and the number of its message. */
    message(place: Place, text: string) {
      messages += 1;
      return { id: messages, update: { message: body(place, { id: messages, text }) } };
    },
    edit: (place: Place, { id, text }: { id: number; text: string }) => ({
      edited_message: { ...body(place, { id, text }), edit_date: seconds() },
    }),
    reaction: (place: Place, { id, emoji }: { id: number; emoji: string }) => ({
      message_reaction: {
        chat: chatOf(place),
        message_id: id,
        user: from(place.user),
        date: seconds(),
        old_reaction: [],
        new_reaction: [{ type: "emoji", emoji }],
      },
    }),
    /** A button that is not there any more. */
    button: (place: Place, { id, data }: { id: number; data: string }) => ({
      callback_query: {
        id: `${place.user}-${id}-${data}`,
        from: from(place.user),
        chat_instance: "1",
        data,
        message: { ...body(place, { id, text: "…" }) },
      },
    }),
  };
}

/** Makes updates of what people do. */
export type Updates = ReturnType<typeof createUpdates>;
