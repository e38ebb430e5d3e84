// /session: a private link to the page that shows a session as it happens.
import { Failure } from "../../core/failure.ts";
import { parsePublicId, publicId } from "../../core/ids.ts";
import type { Session } from "../../core/session.ts";
import { type Command, type CommandCall, say } from "./command.ts";

export const session: Command = {
  name: "session",
  args: "[session]",
  summary: "Get a private link to what happens in this session",
  bare: true,
  least: "member",
  async run(call) {
    const { inbound, sessionPage, traits } = call;
    const found = wanted(call);
    if (found === undefined) return say("There is no session here yet. Write something and one begins.");
    const page = await sessionPage();
    return {
      apply() {
        const { adapter, conversation, sender } = inbound;
        const { url } = page.link({ adapter, conversation, user: sender.id, session: found.id });
        const where =
          page.elsewhere || traits.local
            ? ""
            : "\n\nIt works on the machine on which I run. For other devices, set `web.url`.";
        return {
          markdown: `${publicId(found.id)} for you alone, for 24 hours:\n\n${url}${where}`,
          ...(inbound.conversation.kind === "shared" ? { onlyFor: sender.id } : {}),
        };
      },
    };
  },
};

/** The session that was named, if it may be seen from here; else the one of this place. One answer for foreign and missing. */
function wanted({ args, session: here, store, resolved, owner }: CommandCall): Session | undefined {
  if (args === "") return here;
  const id = parsePublicId(args);
  const named = id === undefined ? undefined : store.sessions.get(id);
  const reached =
    named !== undefined &&
    (owner || (named.agent === resolved.wiring.agent && store.sessions.reachedFrom(named.id, resolved.conversation)));
  if (reached) return named;
  throw new Failure("not-found", `There is no session ${JSON.stringify(args.slice(0, 30))} here`, {
    hint: "`/sessions` lists them.",
  });
}
