// What people do in the fake Telegram: tests drive them, bots hear of it.
import { noteEdit, put } from "./chats.ts";
import { assertWellFormed, captionUnitsMax, textUnitsMax, tidied, withFound } from "./entities.ts";
import { storedMedia } from "./methods-media.ts";
import { renderChat, renderMemberChange, renderMessage, renderUser } from "./render.ts";
import { sees, tell, tellMessage } from "./updates.ts";
import {
  botById,
  type Chat,
  isAdmin,
  isIn,
  type Json,
  type Message,
  messageIn,
  secondsNow,
  serial,
  type User,
  type World,
  word,
} from "./world.ts";

export interface SayOptions {
  replyTo?: number;
  /** The topic of a forum. */
  thread?: number;
  /** The part of the message replied to that is quoted. */
  quote?: string;
  /** As an administrator in the group's name. */
  anonymously?: boolean;
  /** Seconds that the message's date lies back. */
  agoS?: number;
}

export interface FileOptions extends SayOptions {
  caption?: string;
  name?: string;
  mime?: string;
  /** Claims another size than that of the bytes, so that a test need not make 20 MB. */
  size?: number;
  durationS?: number;
  width?: number;
  height?: number;
}

/** One person. Message ids go in and out; a thing that a person could not do throws, since it is the test's mistake. */
export interface Person {
  readonly id: number;
  readonly user: User;
  /** Writes a message; the first one in a private chat is what lets the bot answer. */
  say(chat: Chat, text: string, options?: SayOptions): number;
  /** Puts in a text of any length, which the person's program cuts into messages. */
  paste(chat: Chat, text: string, options?: SayOptions): number[];
  /** Anything else, by the fields that its message has: `{ sticker: { … } }`, `{ location: { … } }`. */
  sendOther(chat: Chat, content: Json, options?: SayOptions): number;
  sendPhoto(chat: Chat, bytes: Uint8Array, options?: FileOptions): number;
  sendDocument(chat: Chat, bytes: Uint8Array, options?: FileOptions): number;
  sendVoice(chat: Chat, bytes: Uint8Array, options?: FileOptions): number;
  sendAudio(chat: Chat, bytes: Uint8Array, options?: FileOptions): number;
  sendVideo(chat: Chat, bytes: Uint8Array, options?: FileOptions): number;
  /** An album: messages of their own with one media_group_id; the caption stands on the first. */
  sendAlbum(
    chat: Chat,
    items: {
      kind: "photo" | "document" | "audio" | "video";
      bytes: Uint8Array;
      name?: string;
      mime?: string;
      size?: number;
    }[],
    options?: SayOptions & { caption?: string },
  ): number[];
  forward(message: { chat: Chat; id: number }, to: Chat): number;
  edit(chat: Chat, id: number, text: string): void;
  /** Deletes for everybody. Bots are not told. */
  remove(chat: Chat, id: number): void;
  /** Puts these reactions in place of the old ones. */
  react(chat: Chat, id: number, emoji: string[]): void;
  /** Presses an inline button, by its place (row by row), its label or its data. Gives the id of the callback query. */
  press(chat: Chat, id: number, button: number | string): string;
  /** Opens a private chat with "/start". */
  start(chat: Chat, payload?: string): number;
  block(chat: Chat): void;
  unblock(chat: Chat): void;
  join(chat: Chat): void;
  leave(chat: Chat): void;
  /** Brings another (or a bot) into a group, or changes what it is there. */
  add(chat: Chat, who: { id: number }, status?: "member" | "administrator"): void;
  kick(chat: Chat, who: { id: number }): void;
  /** Stops the draft that a bot shows, as the button does. */
  stopDraft(chat: Chat): void;
}

