// /stop: listed here for help and completion; the gateway acts on it before anything else.
import { type Command, say } from "./command.ts";

export const stop: Command = {
  name: "stop",
  args: "[all | session]",
  summary: "Stop what runs here; with all also background commands",
  bare: true,
  run: () => say("Nothing is running."),
};
