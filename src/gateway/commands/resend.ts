// /resend: sends a message again that did not arrive, or may not have.
import type { StoredMessage } from "../../store/messages.ts";
import { type Command, type CommandCall, say } from "./command.ts";

export const resend: Command = {
  name: "resend",
  args: "[number]",
  summary: "Send again what did not arrive here, else the last answer",
  run(call) {
    const { args } = call;
    const wanted = /^#?([1-9][0-9]{0,14})$/.exec(args)?.[1];
    if (args !== "" && wanted === undefined)
      return say(
        "`/resend` sends the newest message again that did not arrive, `/resend 12` the one with that number.",
      );
    return {
      apply() {
        const id = wanted === undefined ? newest(call) : Number(wanted);
        if (id !== undefined && call.sendAgain(id, call.inbound)) return { markdown: `Message ${id} is sent again.` };
        if (wanted !== undefined) return { markdown: `There is no message ${wanted} here that could be sent again.` };
        const last = lastAnswer(call);
        return { markdown: last === undefined ? "There is nothing here that could be sent again." : last.text };
      },
    };
  },
};

/** The newest message of this conversation that did not arrive, or may not have. */
function newest({ store, inbound }: CommandCall): number | undefined {
  const { adapter, conversation } = inbound;
  const fates = ["failed", "unknown"] as const;
  return store.deliveries.list({ adapter, conversation: conversation.id, fates, limit: 1 })[0]?.id;
}

function lastAnswer({ store, session }: CommandCall): StoredMessage | undefined {
  const [turn] = session === undefined ? [] : store.turns.list({ session: session.id, state: "done", limit: 1 });
  return turn === undefined ? undefined : store.messages.answerOf(turn.id);
}
