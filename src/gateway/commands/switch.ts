// /switch: this place leads to another session from now on.
import { publicId } from "../../core/ids.ts";
import { type Command, say } from "../command.ts";

export const switchSession: Command = {
  name: "switch",
  args: "<session>",
  summary: "Take up another session here",
  run({ args, book, resolved, owner }) {
    if (args === "") return say("Which one? `/sessions` lists them, `/switch S001` takes one up.");
    return {
      apply() {
        const session = book.switchTo(resolved, { wanted: args, all: owner });
        return {
          markdown: `This chat now leads to ${publicId(session.id)}${session.title === "" ? "" : `: ${session.title}`}.`,
        };
      },
    };
  },
};
