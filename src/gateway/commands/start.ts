// /start: the first press in a chat; says who is here and what to do.
import { type Command, say } from "./command.ts";

export const start: Command = {
  name: "start",
  summary: "Say hello",
  hidden: true,
  run: () =>
    say(
      "Hello, I am your agent: write what you need, and I work on the machine that I run on. /help shows what else I understand.",
      [
        { value: "/help", label: "Help" },
        { value: "/status", label: "Status" },
      ],
    ),
};
