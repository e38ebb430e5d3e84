// /help: every command in one line each.
import { type Command, say } from "../command.ts";

export const help: Command = {
  name: "help",
  summary: "Show this list",
  run({ commands, owner }) {
    const rows = commands
      .filter((command) => owner || command.ownerOnly !== true)
      .map(
        (command) =>
          `- \`/${command.name}${command.args === undefined ? "" : ` ${command.args}`}\` — ${command.summary}`,
      );
    return say(`Write anything to give the agent work. Commands:\n\n${rows.join("\n")}`);
  },
};
