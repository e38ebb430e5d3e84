// The noun `sessions`: lines of context, and what was said in them.
import * as v from "valibot";
import { Failure } from "../../core/failure.ts";
import { parsePublicId, publicId } from "../../core/ids.ts";
import type { Session } from "../../core/session.ts";
import type { Entry, TranscriptMessage } from "../../core/transcript.ts";
import type { Entries } from "../../store/entries.ts";
import type { Messages } from "../../store/messages.ts";
import type { SessionSummary, Sessions } from "../../store/sessions.ts";
import { limitFlag, text, toggle, verb } from "../flags.ts";
import type { Resource } from "../resource.ts";

/** What this noun needs of the store. */
export interface SessionsDeps {
  sessions: Pick<Sessions, "get" | "list" | "set">;
  messages: Pick<Messages, "search">;
  entries: Pick<Entries, "branch">;
}

const filters = v.strictObject({
  agent: v.optional(text("Only of this agent")),
  model: v.optional(text("Only with this model chosen")),
  title: v.optional(text("Only with these words in the title")),
  place: v.optional(text("Only reached from this adapter/conversation")),
  running: v.optional(toggle("Only those in which a turn runs")),
  limit: limitFlag,
});

/** Declares the noun; `open` gives the store when a verb runs. */
export function sessions(open: () => SessionsDeps): Resource {
  const find = (id: string): Session => {
    const number = parsePublicId(id);
    const session = number === undefined ? undefined : open().sessions.get(number);
    if (session !== undefined) return session;
    throw new Failure("not-found", `Cannot find session ${JSON.stringify(id)}: there is none with this id`, {
      hint: "remoteagent sessions list shows them",
    });
  };
  return {
    name: "sessions",
    summary: "Lines of context, and what was said in them",
    columns: ["id", "title", "agent", "model", "turns", "waiting", "running", "lastAt", "places"],
    verbs: [
      verb({
        name: "list",
        summary: "Sessions, the last used first",
        schema: filters,
        run: ({ id: _id, ...wanted }) => open().sessions.list(wanted).map(row),
      }),
      verb({
        name: "get",
        summary: "One session with all that is stored of it",
        takesId: true,
        schema: v.strictObject({}),
        run: ({ id }) => {
          const { continuation, head, parent, forkedAt, ...session } = find(id);
          const from = parent === null ? null : publicId(parent);
          return { ...session, id: publicId(session.id), parent: from, forkedAt, head, external: continuation };
        },
      }),
      verb({
        name: "search",
        summary: "Messages that hold every word, the newest first",
        takesId: true,
        columns: ["session", "at", "direction", "sender", "text"],
        schema: v.strictObject({ limit: limitFlag }),
        run: ({ id, limit }) =>
          open()
            .messages.search(id, limit)
            .map((found) => ({ ...found, session: found.session === null ? null : publicId(found.session) })),
      }),
      verb({
        name: "rename",
        summary: "Gives a session another title",
        takesId: true,
        schema: v.strictObject({ title: text("The new title") }),
        run: ({ id, title }) => {
          const session = find(id);
          open().sessions.set(session.id, { title });
          return { id: publicId(session.id), title };
        },
      }),
      verb({
        name: "entries",
        summary: "What the model sees of a session, the oldest first",
        takesId: true,
        columns: ["id", "at", "role", "text"],
        schema: v.strictObject({
          whole: v.optional(toggle("Also what a compaction has replaced")),
          limit: limitFlag,
        }),
        run: ({ id, whole = false, limit }) =>
          open().entries.branch(find(id).head, { whole }).slice(-limit).map(entryRow),
      }),
      verb({
        name: "export",
        summary: "The whole session as a markdown text",
        takesId: true,
        schema: v.strictObject({}),
        run: ({ id }) => {
          const session = find(id);
          const entries = open().entries.branch(session.head, { whole: true });
          return markdown(session, entries);
        },
      }),
    ],
  };
}

function row({ continuation: _continuation, head: _head, ...session }: SessionSummary) {
  return {
    ...session,
    id: publicId(session.id),
    parent: session.parent === null ? null : publicId(session.parent),
  };
}

function entryRow({ id, at, body }: Entry) {
  return body.kind === "compaction"
    ? { id, at, role: "compaction", text: body.summary }
    : { id, at, role: body.message.role, text: messageText(body.message) };
}

/** A message as people read it: texts, and one short line for everything else. */
function messageText(message: TranscriptMessage): string {
  const parts = message.content.map((part) => {
    if (part.type === "text") return part.text;
    if (part.type === "image") return `[image, ${part.mimeType}]`;
    if (part.type === "toolCall") return `[${part.name} ${JSON.stringify(part.arguments)}]`;
    return "";
  });
  return parts.filter((part) => part !== "").join("\n");
}

function markdown(session: Session, entries: readonly Entry[]): string {
  const title = session.title === "" ? publicId(session.id) : `${publicId(session.id)} ${session.title}`;
  const blocks = entries.map((entry) => {
    const { role, at, text } = entryRow(entry);
    return `## ${role}, ${new Date(at).toISOString()}\n\n${text}`;
  });
  return [`# ${title}`, ...blocks].join("\n\n");
}
