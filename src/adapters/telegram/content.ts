// What a message holds beside its text: files as references, everything else in words.
import type { FileRef } from "../../core/message.ts";
import { excerpt } from "../../core/words.ts";
import type { Content, Origin, User } from "./updates.ts";

/** Kinds that a bot cannot open, by the member that holds them. */
const closedKinds = ["story", "game", "invoice", "paid_media", "giveaway"] as const;

/** Longest name that is shown. */
const nameCharsMax = 100;

/** The files of a message. Names that the sender did not give tell what it is and where it came from. */
export function filesOf(content: Content, messageId: number): FileRef[] {
  const files: FileRef[] = [];
  const add = (
    file: { file_id: string; file_size?: number | undefined; file_name?: string; mime_type?: string } | undefined,
    fallback: { name: string; mime: string },
  ) => {
    if (file === undefined) return;
    files.push({
      name: file.file_name === undefined || file.file_name.trim() === "" ? fallback.name : file.file_name.slice(0, 255),
      mime: file.mime_type ?? fallback.mime,
      ref: file.file_id,
      ...(file.file_size === undefined ? {} : { bytes: file.file_size }),
    });
  };
  const largest = [...(content.photo ?? [])].sort((a, b) => area(b) - area(a))[0];
  add(largest, { name: `photo-${messageId}.jpg`, mime: "image/jpeg" });
  // An animation comes with a document that is the same file.
  if (content.animation === undefined) {
    add(content.document, { name: `document-${messageId}`, mime: "application/octet-stream" });
  }
  add(content.animation, { name: `animation-${messageId}.mp4`, mime: "video/mp4" });
  add(content.voice, { name: `voice-${messageId}.ogg`, mime: "audio/ogg" });
  add(content.audio, { name: `audio-${messageId}.mp3`, mime: "audio/mpeg" });
  add(content.video, { name: `video-${messageId}.mp4`, mime: "video/mp4" });
  add(content.video_note, { name: `video-${messageId}.mp4`, mime: "video/mp4" });
  return files;
}

function area({ width = 0, height = 0, file_size = 0 }: NonNullable<Content["photo"]>[number]): number {
  return width * height || file_size;
}

/** What is neither text nor file, in words, one line each. */
export function wordsOf(content: Content): string[] {
  const { location, venue, contact, poll, sticker, dice, checklist } = content;
  const words: string[] = [];
  const say = (kind: string, ...facts: (string | number | undefined)[]) => {
    const told = facts.filter((fact) => fact !== undefined && fact !== "").join(", ");
    words.push(`[${kind}${told === "" ? "" : `: ${told.slice(0, 4_000)}`}]`);
  };
  if (location !== undefined) {
    const place = `${location.latitude}, ${location.longitude}`;
    say(location.live_period === undefined ? "Location" : "Live location", venue?.title, venue?.address, place);
  }
  if (contact !== undefined) say("Contact", nameOf(contact), contact.phone_number);
  if (poll !== undefined) {
    say("Poll", poll.question, ...(poll.options ?? []).map((option, index) => `${index + 1}) ${option.text}`));
  }
  if (sticker !== undefined) say("Sticker", sticker.emoji);
  if (dice !== undefined) say("Dice", dice.emoji, dice.value);
  if (checklist !== undefined) {
    const tasks = (checklist.tasks ?? []).map((task) => `${task.completion_date ? "[x]" : "[ ]"} ${task.text}`);
    say("Checklist", checklist.title, ...tasks);
  }
  for (const kind of closedKinds) {
    if (content[kind] !== undefined) say(`A ${kind.replace("_", " ")}, which bots cannot open`);
  }
  return words;
}

/** What a message is about, in one short text, for a quote. */
export function gist(content: Content): string {
  const text = content.text ?? content.caption;
  if (text !== undefined && text !== "") return text;
  return [...wordsOf(content), ...filesOf(content, 0).map(({ mime }) => `[File: ${mime}]`)].join(" ");
}

/** A name for display: it decides nothing. */
export function nameOf(person: Pick<User, "first_name" | "last_name" | "username">): string {
  const full = [person.first_name, person.last_name]
    .filter((part) => part !== undefined && part.trim() !== "")
    .join(" ");
  return excerpt(full === "" ? (person.username ?? "") : full, nameCharsMax);
}

/** Whom a forwarded message comes from. */
export function originName(origin: Origin): string {
  if (origin.sender_user !== undefined) return nameOf(origin.sender_user);
  const chat = origin.sender_chat ?? origin.chat;
  return excerpt(origin.sender_user_name ?? chat?.title ?? chat?.username ?? "", nameCharsMax) || "somebody";
}
