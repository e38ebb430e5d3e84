// /approve: the answer to a question that somebody with the right role is asked.
import type { Answer } from "../../access/approvals.ts";
import { type Command, type CommandCall, type CommandEffect, say } from "./command.ts";

const form = /^#?([1-9][0-9]{0,14})(?:\s+(once|session|always))?$/i;

export const approve: Command = {
  name: "approve",
  args: "<number> [once | session | always]",
  summary: "Allow what a question asks about",
  run(call) {
    const [, id, how] = form.exec(call.args) ?? [];
    if (id === undefined)
      return say(
        "Which question? `/approve 12` allows it once, `/approve 12 session` or `always` the very same again.",
      );
    return answerWith(call, { id: Number(id), answer: (how?.toLowerCase() ?? "once") as Answer });
  },
};

/** The effect of an answer: whoever says it is judged when it is stored. */
export function answerWith(call: CommandCall, { id, answer }: { id: number; answer: Answer }): CommandEffect {
  return {
    apply() {
      const { ok, text } = call.answerQuestion(call.inbound, { traits: call.traits, id, answer });
      // Whoever pressed a button of the card reads on the card who decided.
      return { markdown: `${text}.`, ...(ok ? { noted: true } : {}) };
    },
  };
}
