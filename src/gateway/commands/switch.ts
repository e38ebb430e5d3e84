// /switch: this place leads to another session from now on.
import { publicId } from "../../core/ids.ts";
import { limits } from "../../core/limits.ts";
import { literal } from "../../core/words.ts";
import { batchLeft } from "./batch.ts";
import { type Command, say } from "./command.ts";
import { reachable, switches } from "./sessions.ts";

export const switchSession: Command = {
  name: "switch",
  args: "<session>",
  summary: "Take up another session here",
  forAll: true,
  run(call) {
    const { args, book, resolved, owner, session } = call;
    if (args === "") {
      const choices = switches(reachable(call, limits.choicesMax), session?.id);
      return say("Which one? `/sessions` lists them, `/switch S001` takes one up.", choices);
    }
    return {
      apply() {
        const taken = book.switchTo(resolved, { wanted: args, all: owner });
        const title = taken.title === "" ? "" : `: ${literal(taken.title)}`;
        const left = taken.id === session?.id ? "" : batchLeft(call, session);
        return { markdown: `This chat now leads to ${publicId(taken.id)}${title}.${left}` };
      },
    };
  },
};
