// /reset: this place forgets which session it led to.
import { publicId } from "../../core/ids.ts";
import { batchLeft } from "./batch.ts";
import { buttons, type Command, say } from "./command.ts";

export const reset: Command = {
  name: "reset",
  summary: "Forget which session this chat leads to; the next message starts one",
  forAll: true,
  run({ resolved, store, session }) {
    if (session === undefined) return say("There is no session here.");
    const back = `/switch ${publicId(session.id)}`;
    return {
      apply() {
        store.sessions.unbind(resolved.place);
        return {
          markdown: `This chat no longer leads to ${publicId(session.id)}. \`${back}\` takes it up again.${batchLeft({ store }, session)}`,
          ...buttons([{ value: back, label: "Take it up again" }]),
        };
      },
    };
  },
};