export function createPerson(world: World, user: User): Person {
  const send =
    (kind: Parameters<typeof storedMedia>[1]) =>
    (chat: Chat, bytes: Uint8Array, options: FileOptions = {}) => {
      const media = storedMedia(world, kind, { ...options, bytes });
      return spoken(world, user, { chat, text: options.caption ?? "", options, parts: { media } }).id;
    };
  return {
    id: user.id,
    user,
    say: (chat, text, options = {}) => spoken(world, user, { chat, text, options, parts: {} }).id,
    paste(chat, text, options = {}) {
      const parts = Array.from({ length: Math.ceil(text.length / textUnitsMax) }, (_, index) =>
        text.slice(index * textUnitsMax, (index + 1) * textUnitsMax),
      );
      return parts.map((text) => spoken(world, user, { chat, text, options, parts: {} }).id);
    },
    sendOther: (chat, other, options = {}) => spoken(world, user, { chat, text: "", options, parts: { other } }).id,
    sendPhoto: send("photo"),
    sendDocument: send("document"),
    sendVoice: send("voice"),
    sendAudio: send("audio"),
    sendVideo: send("video"),
    sendAlbum(chat, items, options = {}) {
      const mediaGroup = String(13_900_000_000_000_000n + BigInt(serial(world)));
      return items.map(({ kind, ...file }, index) => {
        const parts = { media: storedMedia(world, kind, file), mediaGroup };
        return spoken(world, user, { chat, text: index === 0 ? (options.caption ?? "") : "", options, parts }).id;
      });
    },
    forward({ chat, id }, to) {
      const { text, media, from, date, forwardedFrom } = theMessage(chat, id);
      const parts = { media, forwardedFrom: forwardedFrom ?? { from, date } };
      return spoken(world, user, { chat: to, text, options: {}, parts }).id;
    },
    ...changes(world, user),
    ...membership(world, user),
  };
}

function theMessage(chat: Chat, id: number): Message {
  const found = messageIn(chat, id);
  if (found === undefined) throw new Error(`There is no message ${id} in the chat`);
  return found;
}

function spoken(
  world: World,
  user: User,
  { chat, text, options, parts }: { chat: Chat; text: string; options: SayOptions; parts: Partial<Message> },
): Message {
  if (chat.kind === "private" && chat.person !== user.id) throw new Error("This private chat is another person's");
  if (chat.blocked) throw new Error("This person blocked the bot; unblock it first");
  if (chat.kind !== "private" && !isIn(chat, user.id)) throw new Error("This person is not in the group");
  if (chat.migratedTo !== undefined) throw new Error("This group is a supergroup now");
  assertWellFormed(text);
  const content = tidied(withFound({ text, entities: [] }));
  const unitsMax = parts.media === undefined ? textUnitsMax : captionUnitsMax;
  if (content.text.length > unitsMax) throw new Error("This is too long for one message; paste it");
  if (content.text === "" && parts.media === undefined && parts.other === undefined)
    throw new Error("Nobody can send an empty message");
  if (chat.kind === "private") chat.started = true;
  const { replyTo, quote, thread, anonymously = false, agoS = 0 } = options;
  if (anonymously && !isAdmin(chat, user.id)) throw new Error("Only an administrator can write in the group's name");
  const message = put(world, chat, {
    from: user.id,
    ...content,
    replyTo,
    quote,
    thread,
    anonymous: anonymously,
    date: secondsNow(world) - agoS,
    ...parts,
  });
  tellMessage(world, message);
  return message;
}

function changes(world: World, user: User): Pick<Person, "edit" | "remove" | "react" | "press" | "stopDraft"> {
  return {
    edit(chat, id, text) {
      const message = theMessage(chat, id);
      if (message.from !== user.id) throw new Error("Nobody can edit what others wrote");
      Object.assign(message, tidied(withFound({ text, entities: [] })), { editDate: secondsNow(world) });
      noteEdit(world, message);
      tellMessage(world, message, "edited_message");
    },
    remove(chat, id) {
      theMessage(chat, id).deleted = true;
    },
    react(chat, id, emoji) {
      const message = theMessage(chat, id);
      const shown = (list: string[]) => list.map((one) => ({ type: "emoji", emoji: one }));
      const body = {
        chat: renderChat(world, chat),
        message_id: id,
        user: renderUser(user),
        date: secondsNow(world),
        old_reaction: shown(message.reactions.get(user.id) ?? []),
        new_reaction: shown(emoji),
      };
      message.reactions.set(user.id, emoji);
      for (const bot of world.bots.values()) {
        const told = chat.kind === "private" ? chat.bot === bot.id : isAdmin(chat, bot.id);
        if (told) tell(world, bot, { kind: "message_reaction", body });
      }
    },
    press(chat, id, button) {
      const message = theMessage(chat, id);
      const bot = botById(world, message.from);
      const all = (message.buttons ?? []).flat();
      const pressed =
        typeof button === "number"
          ? all[button]
          : all.find(({ text, callback_data }) => text === button || callback_data === button);
      if (bot === undefined || pressed?.callback_data === undefined)
        throw new Error(`There is no button "${button}" to press`);
      const queryId = String(
        4_000_000_000_000_000_000n + BigInt(Math.floor(world.random() * 1e15)) + BigInt(serial(world)),
      );
      const data = pressed.callback_data;
      world.callbacks.set(queryId, {
        id: queryId,
        bot: bot.id,
        from: user.id,
        chat,
        message: id,
        data,
        at: world.now(),
      });
      const body = {
        id: queryId,
        from: renderUser(user),
        message: renderMessage(world, message, { bot }),
        chat_instance: String(chat.id * 7919),
        data,
      };
      tell(world, bot, { kind: "callback_query", body });
      return queryId;
    },
    stopDraft(chat) {
      const [id, draft] = [...chat.drafts].at(-1) ?? [];
      const bot = botById(world, chat.bot ?? 0);
      if (id === undefined || bot === undefined || draft?.stoppable !== true)
        throw new Error("There is no draft to stop");
      chat.drafts.delete(id);
      tell(world, bot, { kind: "stopped_message_generation", body: { chat: renderChat(world, chat), draft_id: id } });
    },
  };
}

