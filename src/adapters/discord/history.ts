// A channel's past as lines, from its beginning on: for `remoteagent download`. Fetched as it is read, page by page.
import * as v from "valibot";
import { errorText, Failure } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import type { HistoryDeps, HistoryLine } from "../history.ts";
import { type Client, createClient } from "./client.ts";
import type { DiscordSettings } from "./config.ts";
import { gist, nameOf, readText, type Self, wordsOf } from "./content.ts";
import type { Message } from "./dispatches.ts";
import { isForbidden, isTokenRefused, reasonOf, retryAfterOf, statusOf } from "./errors.ts";
import { messagesOf, pageMessages } from "./gaps.ts";
import { snowflakeSchema, timeOf } from "./snowflake.ts";

/** Waits in a row for one page. */
const triesMax = 20;

/** The first message of a thread, which only points to the one that it hangs at: docs.discord.com/developers/resources/message. */
const threadStarter = 21;

const threadSchema = v.looseObject({ id: snowflakeSchema });

type Past = { client: Client; deps: Omit<HistoryDeps, "conversation"> };

/**
 * Messages of a channel, a thread or a direct channel, oldest first; those of a thread stand behind the message that it
 * hangs at. A thread has an id, and so a history, of its own, too.
 * @throws Failure with one sentence, also in the middle
 */
export async function* historyOfDiscord(
  settings: DiscordSettings,
  { conversation, ...deps }: HistoryDeps,
): AsyncGenerator<HistoryLine> {
  const client = createClient(settings, deps);
  try {
    if (!v.is(snowflakeSchema, conversation))
      throw new Failure("usage", "A conversation of Discord is the id of a channel");
    const self = v.parse(
      v.looseObject({ id: snowflakeSchema, username: v.string() }),
      await ask(client, { deps, route: "/users/@me" }),
    );
    const own: Self = { id: self.id, name: self.username, isOwnRole: () => false };
    for await (const message of messagesIn(conversation, { client, deps })) {
      yield lineOf(message, own);
      const thread = v.safeParse(threadSchema, message.thread);
      if (!thread.success || thread.output.id === conversation) continue;
      for await (const reply of messagesIn(thread.output.id, { client, deps })) {
        if (reply.type !== threadStarter) yield { ...lineOf(reply, own), thread: message.id };
      }
    }
  } catch (error) {
    throw failureOf(error, conversation);
  } finally {
    client.close();
  }
}

/** Messages of one channel or thread, page by page from its beginning. */
async function* messagesIn(channel: string, { client, deps }: Past): AsyncGenerator<Message> {
  // Every id is after this one.
  let after = "0";
  for (let count = 0; count < limits.historyMessagesMax; ) {
    const query = { after, limit: String(pageMessages) };
    const page = messagesOf(await ask(client, { deps, route: `/channels/${channel}/messages`, query }), deps.log);
    yield* page;
    const last = page.at(-1)?.id;
    if (last === undefined) return;
    after = last;
    count += page.length;
  }
}

/** One call, asked again as long as Discord wants to be left alone. */
async function ask(
  client: Client,
  {
    deps,
    route,
    query,
  }: { deps: Pick<HistoryDeps, "clock" | "signal">; route: `/${string}`; query?: Record<string, string> },
): Promise<unknown> {
  for (let tries = 1; ; tries += 1) {
    deps.signal?.throwIfAborted();
    try {
      return await client.call({ method: "GET", route, ...(query === undefined ? {} : { query }) });
    } catch (error) {
      const wait = retryAfterOf(error);
      if (wait === undefined || tries >= triesMax) throw error;
      await deps.clock.sleep(wait, deps.signal);
    }
  }
}

function lineOf(message: Message, self: Self): HistoryLine {
  const { id, author, attachments = [], message_snapshots: passedOn = [] } = message;
  const facts = { self, names: { channel: () => undefined, role: () => undefined } };
  const { text, mentioned } = readText(message, facts);
  const all = [text, ...wordsOf(message), ...passedOn.map((one) => `[Forwarded message] ${gist(one.message, facts)}`)];
  const files = attachments.map(({ filename, id: file }) => filename ?? file);
  return {
    id,
    ts: new Date(timeOf(id)).toISOString(),
    sender: {
      id: author.id,
      displayName: nameOf(author),
      isBot: author.bot === true || message.webhook_id !== undefined,
    },
    text: all.filter((part) => part !== "").join("\n"),
    ...(files.length === 0 ? {} : { attachments: files }),
    ...(mentioned ? { isMention: true } : {}),
  };
}

function failureOf(error: unknown, conversation: string): unknown {
  if (error instanceof Failure || (error instanceof Error && error.name === "AbortError")) return error;
  const what = `Cannot download ${JSON.stringify(conversation.slice(0, 80))}`;
  if (isTokenRefused(error))
    return new Failure("settings", `${what}: Discord does not know the bot token`, { cause: error });
  if (isForbidden(error)) {
    return new Failure("forbidden", `${what}: the bot may not read this channel`, {
      hint: "Give it View Channel and Read Message History there",
      cause: error,
    });
  }
  if (statusOf(error) === 404)
    return new Failure("not-found", `${what}: there is no channel with this id`, { cause: error });
  return new Failure("internal", `${what}: ${reasonOf(error)}`, { detail: errorText(error), cause: error });
}
