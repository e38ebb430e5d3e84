// /new: a fresh session in this place; the old one stays reachable.
import { publicId } from "../../core/ids.ts";
import type { Command } from "../command.ts";

export const fresh: Command = {
  name: "new",
  summary: "Start a fresh session here; the old one stays in /sessions",
  run({ resolved, book, session }) {
    return {
      apply() {
        const made = book.create(resolved, { folder: session?.folder ?? null });
        const back = session === undefined ? "" : ` \`/switch ${publicId(session.id)}\` goes back.`;
        return { markdown: `New session ${publicId(made.id)}.${back}` };
      },
    };
  },
};
