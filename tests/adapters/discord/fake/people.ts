// What people do in the fake Discord: tests drive them, bots hear of it.
import { asking } from "./asking.ts";
import { directChannel, newThread } from "./channels.ts";
import { emitDeleted, emitReaction, emitTyping } from "./emissions.ts";
import { contentMax, flags } from "./forms.ts";
import type { Person, Ref } from "./person.ts";
import { change, namedIn, put, storeFile } from "./posting.ts";
import { type Bot, type Channel, isThread, type Message, type User, type World } from "./world.ts";

export function createPerson(world: World, user: User, firstBot: () => Bot): Person {
  const find = (ref: Ref): Message => {
    const message = world.places.get(ref.id);
    const seen = message !== undefined && !message.deleted && (message.onlyFor ?? user.id) === user.id;
    if (!seen) throw new Error(`There is no message ${ref.id} that ${user.name} can see`);
    return message;
  };
  const own = (ref: Ref): Message => {
    const message = find(ref);
    if (message.author !== user) throw new Error(`${user.name} did not write message ${ref.id}`);
    return message;
  };
  const say: Person["say"] = (channel, text, options = {}) => {
    assertInside(channel, user);
    const { replyTo, mention, files = [], quietly = false, silent = false } = options;
    const content = (mention === undefined ? text : `<@${mention.id}> ${text}`).trim();
    if (content === "" && files.length === 0) throw new Error("Nobody can send an empty message");
    if (content.length > contentMax) throw new Error("This is too long for one message without Nitro");
    const answered = replyTo === undefined ? undefined : find(replyTo);
    const named = namedIn(world, channel, content);
    const pinged = answered === undefined || quietly ? named : [answered.author.id, ...named];
    return put(world, channel, {
      author: user,
      text: content,
      files: files.map(({ name, bytes, type = "" }) =>
        storeFile(world, channel, { name, type, bytes: Uint8Array.from(bytes) }),
      ),
      mentions: [...new Set(pinged)],
      flags: silent ? flags.suppressNotifications : 0,
      ...(answered === undefined ? {} : { kind: 19, replyTo: { id: answered.id, channel: answered.channel.id } }),
    });
  };
  return {
    id: user.id,
    name: user.name,
    user,
    say,
    directChannel: (bot = firstBot()) => directChannel(world, bot, user),
    direct: (text, { bot = firstBot(), ...options } = {}) => say(directChannel(world, bot, user), text, options),
    edit(ref, text) {
      const message = own(ref);
      message.mentions = namedIn(world, message.channel, text);
      change(world, message, { text });
    },
    delete(ref) {
      const message = own(ref);
      message.deleted = true;
      emitDeleted(world, message.channel, [message.id]);
    },
    react(ref, emoji) {
      const message = find(ref);
      const users = message.reactions.get(emoji) ?? new Set();
      if (users.has(user.id)) return;
      message.reactions.set(emoji, users.add(user.id));
      emitReaction(world, message, { user, emoji, added: true });
    },
    unreact(ref, emoji) {
      const message = find(ref);
      const users = message.reactions.get(emoji);
      if (users?.delete(user.id) !== true) throw new Error(`${user.name} did not react with ${emoji}`);
      if (users.size === 0) message.reactions.delete(emoji);
      emitReaction(world, message, { user, emoji, added: false });
    },
    typing(channel) {
      assertInside(channel, user);
      channel.typing.push({ user: user.id, at: world.clock.now() });
      emitTyping(world, channel, user);
    },
    ...asking(world, { user, firstBot, find }),
    startThread(ref, name) {
      const message = find(ref);
      if (message.thread !== undefined || isThread(message.channel) || message.channel.guild === undefined)
        throw new Error("A thread cannot start at this message");
      return newThread(world, { channel: message.channel, name, by: user, from: message });
    },
    newThread: (channel, name) => newThread(world, { channel, name, by: user }),
    directs(open) {
      user.directsOpen = open;
    },
  };
}

function assertInside(channel: Channel, user: User): void {
  const inside = channel.guild?.members.has(user.id) ?? channel.recipients?.includes(user) ?? false;
  if (!inside || channel.deleted) throw new Error(`${user.name} is not in this channel`);
}
