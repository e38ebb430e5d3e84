// What a person sees on the screen of the fake Telegram; tests look here.
import { type Chat, type Json, type Message, userOf, type World } from "./world.ts";

export interface MessageView {
  id: number;
  from: number;
  /** Whether a bot wrote it. */
  byBot: boolean;
  /** Plain text, or the caption. */
  text: string;
  entities: { type: string; text: string; url?: string; language?: string }[];
  /** Row by row. */
  buttons: { text: string; data?: string; url?: string; app?: string }[][];
  replyTo?: number;
  quote?: string;
  thread?: number;
  /** True when no sound was made (disable_notification). */
  silent: boolean;
  /** How often it was changed. */
  edits: number;
  /** Every form of it, oldest first. `at` in ms. */
  forms: Message["forms"];
  file?: { kind: string; name?: string; mime?: string; bytes: Uint8Array; size: number };
  mediaGroup?: string;
  /** By user id. */
  reactions: Record<number, string[]>;
  linkPreview?: Json;
  service?: Json;
  pinned: boolean;
  deleted: boolean;
  /** Unix seconds. */
  date: number;
}

export function viewMessage(world: World, message: Message): MessageView {
  const {
    id,
    from,
    text,
    replyTo,
    quote,
    thread,
    silent,
    edits,
    media,
    mediaGroup,
    linkPreview,
    service,
    pinned,
    deleted,
    date,
  } = message;
  return {
    id,
    from,
    byBot: userOf(world, from).isBot,
    text,
    entities: message.entities.map(({ type, offset, length, url, language }) => ({
      type,
      text: text.slice(offset, offset + length),
      ...(url === undefined ? {} : { url }),
      ...(language === undefined ? {} : { language }),
    })),
    buttons: (message.buttons ?? []).map((row) => row.map(viewButton)),
    replyTo,
    quote,
    thread,
    silent,
    edits,
    forms: structuredClone(message.forms),
    file:
      media === undefined
        ? undefined
        : { kind: media.kind, name: media.name, mime: media.mime, bytes: media.bytes, size: media.size },
    mediaGroup,
    reactions: Object.fromEntries(message.reactions),
    linkPreview,
    service,
    pinned,
    deleted,
    date,
  };
}

function viewButton({
  text,
  callback_data,
  url,
  web_app,
}: Json & { text: string; callback_data?: string; url?: string }) {
  const app = typeof web_app === "object" && web_app !== null ? String((web_app as Json).url) : undefined;
  return {
    text,
    ...(callback_data === undefined ? {} : { data: callback_data }),
    ...(url === undefined ? {} : { url }),
    ...(app === undefined ? {} : { app }),
  };
}

/** The messages of a chat as they stand now, oldest first; deleted ones only when asked for. */
export function viewChat(
  world: World,
  chat: Chat,
  { thread, deleted = false }: { thread?: number; deleted?: boolean } = {},
): MessageView[] {
  return [...chat.messages.values()]
    .filter((message) => (deleted || !message.deleted) && (thread === undefined || message.thread === thread))
    .map((message) => viewMessage(world, message));
}
