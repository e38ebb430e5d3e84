// The table of chat commands, in the order of /help.
import type { Command } from "../command.ts";
import { approve } from "./approve.ts";
import { confirm } from "./confirm.ts";
import { deny } from "./deny.ts";
import { help } from "./help.ts";
import { memory } from "./memory.ts";
import { model } from "./model.ts";
import { fresh } from "./new.ts";
import { queue } from "./queue.ts";
import { reset } from "./reset.ts";
import { sessions } from "./sessions.ts";
import { status } from "./status.ts";
import { stop } from "./stop.ts";
import { switchSession } from "./switch.ts";
import { usage } from "./usage.ts";

export const commands: readonly Command[] = [
  help,
  fresh,
  stop,
  status,
  sessions,
  switchSession,
  model,
  queue,
  usage,
  memory,
  reset,
  approve,
  deny,
  confirm,
];
