// Routes of the fake REST API about messages: docs.discord.com/developers/resources/message.
import { emitDeleted, emitReaction, emitTyping } from "./emissions.ts";
import { assertMay, may, writing } from "./permissions.ts";
import { edit, isClosedTo, put, read, replied } from "./posting.ts";
import { invalidForm, refuse } from "./refusal.ts";
import { bodyObject, type Call, channelOf, messageOf, part, type Run } from "./route.ts";
import { viewMessage } from "./views.ts";
import { type Channel, channelKinds, type Json, type Message, timeOf, type World } from "./world.ts";

/** Kinds of channel that hold messages. */
const talking: number[] = [
  channelKinds.text,
  channelKinds.direct,
  channelKinds.voice,
  channelKinds.announcement,
  channelKinds.publicThread,
];

const hourMs = 60 * 60_000;

function assertTalking(channel: Channel): void {
  if (!talking.includes(channel.kind)) throw refuse("wrongChannelKind");
}

/** What another request of the same author and nonce made lately. */
function madeBefore({ world, bot }: Call, nonce: string | number): Message | undefined {
  const message = world.nonces.get(nonceKey(bot.id, nonce));
  return message !== undefined && world.clock.now() - message.at <= world.limits.nonceMs ? message : undefined;
}

function nonceOf(body: Json): string | number | undefined {
  const { nonce } = body;
  if (nonce === undefined || nonce === null) return undefined;
  if (typeof nonce === "number" && Number.isSafeInteger(nonce)) return nonce;
  if (typeof nonce === "string" && nonce.length <= 25) return nonce;
  throw invalidForm("nonce", {
    code: "NONCE_TYPE_TOO_LONG",
    message: "Nonce must be no longer than 25 characters, or a 64-bit integer.",
  });
}

function nonceKey(author: string, nonce: string | number): string {
  return `${author} ${typeof nonce} ${nonce}`;
}

const create: Run = (call) => {
  const channel = channelOf(call);
  assertTalking(channel);
  const body = bodyObject(call);
  const nonce = nonceOf(body);
  const draft = replied(call, channel, { body, draft: read(call, channel, body) });
  assertMay(channel, call.bot, writing(channel));
  if (draft.files?.length) assertMay(channel, call.bot, "ATTACH_FILES");
  if (draft.embeds?.length) assertMay(channel, call.bot, "EMBED_LINKS");
  if (isClosedTo(channel)) throw refuse(channel.guild === undefined ? "closedDirect" : "archived");
  const before = body.enforce_nonce === true && nonce !== undefined ? madeBefore(call, nonce) : undefined;
  const message = before ?? put(call.world, channel, { ...draft, nonce });
  if (nonce !== undefined) call.world.nonces.set(nonceKey(call.bot.id, nonce), message);
  return { body: viewMessage(call.world, message) };
};

const list: Run = (call) => {
  const channel = channelOf(call);
  assertTalking(channel);
  const limit = Number(call.query.get("limit") ?? 50);
  if (!Number.isInteger(limit) || limit < 1 || limit > 100)
    throw invalidForm("limit", { code: "NUMBER_TYPE_MAX", message: "int value should be less than or equal to 100." });
  // Without Read Message History the answer is an empty list, not an error: resources/message#get-channel-messages.
  if (!may(channel, call.bot, "READ_MESSAGE_HISTORY")) return { body: [] };
  const all = [...channel.messages.values()].filter(({ deleted, onlyFor }) => !deleted && onlyFor === undefined);
  all.sort((a, b) => (BigInt(a.id) < BigInt(b.id) ? 1 : -1));
  return { body: page(all, { query: call.query, limit }).map((message) => viewRead(call.world, message)) };
};

/** A nonce is told to whoever made the message and by its event; it is not kept (create-message, discord.js's `nonce`). */
function viewRead(world: World, message: Message): Json {
  const { nonce: _nonce, ...view } = viewMessage(world, message);
  return view;
}

/** `around`, `before` and `after` exclude one another; newest first in each case. */
function page(all: Message[], { query, limit }: { query: URLSearchParams; limit: number }): Message[] {
  const bound = (name: string) => {
    const value = query.get(name);
    if (value === null) return undefined;
    if (!/^\d{1,20}$/.test(value))
      throw invalidForm(name, { code: "NUMBER_TYPE_COERCE", message: `Value "${value}" is not snowflake.` });
    return BigInt(value);
  };
  const [around, before, after] = [bound("around"), bound("before"), bound("after")];
  if (around !== undefined) {
    const newer = all.filter(({ id }) => BigInt(id) > around);
    const rest = all.filter(({ id }) => BigInt(id) <= around);
    const half = Math.floor(limit / 2);
    return [...newer.slice(Math.max(0, newer.length - half)), ...rest.slice(0, limit - half)];
  }
  if (before !== undefined) return all.filter(({ id }) => BigInt(id) < before).slice(0, limit);
  // The oldest after the mark, so that one can page forward.
  if (after !== undefined) return all.filter(({ id }) => BigInt(id) > after).slice(-limit);
  return all.slice(0, limit);
}

