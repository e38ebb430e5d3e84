// /help: every command in one line each.
import { atLeast } from "../../access/roles.ts";
import { type Command, say } from "./command.ts";

export const help: Command = {
  name: "help",
  summary: "Show this list",
  run({ commands, role }) {
    const rows = commands
      .filter(
        ({ hidden, ownerOnly, least }) =>
          hidden !== true && atLeast(role, ownerOnly === true ? "owner" : (least ?? "none")),
      )
      .map(
        (command) =>
          `- \`/${command.name}${command.args === undefined ? "" : ` ${command.args}`}\` — ${command.summary}`,
      );
    return say(`Write anything to give the agent work. Commands:\n\n${rows.join("\n")}`);
  },
};
