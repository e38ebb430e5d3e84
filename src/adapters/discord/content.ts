// What a message holds: its text with names in place of ids, files as references, everything else in words.
import { limits } from "../../core/limits.ts";
import type { FileRef } from "../../core/message.ts";
import { excerpt } from "../../core/words.ts";
import type { Content, User } from "./dispatches.ts";

/** Names of what texts refer to by id; undefined for what is not known. */
export interface Names {
  channel(id: string): string | undefined;
  role(id: string): string | undefined;
}

/** The bot itself, and the role that each server made for it. */
export interface Self {
  id: string;
  name: string;
  isOwnRole(id: string): boolean;
}

/** Longest name that is shown. */
const nameCharsMax = 100;

/** A name for display: it decides nothing. */
export function nameOf(user: Pick<User, "id" | "username" | "global_name">, nick?: string): string {
  const name = [nick, user.global_name, user.username].find((one) => one !== undefined && one.trim() !== "");
  return excerpt(name ?? user.id, nameCharsMax);
}

/** The text as the agent reads it, without mentions of the bot, and whether it was mentioned. */
export function readText(content: Content, { self, names }: { self: Self; names: Names }) {
  const people = new Map((content.mentions ?? []).map((user) => [user.id, nameOf(user, user.member?.nick)] as const));
  let mentioned = false;
  let marks = 0;
  const read = (content.content ?? "")
    .replaceAll(ownMark, "")
    .replace(
      /```[\s\S]*?```|`[^`\n]*`|<(@[!&]?|#)([1-9]\d{0,19})>|<a?:(\w{1,32}):\d{1,20}>|<t:(-?\d{1,12})(?::[tTdDfFR])?>/g,
      (whole, sign?: string, id?: string, emoji?: string, seconds?: string) => {
        marks += 1;
        if (marks > limits.marksMax) return whole;
        if (emoji !== undefined) return `:${emoji}:`;
        if (seconds !== undefined) return timeText(Number(seconds)) ?? whole;
        if (sign === undefined || id === undefined) return whole;
        const own = sign === "@&" ? self.isOwnRole(id) : sign !== "#" && id === self.id;
        if (own) {
          mentioned = true;
          return ownMark;
        }
        const name = sign === "#" ? names.channel(id) : sign === "@&" ? names.role(id) : people.get(id);
        return name === undefined ? whole : `${sign === "#" ? "#" : "@"}${name}`;
      },
    );
  return { text: withoutOwn(read), mentioned };
}

/** Stands where the bot was mentioned; no text has it. */
const ownMark = "\u001F";

/** The mention with the blank beside it, or what sets off an address at the beginning. */
function withoutOwn(text: string): string {
  if (!text.includes(ownMark)) return text;
  return text
    .replace(/^\s*(?:\u001F[\s,:]*)+/, "")
    .replace(/[ \t]?\u001F/g, "")
    .trim();
}

/** A moment as everybody reads it: `2026-11-21 13:49 UTC`. */
function timeText(seconds: number): string | undefined {
  const at = new Date(seconds * 1000);
  return Number.isNaN(at.getTime()) ? undefined : `${at.toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/** The flag of a voice message: docs.discord.com/developers/resources/message#message-object-message-flags. */
const voiceFlag = 1 << 13;

/** The files of a message. `ref` names the message, where a new address is found when the old one has expired. */
export function filesOf(content: Content, at: { channel: string; message: string }): FileRef[] {
  return (content.attachments ?? []).map(({ id, filename, content_type: mime, size, url }) => ({
    name: filename === undefined || filename.trim() === "" ? `attachment-${id}` : filename.slice(0, 255),
    ref: JSON.stringify({ channel: at.channel, message: at.message, id, url }),
    ...(mime === undefined ? {} : { mime: mime.slice(0, 100) }),
    ...(size === undefined ? {} : { bytes: size }),
  }));
}

/** What is neither text nor file, in words, one line each. */
export function wordsOf(content: Content): string[] {
  const { sticker_items: stickers = [], poll, flags = 0, attachments = [] } = content;
  const words = stickers.map(({ name }) => `[Sticker: ${excerpt(name ?? "", nameCharsMax)}]`);
  if (poll !== undefined) {
    const answers = (poll.answers ?? []).map(({ poll_media: media }, index) => `${index + 1}) ${media?.text ?? ""}`);
    words.push(`[Poll: ${[poll.question?.text ?? "", ...answers].join(", ").slice(0, 4_000)}]`);
  }
  if ((flags & voiceFlag) !== 0) {
    const seconds = attachments[0]?.duration_secs;
    words.push(`[Voice message${seconds === undefined ? "" : `: ${Math.round(seconds)} s`}]`);
  }
  return words;
}

/** What a message is about, in one short text, for a quote. */
export function gist(content: Content, facts: { self: Self; names: Names }): string {
  const { text } = readText(content, facts);
  const shown = (content.embeds ?? []).flatMap(({ title, description }) => [title, description]);
  const rest = [
    ...wordsOf(content),
    ...(content.attachments ?? []).map(({ filename = "" }) => `[File: ${excerpt(filename, nameCharsMax)}]`),
    ...(text === "" ? shown.filter((one) => one !== undefined) : []),
  ];
  return [text, ...rest].filter((part) => part !== "").join(" ");
}

/** The beginning of a text that is quoted. */
export function head(text: string): string {
  const start = text.slice(0, limits.quoteCharsMax).toWellFormed();
  return text.length > start.length ? `${start}…` : start;
}
