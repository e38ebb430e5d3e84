// /deny: what a question asks about does not happen.

import { answerWith } from "./approve.ts";
import { type Command, say } from "./command.ts";

export const deny: Command = {
  name: "deny",
  args: "<number>",
  summary: "Refuse what a question asks about",
  run(call) {
    const id = /^#?([1-9][0-9]{0,14})$/.exec(call.args)?.[1];
    if (id === undefined) return say("Which question? `/deny 12` refuses it.");
    return answerWith(call, { id: Number(id), answer: "deny" });
  },
};
