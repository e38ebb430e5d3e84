// What goes out: messages, edits, files and signs, each call once, each failure with its fate.
import { createHash } from "node:crypto";
import * as v from "valibot";
import { errorText } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import type { ReplyTarget } from "../../core/session.ts";
import { excerpt } from "../../core/words.ts";
import { type AdapterHandle, PlatformError, type PlatformMessage } from "../../gateway/handle.ts";
import type { AdapterDeps } from "../adapter.ts";
import { createRecent } from "../recent.ts";
import type { Call, Client } from "./client.ts";
import { componentsOf } from "./components.ts";
import { type CallKind, isForbidden, platformError, reasonOf, retryAfterOf } from "./errors.ts";
import { bare, createFinder, type Own } from "./finding.ts";
import { contentMax, nothingYet, render, renderCaption, renderForming } from "./format.ts";
import { snowflakeSchema } from "./snowflake.ts";
import { overError, type Ticket, type Tickets, ticketRoute } from "./tickets.ts";

/** Flags of a message: docs.discord.com/developers/resources/message#message-object-message-flags. */
const suppressEmbeds = 1 << 2;
const ephemeral = 1 << 6;
const suppressNotifications = 1 << 12;
/** Longest nonce that Discord takes. */
const nonceMax = 25;
const seenEmoji = encodeURIComponent("👀");

export type Outbound = Pick<Required<AdapterHandle>, "render" | "post" | "change" | "file" | "find" | "signal">;

interface OutboundDeps extends Pick<AdapterDeps, "log" | "clock"> {
  client: Pick<Client, "call">;
  tickets: Tickets;
  own: Own;
  /** The bot's own id; undefined before it is known. */
  self(): string | undefined;
}

const sentSchema = v.looseObject({ id: snowflakeSchema, content: v.fallback(v.string(), "") });

/** The outgoing half of a handle. */
export function createOutbound(deps: OutboundDeps): Outbound {
  const { client, log, clock, tickets, own } = deps;
  /** Until when a channel wants to be left alone, by what it answered. */
  const quiet = createRecent<number>(limits.adapterNotesMax);
  /** Channels of which it was logged that the bot may not write there. */
  const told = createRecent<true>(limits.adapterNotesMax);
  const finder = createFinder(deps);

  /** Makes a call; what it throws is a PlatformError. */
  const run = async (target: ReplyTarget, { kind, call }: { kind: CallKind; call: Call }): Promise<unknown> => {
    try {
      return await client.call(call);
    } catch (error) {
      const channel = channelOf(target);
      const wait = retryAfterOf(error);
      if (wait !== undefined) quiet.set(channel, clock.monotonic() + wait);
      const failure = platformError(error, kind);
      if (kind === "send" && isForbidden(error) && !told.has(channel)) {
        told.set(channel, true);
        log.warn("The bot may not write in a channel", { channel, error: failure.message });
      }
      throw failure;
    }
  };
  const sent = async (target: ReplyTarget, order: { kind: CallKind; call: Call }) => {
    const answer = v.safeParse(sentSchema, await run(target, order));
    if (!answer.success) throw new PlatformError("Discord did not say which message it was", { fate: "unknown" });
    own.note(answer.output.id);
    return answer.output;
  };
  const make = async (target: ReplyTarget, order: { kind: CallKind; call: Call }): Promise<string> =>
    (await sent(target, order)).id;
  /** Sends by the interaction that is answered: the first takes the place of "thinking". */
  const answer = async (
    target: ReplyTarget,
    { ticket, nonce, body, files }: { ticket: Ticket; nonce: string; body: object; files?: Call["files"] },
  ): Promise<string> => {
    if (!(await ticket.acknowledged)) throw overError();
    const first = ticket.deferred && (ticket.first === undefined || ticket.first === nonce);
    if (first) ticket.first = nonce;
    const call: Call = first
      ? {
          method: "PATCH",
          route: ticketRoute(ticket, "@original"),
          body: { ...body, flags: suppressEmbeds },
          auth: false,
        }
      : {
          method: "POST",
          route: ticketRoute(ticket),
          body: { ...body, flags: suppressEmbeds | (ticket.shared ? ephemeral : 0) },
          auth: false,
        };
    try {
      return await make(target, {
        kind: first ? "change" : "send",
        call: { ...call, ...(files === undefined ? {} : { files }) },
      });
    } catch (error) {
      throw error instanceof PlatformError && error.fate === "gone" ? overError() : error;
    }
  };

  return {
    render(markdown, form) {
      if (form === "forming") return [renderForming(markdown) ?? nothingYet];
      // One more than is sent, so that whoever counts sees that it goes on.
      const parts = render(markdown, { partsMax: limits.answerPartsMax + 1 });
      return parts.length === 0 ? [nothingYet] : parts;
    },
    async post(target, message) {
      const ticket = tickets.of(target);
      const shown = shownOf(message);
      if (ticket !== undefined) return answer(target, { ticket, nonce: message.nonce, body: shown });
      const body = {
        ...shown,
        ...headOf(message),
        flags: suppressEmbeds | (message.audible ? 0 : suppressNotifications),
      };
      const channel = channelOf(target);
      const { id, content } = await sent(target, {
        kind: "send",
        call: { method: "POST", route: `/channels/${channel}/messages`, body },
      });
      if (bare(content) === bare(shown.content)) return id;
      // An earlier send under this nonce had arrived, with other words: a marker, which nobody could find by them.
      const call: Call = {
        method: "PATCH",
        route: `/channels/${channel}/messages/${id}`,
        body: { ...shown, flags: suppressEmbeds },
      };
      await run(target, { kind: "send", call });
      return id;
    },
    async change(target, { ref, message }) {
      const ticket = tickets.of(target);
      const place =
        ticket === undefined
          ? (`/channels/${channelOf(target)}/messages/${messageId(ref)}` as const)
          : ticketRoute(ticket, messageId(ref));
      const call: Call =
        message === undefined
          ? { method: "DELETE", route: place, auth: ticket === undefined }
          : {
              method: "PATCH",
              route: place,
              auth: ticket === undefined,
              body: { ...shownOf(message), flags: suppressEmbeds },
            };
      await run(target, { kind: "change", call });
    },
    async file(target, { name, bytes, caption = "", replyTo, nonce }) {
      const ticket = tickets.of(target);
      const files = [{ name: uploadName(name), data: bytes, contentType: "application/octet-stream" }];
      const content = caption.trim() === "" ? "" : renderCaption(caption);
      const body = { ...(content === "" ? {} : { content }), allowed_mentions: { parse: [] } };
      if (ticket !== undefined) return answer(target, { ticket, nonce, body, files });
      const whole = {
        ...body,
        ...headOf({ nonce, replyTo, audible: false }),
        flags: suppressEmbeds | suppressNotifications,
      };
      return make(target, {
        kind: "send",
        call: { method: "POST", route: `/channels/${channelOf(target)}/messages`, body: whole, files },
      });
    },
    async find(target, { nonce, body, since }) {
      const ticket = tickets.of(target);
      const { replyTo } = target;
      if (ticket === undefined) return finder(channelOf(target), { nonce: nonceOf(nonce), body, replyTo, since });
      // What takes the place of "thinking" may be put there again; of anything more nobody can tell.
      if (ticket.first === nonce) return undefined;
      throw new PlatformError("Nobody can look for a private answer on Discord", { fate: "unknown" });
    },
    async signal(target, what) {
      const channel = channelOf(target);
      // A channel that is flooded is not asked for more, least of all for this.
      if (target.onlyFor !== undefined || (quiet.get(channel) ?? 0) > clock.monotonic()) return;
      const { replyTo } = target;
      if (what === "seen" && replyTo === undefined) return;
      const call: Call =
        what === "typing"
          ? { method: "POST", route: `/channels/${channel}/typing` }
          : {
              method: "PUT",
              route: `/channels/${channel}/messages/${messageId(replyTo ?? "")}/reactions/${seenEmoji}/@me`,
            };
      try {
        await client.call(call);
      } catch (error) {
        log.debug("A sign was not shown", {
          what,
          error: error instanceof PlatformError ? errorText(error) : reasonOf(error),
        });
      }
    },
  };
}

