// What goes out: messages, edits, files and signs, each call once, each failure with its fate.
import { type Api, GrammyError, InputFile } from "grammy";
import type { InlineKeyboardMarkup, ReplyParameters } from "grammy/types";
import { errorText, Failure } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import type { ReplyTarget } from "../../core/session.ts";
import { type AdapterHandle, type Button, PlatformError } from "../../gateway/handle.ts";
import type { Log } from "../../sys/log.ts";
import type { AdapterDeps } from "../adapter.ts";
import { createRecent } from "../recent.ts";
import {
  type CallKind,
  isMarkupRefused,
  isNotModified,
  isPictureRefused,
  isTokenRefused,
  movedTo,
  platformError,
  reasonOf,
  retryAfterOf,
} from "./errors.ts";
import { type Part, render, renderCaption, renderForming } from "./format.ts";
import type { Moves } from "./moves.ts";

/** Stands between the two forms of a text in a stored body; no text has it. */
const formsApart = "\u001E";
const textUnitsMax = 4_096;
const captionUnitsMax = 1_024;
/** What a message that cannot be deleted any more is changed to. */
const removedText = "(removed)";

export type Outbound = Pick<AdapterHandle, "render" | "post" | "change" | "file" | "signal">;

/** The outgoing half of a handle. */
export function createOutbound({
  deps,
  api,
  moves,
  onTokenRefused,
}: {
  deps: Pick<AdapterDeps, "log" | "clock">;
  api(): Api;
  moves: Moves;
  onTokenRefused(): void;
}): Outbound {
  const { log, clock } = deps;
  /** Until when a chat wants to be left alone, by what it answered. */
  const quiet = createRecent<number>(limits.adapterNotesMax);

  const note = (from: string, to: string): void => {
    try {
      moves.note(from, to);
    } catch (error) {
      throw new PlatformError(`Cannot store where a group went: ${errorText(error)}`, { fate: "later" });
    }
  };
  /** Makes a call in the chat where the target is now; what it throws is a PlatformError. */
  const call = async <Result>(
    { conversation: { id } }: ReplyTarget,
    { kind, run }: { kind: CallKind; run(chat: number, moved: boolean): Promise<Result> },
  ): Promise<Result> => {
    try {
      const at = moves.of(id);
      try {
        return await run(messageId(at), at !== id);
      } catch (error) {
        const to = movedTo(error);
        if (to === undefined || to === at) throw error;
        note(id, to);
        // Its message stayed there: what becomes of it is decided anew.
        if (kind === "change") throw new PlatformError("The group has another id now", { fate: "later" });
        return await run(messageId(to), true);
      }
    } catch (error) {
      const wait = retryAfterOf(error);
      if (wait !== undefined) quiet.set(id, clock.now() + wait);
      if (isTokenRefused(error)) onTokenRefused();
      throw failed(error, kind);
    }
  };

  const remove = async (target: ReplyTarget, ref: string): Promise<void> => {
    const run = async (chat: number) => {
      try {
        await api().deleteMessage(chat, messageId(ref));
      } catch (error) {
        if (!(error instanceof GrammyError) || !/can't be deleted/i.test(error.description)) throw error;
        await api().editMessageText(chat, messageId(ref), removedText);
      }
    };
    await call(target, { kind: "change", run });
  };

  return {
    render(markdown, form) {
      if (form === "forming") return [bodyOf(renderForming(markdown) ?? nothingYet)];
      // One more than is sent, so that whoever counts sees that it goes on.
      const { parts } = render(markdown, { partsMax: limits.answerPartsMax + 1 });
      return parts.length === 0 ? [bodyOf(nothingYet)] : parts.map(bodyOf);
    },
    async post(target, message) {
      const run = (chat: number, moved: boolean) =>
        eitherForm(log, (markup) => {
          const { text, ...form } = formOf(message.body, { markup, unitsMax: textUnitsMax });
          return api().sendMessage(chat, text, {
            ...form,
            ...placed(target, { replyTo: moved ? undefined : message.replyTo }),
            link_preview_options: { is_disabled: true },
            disable_notification: !message.audible,
            ...keyboardOf(message.buttons),
          });
        });
      return sentId(await call(target, { kind: "send", run }));
    },
    async change(target, { ref, message }) {
      if (message === undefined) return await remove(target, ref);
      const run = async (chat: number) => {
        try {
          await eitherForm(log, (markup) => {
            const { text, ...form } = formOf(message.body, { markup, unitsMax: textUnitsMax });
            return api().editMessageText(chat, messageId(ref), text, {
              ...form,
              link_preview_options: { is_disabled: true },
              ...keyboardOf(message.buttons),
            });
          });
        } catch (error) {
          if (!isNotModified(error)) throw error;
        }
      };
      await call(target, { kind: "change", run });
    },
    async file(target, { name, bytes, caption, replyTo }) {
      const run = (chat: number, moved: boolean) =>
        sendFile(api(), {
          chat,
          name,
          bytes,
          caption,
          log,
          options: placed(target, { replyTo: moved ? undefined : replyTo }),
        });
      return sentId(await call(target, { kind: "send", run }));
    },
    async signal(target, what) {
      // A chat that is flooded is not asked for more, least of all for this.
      if ((quiet.get(target.conversation.id) ?? 0) > clock.now()) return;
      const run = async (chat: number): Promise<void> => {
        if (what === "typing") await api().sendChatAction(chat, "typing", topicOf(target));
        else if (target.replyTo !== undefined) {
          await api().setMessageReaction(chat, messageId(target.replyTo), [{ type: "emoji", emoji: "👀" }]);
        }
      };
      try {
        await call(target, { kind: "change", run });
      } catch (error) {
        log.debug("A sign was not shown", { what, error: errorText(error) });
      }
    },
  };
}

const nothingYet: Part = { html: "…", plain: "…" };

interface Upload {
  chat: number;
  name: string;
  bytes: Uint8Array;
  caption: string | undefined;
  options: Placed;
  log: Log;
}

/** Photos are shown by phones; everything else, and what Telegram does not take as a photo, is a document. */
async function sendFile(
  api: Api,
  { chat, name, bytes, caption, options, log }: Upload,
): Promise<{ message_id: number }> {
  const body = captionBody(caption);
  const sendAs = (as: "photo" | "document") =>
    eitherForm(log, (markup) => {
      const file = new InputFile(bytes, uploadName(name));
      const { text, ...form } = body === undefined ? {} : formOf(body, { markup, unitsMax: captionUnitsMax });
      const all = { ...options, ...form, ...(text === undefined ? {} : { caption: text }) };
      const sent: Promise<{ message_id: number }> =
        as === "photo" ? api.sendPhoto(chat, file, all) : api.sendDocument(chat, file, all);
      return sent;
    });
  if (bytes.byteLength > limits.shownImageBytesMax || !isImage(bytes)) return await sendAs("document");
  try {
    return await sendAs("photo");
  } catch (error) {
    if (!isPictureRefused(error)) throw error;
    return await sendAs("document");
  }
}

/** The text under a file; one that does not fit is cut. */
function captionBody(caption: string | undefined): string | undefined {
  if (caption === undefined || caption.trim() === "") return undefined;
  const part = renderCaption(caption);
  return part === null ? `${caption.slice(0, captionUnitsMax - 1).toWellFormed()}…` : bodyOf(part);
}

/** Sends or edits with markup, and once more without when Telegram does not take it. */
async function eitherForm<Result>(log: Log, run: (markup: boolean) => Promise<Result>): Promise<Result> {
  try {
    return await run(true);
  } catch (error) {
    if (!isMarkupRefused(error)) throw error;
    log.warn("Telegram did not take the markup", { error: reasonOf(error) });
    return await run(false);
  }
}

/** A name as a header takes it: no line, no path, nothing that ends the value. */
function uploadName(name: string): string {
  const plain = name.toWellFormed().replace(/[\p{C}"\\/;]+/gu, "_");
  // The end is what programs know a file by.
  return plain.length > 120
    ? `${plain.slice(0, 80).toWellFormed()}…${plain.slice(-30).toWellFormed()}`
    : plain || "file";
}

/** Whether the bytes are those of a picture that Telegram shows (JPEG, PNG, WebP). */
function isImage(bytes: Uint8Array): boolean {
  const head = String.fromCharCode(...bytes.subarray(0, 12));
  return head.startsWith("\xFF\xD8\xFF") || head.startsWith("\x89PNG\r\n\x1A\n") || /^RIFF.{4}WEBP/s.test(head);
}

function bodyOf({ html, plain }: Part): string {
  return `${html.replaceAll(formsApart, "")}${formsApart}${plain.replaceAll(formsApart, "")}`;
}

/** One of the two forms in a body. */
function formOf(body: string, { markup, unitsMax }: { markup: boolean; unitsMax: number }) {
  const at = body.indexOf(formsApart);
  if (markup && at !== -1) return { text: body.slice(0, at), parse_mode: "HTML" as const };
  return { text: body.slice(at + 1, at + 1 + unitsMax).toWellFormed() };
}

type Placed = ReturnType<typeof placed>;

/** Where in the chat, and what it answers. */
function placed(
  target: ReplyTarget,
  { replyTo }: { replyTo: string | undefined },
): { message_thread_id?: number; reply_parameters?: ReplyParameters } {
  const answered = replyTo === undefined ? undefined : Number(replyTo);
  return {
    ...topicOf(target),
    ...(answered === undefined || !Number.isSafeInteger(answered)
      ? {}
      : { reply_parameters: { message_id: answered, allow_sending_without_reply: true } }),
  };
}

function topicOf({ thread }: ReplyTarget): { message_thread_id?: number } {
  return thread === undefined ? {} : { message_thread_id: messageId(thread) };
}

/** Widest row of buttons, in characters of their labels, and how many stand in it. */
const rowCharsMax = 32;
const rowButtonsMax = 3;

/** The buttons, side by side where their labels are short. */
function keyboardOf(buttons: readonly Button[]): { reply_markup?: InlineKeyboardMarkup } {
  if (buttons.length === 0) return {};
  const rows: { text: string; callback_data: string }[][] = [];
  let room = 0;
  for (const { label, data } of buttons.slice(0, 100)) {
    const text = label.trim() === "" ? "·" : label;
    const length = [...text].length + 4;
    const row = rows.at(-1);
    if (row === undefined || row.length >= rowButtonsMax || length > room) {
      rows.push([{ text, callback_data: data }]);
      room = rowCharsMax - length;
    } else {
      row.push({ text, callback_data: data });
      room -= length;
    }
  }
  return { reply_markup: { inline_keyboard: rows } };
}

/** An id of ours as Telegram takes it. */
function messageId(text: string): number {
  const id = Number(text);
  if (text === "" || !Number.isSafeInteger(id)) {
    throw new PlatformError(`Telegram has no message or chat ${JSON.stringify(text.slice(0, 30))}`, {
      fate: "refused",
    });
  }
  return id;
}

/** Any failure of a call: settings that lack the token may be mended. */
function failed(error: unknown, kind: CallKind): PlatformError {
  if (!(error instanceof Failure)) return platformError(error, kind);
  return new PlatformError(error.message, { fate: "later", retryAfterMs: limits.refusedTokenMs, everywhere: true });
}

/** @throws PlatformError `unknown` when the answer names no message. */
function sentId(sent: { message_id?: unknown } | null | undefined): string {
  const id = sent?.message_id;
  if (typeof id === "number" && Number.isSafeInteger(id)) return String(id);
  throw new PlatformError("Telegram did not say which message it was", { fate: "unknown" });
}
