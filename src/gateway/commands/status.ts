// /status: this session and the program, in a few lines.
import { publicId } from "../../core/ids.ts";
import type { Choice } from "../../core/message.ts";
import { ago, literal } from "../../core/words.ts";
import { type Command, type CommandCall, say } from "./command.ts";

export const status: Command = {
  name: "status",
  summary: "Show what runs and what waits",
  run(call) {
    const { session, statusLines } = call;
    const { lines, choices } =
      session === undefined ? { lines: ["No session here yet."], choices: [] } : ofSession(call, session);
    return say([...lines, ...statusLines()].map((line) => `- ${line}`).join("\n"), choices);
  },
};

function ofSession(
  { store, queue, modelOf, backgroundOf, now }: CommandCall,
  session: NonNullable<CommandCall["session"]>,
): { lines: string[]; choices: Choice[] } {
  const running = queue.active(session.id);
  const waiting = store.inputs.waitingCount(session.id);
  const background = backgroundOf(session.id);
  const { plan, timeoutSeconds, queue: mode } = session.options;
  const lines = [
    `Session **${publicId(session.id)}**${session.title === "" ? "" : `: ${literal(session.title)}`}`,
    `Model \`${modelOf(session)}\``,
    running === undefined
      ? "Nothing runs."
      : `Running for ${ago(now() - running.row.startedAt, "")}: ${running.doing()}`,
  ];
  if (waiting > 0) lines.push(`${waiting} waiting (\`/queue\`)`);
  if (plan !== undefined) lines.push("Plan mode is on (`/plan off`)");
  if (mode !== undefined) lines.push(`Queue mode \`${mode}\``);
  if (timeoutSeconds !== undefined) lines.push(`A turn ends after ${timeoutSeconds} seconds`);
  for (const command of background)
    lines.push(`In the background for ${ago(now() - command.startedAt, "")}: \`${command.command}\` (${command.pid})`);
  const choices = [
    ...(running === undefined ? [] : [{ value: `/stop ${publicId(session.id)}`, label: "Stop" }]),
    ...(background.length === 0 ? [] : [{ value: "/stop all", label: "Stop all" }]),
    ...(waiting === 0 ? [] : [{ value: "/queue", label: "Queue" }]),
  ];
  return { lines, choices };
}
