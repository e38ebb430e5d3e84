// /sessions: the sessions that can be switched to from here.
import { publicId } from "../../core/ids.ts";
import type { Choice } from "../../core/message.ts";
import { ago, excerpt, literal } from "../../core/words.ts";
import type { SessionSummary } from "../../store/sessions.ts";
import { type Command, type CommandCall, say } from "./command.ts";

/** How many are shown. */
const shownMax = 20;

export const sessions: Command = {
  name: "sessions",
  summary: "List sessions, newest first",
  run(call) {
    const { session, now } = call;
    const all = reachable(call, shownMax + 1);
    if (all.length === 0) return say("There are no sessions yet. Write something and one begins.");
    const rows = all.slice(0, shownMax).map((found) => {
      const marks = [
        found.id === session?.id ? "this one" : "",
        found.running ? "running" : "",
        found.waiting > 0 ? `${found.waiting} waiting` : "",
      ].filter((mark) => mark !== "");
      const state = marks.length === 0 ? "" : ` — **${marks.join(", ")}**`;
      return `- \`${publicId(found.id)}\` ${found.title === "" ? "(empty)" : literal(found.title)}, ${ago(now() - found.lastAt)}${state}`;
    });
    const more = all.length > shownMax ? "\n\nOlder ones: `remoteagent sessions list`" : "";
    return say(`${rows.join("\n")}${more}\n\n\`/switch S001\` takes one up here.`, switches(all, session?.id));
  },
};

/** The sessions that the caller may take up here, newest first: its agent's of this conversation, for the owner all. */
export function reachable({ store, resolved, owner }: CommandCall, limit: number): SessionSummary[] {
  return store.sessions.list({
    limit,
    ...(owner ? {} : { conversation: resolved.conversation, agent: resolved.wiring.agent }),
  });
}

/** A button for each but the one that this place leads to. */
export function switches(all: readonly SessionSummary[], current: number | undefined): Choice[] {
  return all
    .filter(({ id }) => id !== current)
    .map(({ id, title }) => ({
      value: `/switch ${publicId(id)}`,
      label: `${publicId(id)} ${excerpt(title, 30)}`.trim(),
    }));
}
