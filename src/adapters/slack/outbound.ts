// What goes out: messages, edits, files and signs, each call once, each failure with its fate.
import { errorText } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import type { ReplyTarget } from "../../core/session.ts";
import { excerpt } from "../../core/words.ts";
import { type AdapterHandle, type Button, PlatformError, type PlatformMessage } from "../../gateway/handle.ts";
import type { AdapterDeps } from "../adapter.ts";
import { createRecent } from "../recent.ts";
import type { Answers, Content } from "./answers.ts";
import { type Answer, type Arguments, type Client, SlackRefusal } from "./client.ts";
import {
  type CallKind,
  isBlocksRefused,
  isCode,
  isStreaming,
  isTokenRefused,
  platformError,
  reasonOf,
  retryAfterOf,
} from "./errors.ts";
import { findSent, metadataOf } from "./find.ts";
import { type Block, blocksOf, plainBlocksOf, readBody, render, renderForming, textOf } from "./format.ts";
import type { Directory } from "./names.ts";
import type { Streams } from "./streams.ts";
import { createUploads } from "./uploads.ts";

/** Of a button's label, and buttons of one block. Source: docs.slack.dev/reference/block-kit. */
const labelCharsMax = 75;
const buttonsMax = 25;

export type Outbound = Pick<AdapterHandle, "render" | "post" | "change" | "file" | "find" | "signal">;

export interface OutboundDeps {
  deps: Pick<AdapterDeps, "log" | "clock" | "fetch">;
  client: Client;
  apiUrl: string;
  answers: Answers;
  streams: Streams;
  directory: Pick<Directory, "handle">;
  /** Our own bot's id, once it is known. */
  bot(): string | undefined;
  onTokenRefused(): void;
}