/** What a message shows. Nobody is called by it, whatever stands in it. */
function shownOf({ body, buttons }: PlatformMessage) {
  return {
    // What was taken out of it since it was made may have left more behind.
    content: body.slice(0, contentMax).toWellFormed(),
    components: componentsOf(buttons),
    allowed_mentions: { parse: [] as string[], replied_user: false },
  };
}

/** What makes a repetition known, and what is answered. An answer that rings calls the one who wrote that. */
function headOf({ nonce, replyTo, audible }: { nonce: string; replyTo?: string | undefined; audible: boolean }) {
  const once = { nonce: nonceOf(nonce), enforce_nonce: true };
  if (replyTo === undefined || !v.is(snowflakeSchema, replyTo)) return once;
  return {
    ...once,
    message_reference: { type: 0, message_id: replyTo, fail_if_not_exists: false },
    allowed_mentions: { parse: [] as string[], replied_user: audible },
  };
}

/** The same for the same, and never too long. */
function nonceOf(nonce: string): string {
  return nonce.length <= nonceMax ? nonce : createHash("sha256").update(nonce).digest("hex").slice(0, nonceMax);
}

/** The channel or thread where a target is; it becomes a part of addresses. */
function channelOf({ thread, conversation }: ReplyTarget): string {
  return messageId(thread ?? conversation.id);
}

function messageId(text: string): string {
  if (v.is(snowflakeSchema, text)) return text;
  throw new PlatformError(`Discord has no message or channel ${JSON.stringify(excerpt(text, 30))}`, {
    fate: "refused",
  });
}

/** A name as a header takes it: no line, no path, nothing that ends the value. */
function uploadName(name: string): string {
  const plain = name.toWellFormed().replace(/[\p{C}"\\/;]+/gu, "_");
  // The end is what programs know a file by.
  return plain.length > 120
    ? `${plain.slice(0, 80).toWellFormed()}…${plain.slice(-30).toWellFormed()}`
    : plain || "file";
}
