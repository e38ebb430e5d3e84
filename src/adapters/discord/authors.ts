// Who wrote the newest messages, for the deletes that do not say it.
import { limits } from "../../core/limits.ts";
import type { Sender } from "../../core/message.ts";
import { createRecent } from "../recent.ts";

/** Keeps the authors of so many messages; one person's messages share one object. */
export function createAuthors() {
  const authors = createRecent<Sender>(limits.discordChannelsMax);
  const people = createRecent<Sender>(limits.adapterNotesMax);
  const shared = (sender: Sender): Sender => {
    const known = people.get(sender.id);
    const same = known !== undefined && known.name === sender.name && known.isBot === sender.isBot;
    const one = same ? known : sender;
    people.set(one.id, one);
    return one;
  };
  return {
    note: (message: string, { id, name, isBot }: Sender): void =>
      authors.set(message, shared({ id, name, ...(isBot === undefined ? {} : { isBot }) })),
    of: (message: string): Sender | undefined => authors.get(message),
  };
}
