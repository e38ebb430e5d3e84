// /secret-help: how to give a secret safely, and what to do when one was posted.
import { type Command, say } from "./command.ts";

const text = `Never write a secret (a password, a token, a key) into a chat: the platform keeps it.

- **To give one**: on the machine itself, name it in \`settings.json\` as \`{"env": "NAME"}\` or \`{"file": "path"}\`, and put the value there.
- **If one was posted**: make a new one where it comes from and void the old one first, then delete the message. Deleting alone is not enough: others may have read it.
- **What the agent says** loses the values that settings know, before it is stored or sent.`;

export const secretHelp: Command = {
  name: "secret-help",
  summary: "How to give the agent a secret, and what to do when one was posted",
  run: () => say(text),
};
