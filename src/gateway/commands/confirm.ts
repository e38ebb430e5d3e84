// /confirm tools: the owner at the terminal accepts that commands run without isolation.
import { type Command, say } from "./command.ts";

export const confirm: Command = {
  name: "confirm",
  args: "tools",
  summary: "Let the agent run commands although nothing isolates them here",
  ownerOnly: true,
  run({ args, traits, confirmText, confirmTools }) {
    if (args !== "tools") return say("`/confirm tools` is the whole of it.");
    if (!traits.local) return say("This can only be confirmed in the terminal on the machine itself.");
    if (confirmText() === undefined) return say("There is nothing to confirm: tools are on.");
    return {
      apply() {
        confirmTools();
        return { markdown: "The agent may run commands as you, without isolation." };
      },
    };
  },
};
