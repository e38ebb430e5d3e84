// /queue: what waits in this session, and taking something out of it.
import { excerpt } from "../../core/words.ts";
import { type Command, say } from "../command.ts";

export const queue: Command = {
  name: "queue",
  args: "[remove <place> | clear]",
  summary: "Show what waits, or take it out",
  run({ args, session, store, inbound, owner, onGone }) {
    const waiting = session === undefined ? [] : store.inputs.waiting(session.id);
    if (waiting.length === 0 || session === undefined) return say("Nothing waits.");
    const text = (n: number) => {
      const found = waiting[n]?.inbound;
      return excerpt(found?.kind === "message" || found?.kind === "edit" ? found.text : (found?.kind ?? ""), 80);
    };
    if (args === "") {
      const rows = waiting.map((input, n) => `${n + 1}. ${text(n)} — ${input.inbound.sender.name}`);
      return say(`Waiting:\n\n${rows.join("\n")}\n\n\`/queue remove 1\` takes one out, \`/queue clear\` all.`);
    }
    const mine = waiting.filter((input) => owner || input.inbound.sender.id === inbound.sender.id);
    if (args === "clear") {
      return {
        apply() {
          for (const input of mine) store.inputs.set(input.id, "removed");
          onGone(mine.map((input) => input.id));
          return { markdown: `Removed ${mine.length} waiting message${mine.length === 1 ? "" : "s"}.` };
        },
      };
    }
    const place = Number(/^remove\s+([0-9]{1,3})$/.exec(args)?.[1] ?? 0);
    const chosen = waiting[place - 1];
    if (chosen === undefined)
      return say(
        `There is no place ${JSON.stringify(args.replace(/^remove\s*/, ""))} in the queue; it has ${waiting.length}.`,
      );
    if (!mine.includes(chosen)) return say("That message is somebody else's.");
    return {
      apply() {
        store.inputs.set(chosen.id, "removed");
        onGone([chosen.id]);
        return { markdown: `Removed: ${text(place - 1)}` };
      },
    };
  },
};
