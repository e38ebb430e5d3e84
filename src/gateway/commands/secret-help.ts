// /secret-help: how to give a secret safely, and what to do when one was posted.
import { type Command, say } from "./command.ts";

const text = `Never write a secret (a password, a token, a key) into a chat: the platform keeps it.

- **To give one**: on the machine itself, \`remoteagent vault set NAME\` asks for it and keeps it sealed. \`--user <adapter/id>\` keeps it for one person, \`--conversation <adapter/id>\` for a conversation; whoever runs this program can do that for you.
- **What becomes of it**: commands that the agent runs for you find it by its name, on the machine's own account only where its owner allows that. The model is told the name and never the value.
- **If one was posted**: make a new one where it comes from and void the old one first, then delete the message. Deleting alone is not enough: others may have read it.
- **What the agent says** loses the values of the vault and of the settings, before it is stored or sent.`;

export const secretHelp: Command = {
  name: "secret-help",
  summary: "How to give the agent a secret, and what to do when one was posted",
  run: () => say(text),
};
