// A conversation's history as lines, from its beginning on: for `remoteagent download`.
import { errorText, Failure } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import type { HistoryDeps, HistoryLine } from "../history.ts";
import { type Client, createClients, SlackRefusal } from "./client.ts";
import type { SlackSettings } from "./config.ts";
import { isTokenRefused, reasonOf, retryAfterOf, scopeProblem } from "./errors.ts";
import { readPage } from "./find.ts";
import type { Self } from "./inbound.ts";
import { createDirectory } from "./names.ts";
import { filesIn, microsOf, millisOf, type SlackMessage } from "./payloads.ts";
import { selfOf } from "./self.ts";
import { idsIn, readText } from "./text.ts";

const triesMax = 10;
/** Of one conversation or thread, whatever its pages hold. */
const callsMax = limits.historyMessagesMax / 10;

/**
 * Messages of a conversation, oldest first, replies behind the message that they stand below. Slack tells the newest
 * first, so its messages (not their threads) are held until the first line comes.
 * @throws Failure with one sentence, also in the middle
 */
export async function* historyOfSlack(
  settings: SlackSettings,
  { conversation, ...deps }: HistoryDeps,
): AsyncGenerator<HistoryLine> {
  const { bot: client } = createClients(settings, deps);
  const directory = createDirectory({ client, clock: deps.clock, log: deps.log });
  try {
    const self = selfOf(await client.call("auth.test"));
    const all = await pagesOf(client, { deps, channel: conversation });
    for (const message of all) {
      yield await lineOf(message, { directory, self });
      if ((message.reply_count ?? 0) === 0) continue;
      for (const reply of await pagesOf(client, { deps, channel: conversation, thread: message.ts })) {
        if (reply.ts !== message.ts) yield await lineOf(reply, { directory, self });
      }
    }
  } catch (error) {
    throw failureOf(error, conversation);
  }
}

async function pagesOf(
  client: Client,
  { deps, channel, thread }: { deps: Pick<HistoryDeps, "clock" | "signal">; channel: string; thread?: string },
): Promise<SlackMessage[]> {
  const all: SlackMessage[] = [];
  let cursor = "";
  for (let tries = 0, calls = 0; all.length < limits.historyMessagesMax && calls < callsMax; calls += 1) {
    deps.signal?.throwIfAborted();
    try {
      const page = await readPage(client, {
        channel,
        thread,
        limit: limits.gapPageMessages,
        ...(cursor === "" ? {} : { cursor }),
      });
      all.push(...page.messages);
      tries = 0;
      if (page.next === "") break;
      cursor = page.next;
    } catch (error) {
      const wait = retryAfterOf(error);
      tries += 1;
      if (wait === undefined || tries >= triesMax) throw error;
      await deps.clock.sleep(wait, deps.signal);
    }
  }
  return all.toSorted((one, other) => microsOf(one.ts) - microsOf(other.ts));
}

async function lineOf(
  message: SlackMessage,
  { directory, self }: { directory: ReturnType<typeof createDirectory>; self: Self },
): Promise<HistoryLine> {
  const { user, bot_id: bot, ts, thread_ts: thread } = message;
  const needed = idsIn(message.text ?? "");
  await directory.prepare({ ...needed, users: [...(user === undefined ? [] : [user]), ...needed.users] });
  const { text, mentioned } = readText(message.text ?? "", { names: directory.names, self: self.user });
  const id = user ?? bot ?? "";
  const name = directory.names.user(id);
  const files = filesIn(message.files).map(({ id: file, name: called, title }) => called ?? title ?? file);
  return {
    id: ts,
    ts: new Date(millisOf(ts)).toISOString(),
    ...(thread === undefined || thread === ts ? {} : { thread }),
    sender: { id, ...(name === undefined ? {} : { displayName: name }), isBot: bot !== undefined },
    text,
    ...(files.length === 0 ? {} : { attachments: files }),
    ...(mentioned ? { isMention: true } : {}),
  };
}

function failureOf(error: unknown, conversation: string): unknown {
  if (error instanceof Failure || !(error instanceof Error) || error.name === "AbortError") return error;
  const what = `Cannot download ${JSON.stringify(conversation.slice(0, 80))}`;
  const scope = scopeProblem(error);
  if (scope !== undefined) return new Failure("settings", `${what}: ${scope}`, { cause: error });
  if (isTokenRefused(error))
    return new Failure("settings", `${what}: Slack does not take the bot token`, { cause: error });
  if (error instanceof SlackRefusal && /^(?:channel_not_found|not_in_channel)$/.test(error.code)) {
    return new Failure("not-found", `${what}: the app is in no conversation with this id`, {
      hint: "Invite it there: /invite",
      cause: error,
    });
  }
  return new Failure("internal", `${what}: ${reasonOf(error)}`, { detail: errorText(error), cause: error });
}
