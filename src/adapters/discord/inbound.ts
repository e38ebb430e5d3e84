// Discord's events as inbounds: pure, never throws, and nobody but the event's own sender comes out of it.
import { limits } from "../../core/limits.ts";
import type { Address, Inbound, Sender } from "../../core/message.ts";
import { filesOf, gist, head, type Names, nameOf, readText, type Self, wordsOf } from "./content.ts";
import type { Content, Edited, Interaction, Message, Reaction } from "./dispatches.ts";
import { timeOf } from "./snowflake.ts";

/** Where something stands, once its channel is known. */
export type Place = Pick<Address, "conversation" | "thread">;

/** What reading an event needs to know. */
export interface Facts {
  /** Name of the adapter in settings. */
  adapter: string;
  self: Self;
  names: Names;
  now: number;
}

/** What a message means, or why it is not for the agent. */
export type Reading = Inbound | string;

/** Kinds of messages that people write: a message, and a reply. All else is told by Discord itself. */
const writtenKinds = [0, 19];
/** `message_reference.type` of a forwarded message. */
const forwarded = 1;

/** A new message; also one that the API gives, when a gap is filled. */
export function readMessage(message: Message, { facts, place }: { facts: Facts; place: Place }): Reading {
  const sender = personOf(message);
  if (typeof sender === "string") return sender;
  if (!writtenKinds.includes(message.type)) return "it tells of a change in the channel";
  const { text, mentioned } = textOf(message, facts);
  const files = [message, ...(message.message_snapshots ?? []).map((one) => one.message)].flatMap((content) =>
    filesOf(content, { channel: message.channel_id, message: message.id }),
  );
  if (text === "" && files.length === 0 && !mentioned) {
    return place.conversation.kind === "direct" ? "it holds nothing that is known" : "its words are not shown to us";
  }
  const { referenced_message: answered } = message;
  const answersUs = answered?.author?.id === facts.self.id;
  const called = mentioned || mentionsOwnRole(message, facts) || answersUs;
  const replyTo = replyOf(message);
  return {
    adapter: facts.adapter,
    ...place,
    kind: "message",
    id: message.id,
    sender,
    sentAt: sentAt(message.id, facts),
    // Whoever only calls the bot by its name has said just that.
    text: text === "" && mentioned ? `@${facts.self.name}` : text,
    addressed: place.conversation.kind === "direct" || called,
    ...(files.length === 0 ? {} : { files }),
    ...(replyTo === undefined ? {} : { replyTo }),
    ...(answered === undefined
      ? {}
      : {
          quote: {
            sender: answered.author === undefined ? "somebody" : nameOf(answered.author),
            text: head(gist(answered, facts)),
          },
        }),
    // The clients cut nothing themselves, but people paste a text in pieces as long as they may be.
    ...((message.content?.length ?? 0) >= limits.discordSplitCharsMin ? { joinMs: limits.splitJoinMs } : {}),
  };
}

/** A changed message. Discord tells of previews, pins and threads in the same way: only a text's change counts. */
export function readEdit(message: Edited, { facts, place }: { facts: Facts; place: Place }): Reading {
  const { author } = message;
  if (author === undefined || message.content === undefined) return "it tells of a part of a message only";
  const editedAt = Date.parse(message.edited_timestamp ?? "");
  if (Number.isNaN(editedAt)) return "its text did not change";
  const { webhook_id, member } = message;
  const sender = personOf({ author, webhook_id, member });
  if (typeof sender === "string") return sender;
  if (!writtenKinds.includes(message.type ?? 0)) return "it tells of a change in the channel";
  const { text } = textOf(message, facts);
  return {
    adapter: facts.adapter,
    ...place,
    kind: "edit",
    id: message.id,
    target: message.id,
    revision: editedAt,
    sender,
    sentAt: Math.min(editedAt, facts.now),
    text,
  };
}

/** A message that was taken away. Discord does not say by whom: it counts as its author's doing. */
export function readDelete(
  id: string,
  { facts, place, author }: { facts: Facts; place: Place; author: Sender },
): Inbound {
  return { adapter: facts.adapter, ...place, kind: "delete", id, target: id, sender: author, sentAt: facts.now };
}

