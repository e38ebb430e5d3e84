// The table of chat commands, in the order of /help.

import { agent } from "./agent.ts";
import { approve } from "./approve.ts";
import { autoReply } from "./auto-reply.ts";
import { batch } from "./batch.ts";
import type { Command } from "./command.ts";
import { confirm } from "./confirm.ts";
import { deny } from "./deny.ts";
import { help } from "./help.ts";
import { macro } from "./macro.ts";
import { memory } from "./memory.ts";
import { model } from "./model.ts";
import { fresh } from "./new.ts";
import { option } from "./option.ts";
import { plan } from "./plan.ts";
import { queue } from "./queue.ts";
import { resend } from "./resend.ts";
import { reset } from "./reset.ts";
import { secretHelp } from "./secret-help.ts";
import { session } from "./session.ts";
import { sessions } from "./sessions.ts";
import { start } from "./start.ts";
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
  session,
  switchSession,
  model,
  agent,
  queue,
  option,
  plan,
  batch,
  macro,
  resend,
  usage,
  memory,
  autoReply,
  secretHelp,
  reset,
  approve,
  deny,
  confirm,
  start,
];
