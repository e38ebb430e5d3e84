// /status: this session and the program, in a few lines.
import { publicId } from "../../core/ids.ts";
import { ago } from "../../core/words.ts";
import { type Command, say } from "../command.ts";

export const status: Command = {
  name: "status",
  summary: "Show what runs and what waits",
  run({ session, store, queue, modelOf, backgroundOf, statusLines, now }) {
    const lines: string[] = [];
    if (session === undefined) {
      lines.push("No session here yet.");
    } else {
      const running = queue.active(session.id);
      const waiting = store.inputs.waitingCount(session.id);
      lines.push(`Session **${publicId(session.id)}**${session.title === "" ? "" : `: ${session.title}`}`);
      lines.push(`Model \`${modelOf(session)}\``);
      lines.push(
        running === undefined
          ? "Nothing runs."
          : `Running for ${ago(now() - running.row.startedAt, "")}: ${running.doing()}`,
      );
      if (waiting > 0) lines.push(`${waiting} waiting (\`/queue\`)`);
      for (const command of backgroundOf(session.id)) {
        lines.push(
          `In the background for ${ago(now() - command.startedAt, "")}: \`${command.command}\` (${command.pid})`,
        );
      }
    }
    return say([...lines, ...statusLines()].map((line) => `- ${line}`).join("\n"));
  },
};