/**
 * A reaction. It has no id of its own: `number`, the event's place in its gateway session, is the same when the event is
 * told again.
 */
export function readReaction(
  { user_id: id, member, message_id: target, emoji }: Reaction,
  { facts, place, added, number }: { facts: Facts; place: Place; added: boolean; number: string },
): Reading {
  if (id === facts.self.id || member?.user?.bot === true) return "a bot reacted";
  return {
    adapter: facts.adapter,
    ...place,
    kind: "reaction",
    id: `${target}-${number}`,
    sender: { id, name: member?.user === undefined ? id : nameOf(member.user, member.nick) },
    sentAt: facts.now,
    target,
    emoji: (emoji.id === undefined ? (emoji.name ?? "") : `:${emoji.name ?? "emoji"}:`).slice(0, 100),
    added,
  };
}

/** Who uses an interaction; undefined when Discord does not say. */
export function userOf({ member, user }: Interaction): Sender | undefined {
  const person = member?.user ?? user;
  if (person === undefined || person.bot === true) return undefined;
  return { id: person.id, name: nameOf(person, member?.nick) };
}

/** A slash command, or the modal that stood for one, as a chat command. */
export function readCommand(
  interaction: Interaction,
  { facts, place, sender, name, args }: { facts: Facts; place: Place; sender: Sender; name: string; args: string },
): Inbound {
  return {
    adapter: facts.adapter,
    ...place,
    kind: "command",
    id: interaction.id,
    sender,
    sentAt: sentAt(interaction.id, facts),
    answer: { as: "message", deadlineMs: limits.interactionAnswerMs },
    name,
    args: args.trim(),
  };
}

/** A pressed button, or a choice of a list; undefined when it is none of ours. */
export function readPress(
  interaction: Interaction,
  { facts, place, sender }: { facts: Facts; place: Place; sender: Sender },
): Inbound | undefined {
  const { custom_id: button = "", values: [chosen] = [] } = interaction.data ?? {};
  const pressed = /^(\d{1,15}):(\d{1,4})$/.exec(chosen ?? button);
  if (pressed === null) return undefined;
  return {
    adapter: facts.adapter,
    ...place,
    kind: "action",
    id: interaction.id,
    sender,
    sentAt: facts.now,
    answer: { as: "note", deadlineMs: limits.interactionAnswerMs },
    delivery: pressed[1] ?? "",
    value: pressed[2] ?? "",
  };
}

/** The person who wrote, or why it was none. */
function personOf({
  author,
  webhook_id: webhook,
  member,
}: Pick<Message, "author" | "webhook_id" | "member">): Sender | string {
  if (webhook !== undefined) return "a webhook wrote it";
  if (author.bot === true) return "a bot wrote it";
  return { id: author.id, name: nameOf(author, member?.nick) };
}

/** The words of a message, with those of a message that it passes on. */
function textOf(
  message: Content & Pick<Message, "message_snapshots">,
  facts: Facts,
): { text: string; mentioned: boolean } {
  const { text, mentioned } = readText(message, facts);
  const passedOn = (message.message_snapshots ?? []).map(({ message: content }) => {
    const words = [readText(content, facts).text, ...wordsOf(content)].filter((part) => part !== "");
    return ["[Forwarded message]", ...words].join("\n");
  });
  const parts = [text, ...wordsOf(message), ...passedOn].filter((part) => part !== "");
  return { text: parts.join("\n"), mentioned };
}

/** Only the role that a server made for the bot itself: people pick it from the list instead of the bot. */
function mentionsOwnRole(message: Message, { self }: Facts): boolean {
  return (message.mention_roles ?? []).some((id) => self.isOwnRole(id));
}

function replyOf({ type, message_reference: reference }: Message): string | undefined {
  return type === 19 && reference?.type !== forwarded ? reference?.message_id : undefined;
}

/** An id carries the time; one that cannot be is now. */
function sentAt(id: string, { now }: Facts): number {
  const at = timeOf(id);
  return at <= now + limits.clockSkewMs ? at : now;
}