type Membership = Pick<Person, "start" | "block" | "unblock" | "join" | "leave" | "add" | "kick">;

function membership(world: World, user: User): Membership {
  const barrier = (chat: Chat, blocked: boolean) => {
    const bot = botById(world, chat.bot ?? 0);
    if (bot === undefined || chat.person !== user.id)
      throw new Error("Only a private chat of one's own can be blocked");
    if (chat.blocked === blocked) return;
    chat.blocked = blocked;
    const change = {
      chat,
      by: user.id,
      who: bot.id,
      from: blocked ? "member" : "kicked",
      to: blocked ? "kicked" : "member",
    };
    tell(world, bot, { kind: "my_chat_member", body: renderMemberChange(world, change) });
  };
  const set = (chat: Chat, who: number, to: "member" | "administrator" | "left" | "kicked") => {
    const from = chat.members.get(who) ?? "left";
    const wasIn = isIn(chat, who);
    chat.members.set(who, to);
    tellMembers(world, { chat, by: user.id, who, from, to });
    if (wasIn !== isIn(chat, who)) announce(world, user, { chat, who, came: !wasIn });
  };
  return {
    start: (chat, payload) =>
      spoken(world, user, {
        chat,
        text: payload === undefined ? "/start" : `/start ${payload}`,
        options: {},
        parts: {},
      }).id,
    block: (chat) => barrier(chat, true),
    unblock: (chat) => barrier(chat, false),
    join: (chat) => set(chat, user.id, "member"),
    leave: (chat) => set(chat, user.id, "left"),
    add: (chat, who, status = "member") => set(chat, who.id, status),
    kick: (chat, who) => set(chat, who.id, "kicked"),
  };
}

/** A bot hears of itself always, of others only as an administrator that asked for it. */
function tellMembers(world: World, change: Parameters<typeof renderMemberChange>[1]): void {
  const body = renderMemberChange(world, change);
  for (const bot of world.bots.values()) {
    if (bot.id === change.who) tell(world, bot, { kind: "my_chat_member", body });
    else if (isAdmin(change.chat, bot.id)) tell(world, bot, { kind: "chat_member", body });
  }
}

/** The service message in the chat about one who came or went. */
function announce(world: World, user: User, { chat, who, came }: { chat: Chat; who: number; came: boolean }): void {
  const member = renderUser(world.users.get(who) ?? botById(world, who) ?? user);
  const service = came ? { new_chat_participant: member, new_chat_members: [member] } : { left_chat_member: member };
  const message = put(world, chat, { from: user.id, service });
  for (const bot of world.bots.values()) {
    if (sees(world, bot, message)) tell(world, bot, { kind: "message", body: renderMessage(world, message, { bot }) });
  }
}

/** A new person with an id of its own. */
export function newUser(
  world: World,
  given: { firstName: string; lastName?: string; username?: string; languageCode?: string; id?: number },
): User {
  const user: User = { isBot: false, deactivated: false, ...given, id: given.id ?? 100_000 + serial(world) };
  world.users.set(user.id, user);
  return user;
}

/** A token of the real form, from the world's randomness. */
export function newToken(world: World, id: number): string {
  return `${id}:AA${word(world, 33)}`;
}
