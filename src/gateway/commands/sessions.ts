// /sessions: the sessions that can be switched to from here.
import { publicId } from "../../core/ids.ts";
import { ago } from "../../core/words.ts";
import { type Command, say } from "../command.ts";

/** How many are shown. */
const shownMax = 20;

export const sessions: Command = {
  name: "sessions",
  summary: "List sessions, newest first",
  run({ store, resolved, session, owner, now }) {
    const all = store.sessions.list({ limit: shownMax + 1, ...(owner ? {} : { conversation: resolved.conversation }) });
    if (all.length === 0) return say("There are no sessions yet. Write something and one begins.");
    const rows = all.slice(0, shownMax).map((found) => {
      const marks = [
        found.id === session?.id ? "this one" : "",
        found.running ? "running" : "",
        found.waiting > 0 ? `${found.waiting} waiting` : "",
      ].filter((mark) => mark !== "");
      const state = marks.length === 0 ? "" : ` — **${marks.join(", ")}**`;
      return `- \`${publicId(found.id)}\` ${found.title === "" ? "(empty)" : found.title}, ${ago(now() - found.lastAt)}${state}`;
    });
    const more = all.length > shownMax ? "\n\nOlder ones: `remoteagent sessions list`" : "";
    return say(`${rows.join("\n")}${more}\n\n\`/switch S001\` takes one up here.`);
  },
};
