// /agent: which agent answers here, and choosing another.
import { atLeast } from "../../access/roles.ts";
import { excerpt } from "../../core/words.ts";
import { type Command, say } from "./command.ts";

export const agent: Command = {
  name: "agent",
  args: "[name]",
  summary: "Show or choose which agent answers in this conversation",
  run({ args, agents, resolved, role, inbound, store, now }) {
    const all = agents();
    const current = resolved.wiring.agent;
    const others = all.filter((name) => name !== current);
    if (args === "") {
      const choices = others.map((name) => ({ value: `/agent ${name}`, label: name }));
      const more = others.length === 0 ? "There is no other." : `There are also: ${others.join(", ")}.`;
      return say(`\`${current}\` answers here. ${more}`, atLeast(role, "admin") ? choices : []);
    }
    if (!atLeast(role, "admin"))
      return say(`Choosing an agent is for the owner and admins; your id here is ${inbound.sender.id}.`);
    if (!all.includes(args))
      return say(`There is no agent ${JSON.stringify(excerpt(args, 40))}; settings know: ${all.join(", ")}.`);
    if (args === current) return say(`\`${current}\` answers here already.`);
    return {
      apply() {
        const { adapter, conversation } = inbound;
        store.wirings.assign(args, { adapter, conversation: conversation.id, at: now() });
        return {
          markdown: `\`${args}\` answers here from now on, in sessions of its own. \`/agent ${current}\` goes back.`,
        };
      },
    };
  },
};