const show: Run = (call) => {
  const channel = channelOf(call);
  if (!may(channel, call.bot, "READ_MESSAGE_HISTORY")) throw refuse("missingAccess");
  return { body: viewRead(call.world, messageOf(call, channel)) };
};

const update: Run = (call) => {
  const channel = channelOf(call);
  const message = messageOf(call, channel);
  if (message.author.id !== call.bot.id) throw refuse("othersMessage");
  if (message.kind === 18 || message.kind === 21) throw refuse("systemMessage");
  const body = bodyObject(call);
  if (channel.locked && channel.archived) throw refuse("archived");
  edit(call, { message, body, admit: () => assertOldEdit(call.world, message) });
  return { body: viewMessage(call.world, message) };
};

/** 30046 comes with status 429: discord.com's reports agree on that, the documentation names the code alone. */
function assertOldEdit(world: World, message: Message): void {
  const now = world.clock.now();
  const { oldEditsMax, oldEditsMs } = world.limits;
  if (now - timeOf(message.id) <= hourMs) return;
  const lately = [...message.channel.messages.values()]
    .filter((one) => one.author.id === message.author.id)
    .flatMap((one) => one.forms.slice(1).filter(({ at }) => at > now - oldEditsMs && at - one.at > hourMs))
    .sort((a, b) => a.at - b.at);
  const oldest = lately.at(-oldEditsMax);
  if (oldest !== undefined) throw refuse("oldEdits", { waitMs: oldest.at + oldEditsMs - now });
}

const remove: Run = (call) => {
  const channel = channelOf(call);
  const message = messageOf(call, channel);
  if (message.author.id !== call.bot.id) {
    if (channel.guild === undefined) throw refuse("directOnly");
    assertMay(channel, call.bot, "MANAGE_MESSAGES");
  }
  if (message.kind === 21) throw refuse("systemMessage");
  message.deleted = true;
  emitDeleted(call.world, channel, [message.id]);
  return { status: 204 };
};

const removeMany: Run = (call) => {
  const channel = channelOf(call);
  if (channel.guild === undefined) throw refuse("directOnly");
  assertMay(channel, call.bot, "MANAGE_MESSAGES");
  const { messages } = bodyObject(call);
  if (!Array.isArray(messages) || messages.length < 2 || messages.length > 100)
    throw invalidForm("messages", { code: "BASE_TYPE_BAD_LENGTH", message: "Must be between 2 and 100 in length." });
  const found = messages.flatMap((id) => channel.messages.get(String(id)) ?? []).filter(({ deleted }) => !deleted);
  for (const message of found) message.deleted = true;
  if (found.length > 0)
    emitDeleted(
      call.world,
      channel,
      found.map(({ id }) => id),
    );
  return { status: 204 };
};

/** An emoji of the path: one of Unicode, or `name:id`. */
function emojiOf(call: Call): string {
  const emoji = decodeURIComponent(part(call, 2));
  const fits =
    /^\w{2,32}:\d{1,20}$/.test(emoji) ||
    /^(?:\p{Extended_Pictographic}|\p{Regional_Indicator}|[\d#*]\ufe0f?\u20e3)/u.test(emoji);
  if (!fits) throw refuse("unknownEmoji");
  return emoji;
}

const react: Run = (call) => {
  const channel = channelOf(call);
  const message = messageOf(call, channel);
  const emoji = emojiOf(call);
  assertMay(channel, call.bot, "READ_MESSAGE_HISTORY");
  const known = message.reactions.get(emoji);
  // Only the first of an emoji needs the permission: resources/message#create-reaction.
  if (known === undefined) assertMay(channel, call.bot, "ADD_REACTIONS");
  if (known === undefined && message.reactions.size >= 20) throw refuse("tooManyReactions");
  if (known?.has(call.bot.id)) return { status: 204 };
  message.reactions.set(emoji, new Set([...(known ?? []), call.bot.id]));
  emitReaction(call.world, message, { user: call.bot, emoji, added: true });
  return { status: 204 };
};

const unreact: Run = (call) => {
  const channel = channelOf(call);
  const message = messageOf(call, channel);
  const emoji = emojiOf(call);
  const users = message.reactions.get(emoji);
  if (users?.delete(call.bot.id)) {
    if (users.size === 0) message.reactions.delete(emoji);
    emitReaction(call.world, message, { user: call.bot, emoji, added: false });
  }
  return { status: 204 };
};

const typing: Run = (call) => {
  const channel = channelOf(call);
  assertTalking(channel);
  assertMay(channel, call.bot, writing(channel));
  channel.typing.push({ user: call.bot.id, at: call.world.clock.now() });
  emitTyping(call.world, channel, call.bot);
  return { status: 204 };
};

export const messageRoutes: Record<string, Run> = {
  "GET /channels/:id/messages": list,
  "POST /channels/:id/messages": create,
  "POST /channels/:id/messages/bulk-delete": removeMany,
  "GET /channels/:id/messages/:id": show,
  "PATCH /channels/:id/messages/:id": update,
  "DELETE /channels/:id/messages/:id": remove,
  "PUT /channels/:id/messages/:id/reactions/:emoji/@me": react,
  "DELETE /channels/:id/messages/:id/reactions/:emoji/@me": unreact,
  "POST /channels/:id/typing": typing,
};