/** The outgoing half of a handle. */
export function createOutbound(parts: OutboundDeps): Outbound {
  const { deps, client, answers, streams, directory } = parts;
  const { log, clock } = deps;
  /** Until when a conversation wants to be left alone. Monotonic. */
  const quiet = createRecent<number>(limits.adapterNotesMax);
  /** Places in which no status can be shown. */
  const plain = createRecent<true>(limits.adapterNotesMax);
  const handles = { handles: directory.handle };

  /** Makes a call; what it throws is a PlatformError. */
  const guarded = async <Result>(
    { conversation: { id } }: ReplyTarget,
    kind: CallKind,
    run: () => Promise<Result>,
  ): Promise<Result> => {
    try {
      return await run();
    } catch (error) {
      const wait = retryAfterOf(error);
      if (wait !== undefined) quiet.set(id, clock.monotonic() + wait);
      if (isTokenRefused(error)) parts.onTokenRefused();
      throw platformError(error, kind);
    }
  };
  /** With blocks, and with the same words without marks when Slack does not take those. */
  const eitherForm = async (method: string, args: Arguments, { plain, ...content }: Content): Promise<Answer> => {
    try {
      return await client.call(method, { ...args, ...content });
    } catch (error) {
      if (!isBlocksRefused(error)) throw error;
      log.warn("Slack did not take the blocks", { error: reasonOf(error) });
      return await client.call(method, { ...args, ...content, blocks: plain });
    }
  };
  const update = async (target: ReplyTarget, ref: string, message: PlatformMessage): Promise<void> => {
    const args = {
      channel: target.conversation.id,
      ts: ref,
      metadata: metadataOf(message.nonce),
      unfurl_links: false,
      unfurl_media: false,
    };
    try {
      await eitherForm("chat.update", args, contentOf(message, ref));
    } catch (error) {
      if (!isStreaming(error)) throw error;
      // A stream of a life before.
      await streams.end({ channel: target.conversation.id, ts: ref });
      await eitherForm("chat.update", args, contentOf(message, ref));
    }
  };
  const uploads = createUploads({ ...parts, fetch: deps.fetch, clock });

  return {
    render: (markdown, form) =>
      form === "forming"
        ? [renderForming(markdown, handles)]
        : // One more than is sent, so that whoever counts sees that it goes on.
          render(markdown, { ...handles, partsMax: limits.answerPartsMax + 1 }),
    async post(target, message) {
      const { onlyFor } = target;
      if (onlyFor !== undefined)
        return await answers.post({ ...target, onlyFor }, message, (id) => contentOf(message, id));
      return await guarded(target, "send", async () => {
        // A stream takes no buttons before its end; until then the word `stop` and the home page do their work.
        const begun = message.forming ? await streams.start(target) : undefined;
        if (begun !== undefined) return begun;
        const args = {
          channel: target.conversation.id,
          thread_ts: target.thread,
          metadata: metadataOf(message.nonce),
          unfurl_links: false,
          unfurl_media: false,
        };
        return sentTs(await eitherForm("chat.postMessage", args, contentOf(message, message.nonce)));
      });
    },
    async change(target, { ref, message }) {
      if (answers.isOnly(ref)) {
        return await answers.change(ref, message === undefined ? undefined : (id) => contentOf(message, id));
      }
      const spot = { channel: target.conversation.id, ts: ref };
      await guarded(target, "change", async () => {
        if (
          message?.forming === true &&
          streams.isOpen(spot) &&
          (await streams.grow(spot, readBody(message.body).stream))
        )
          return;
        await streams.stop(spot);
        if (message !== undefined) await update(target, ref, message);
        else await client.call("chat.delete", { channel: target.conversation.id, ts: ref });
      });
    },
    file: (target, file) => guarded(target, "send", () => uploads(target, file)),
    find: (target, sent) =>
      guarded(target, "change", () =>
        findSent(client, { target, body: undefined, ...sent, bot: parts.bot(), isOpen: streams.isOpen }),
      ),
    async signal(target, what) {
      const { conversation, thread, replyTo } = target;
      // A place that is flooded is not asked for more, least of all for this.
      if ((quiet.get(conversation.id) ?? 0) > clock.monotonic()) return;
      try {
        if (what === "seen" && replyTo !== undefined) {
          await client.call("reactions.add", { channel: conversation.id, timestamp: replyTo, name: "eyes" });
        } else if (
          what === "typing" &&
          conversation.kind === "direct" &&
          thread !== undefined &&
          !plain.has(`${conversation.id}:${thread}`)
        ) {
          await client.call("assistant.threads.setStatus", {
            channel_id: conversation.id,
            thread_ts: thread,
            status: "is thinking…",
          });
        }
      } catch (error) {
        if (isCode(error, "already_reacted")) return;
        const wait = retryAfterOf(error);
        if (wait !== undefined) quiet.set(conversation.id, clock.monotonic() + wait);
        // Whoever has no assistant there will have none with the next turn either.
        else if (what === "typing" && error instanceof SlackRefusal)
          plain.set(`${conversation.id}:${thread ?? ""}`, true);
        log.debug("A sign was not shown", { what, error: errorText(error) });
      }
    },
  };
}

/** A message in Slack's form; `id` names the block of its buttons. */
function contentOf({ body, buttons }: PlatformMessage, id: string): Content {
  const { stretches } = readBody(body);
  const actions = actionsOf(buttons, id);
  return {
    text: textOf(stretches),
    blocks: [...blocksOf(stretches), ...actions],
    plain: [...plainBlocksOf(stretches), ...actions],
  };
}

function actionsOf(buttons: readonly Button[], id: string): Block[] {
  if (buttons.length === 0) return [];
  const elements = buttons.slice(0, buttonsMax).map(({ label, data }) => ({
    type: "button",
    action_id: data,
    text: { type: "plain_text", text: label.trim() === "" ? "·" : excerpt(label, labelCharsMax), emoji: false },
    value: data,
  }));
  return [{ type: "actions", block_id: id.slice(0, 255), elements }];
}

/** @throws PlatformError `unknown` when the answer names no message. */
function sentTs({ ts }: Answer): string {
  if (typeof ts === "string" && ts !== "") return ts;
  throw new PlatformError("Slack did not say which message it was", { fate: "unknown" });
}
