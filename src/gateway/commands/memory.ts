// /memory: what the agent remembers, here and everywhere.
import { type Command, say } from "./command.ts";

export const memory: Command = {
  name: "memory",
  summary: "Show what the agent remembers",
  async run(call) {
    const found = await call.memory(call.inbound);
    const parts = [
      found.workspace.trim() === "" ? "" : `**Everywhere**\n\n${found.workspace.trim()}`,
      found.conversation.trim() === "" ? "" : `**In this conversation**\n\n${found.conversation.trim()}`,
    ].filter((part) => part !== "");
    if (parts.length === 0)
      return say("Nothing is remembered yet. Say `remember …`, or edit MEMORY.md in the workspace.");
    return say(parts.join("\n\n"));
  },
};
