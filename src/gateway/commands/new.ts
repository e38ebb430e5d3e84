// /new: a fresh session in this place; the old one stays reachable.
import { publicId } from "../../core/ids.ts";
import type { SessionOptions } from "../../core/session.ts";
import { batchLeft } from "./batch.ts";
import { buttons, type Command, say } from "./command.ts";

export const fresh: Command = {
  name: "new",
  summary: "Start a fresh session here; the old one stays in /sessions",
  forAll: true,
  run({ resolved, book, store, session, inbound, traits }) {
    const { kind } = inbound.conversation;
    if (kind === "shared" && traits.sharedTop === "message" && resolved.place.root === undefined)
      return say("Each message here that answers nothing begins a session of its own: just write one.");
    return {
      apply() {
        const made = book.create(resolved, { folder: session?.folder ?? null, options: kept(session?.options) });
        const left = batchLeft({ store }, session);
        // To one in which nothing was said there is no way back.
        if (session === undefined || !store.sessions.reachedFrom(session.id, resolved.conversation))
          return { markdown: `New session ${publicId(made.id)}.${left}` };
        const back = `/switch ${publicId(session.id)}`;
        return {
          markdown: `New session ${publicId(made.id)}. \`${back}\` goes back.${left}`,
          ...buttons([{ value: back, label: "Go back" }]),
        };
      },
    };
  },
};

/** How somebody likes to work goes along; what they were doing does not. */
function kept({ queue, timeoutSeconds }: SessionOptions = {}): SessionOptions {
  return {
    ...(queue === undefined ? {} : { queue }),
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
  };
}
