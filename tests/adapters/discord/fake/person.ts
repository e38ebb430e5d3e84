// What a person can do in the fake Discord, as tests see it.
import type { InteractionView } from "./sight.ts";
import type { Bot, Channel, Message, User } from "./world.ts";

/** A file that a person sends. */
export interface PersonFile {
  name: string;
  bytes: Uint8Array;
  type?: string;
}

export interface SayOptions {
  /** The message that it answers; its author is pinged. */
  replyTo?: { id: string };
  /** A reply "without a ping". */
  quietly?: boolean;
  files?: PersonFile[];
  /** Whom the text names in front: `<@id> text`. */
  mention?: { id: string };
  /** Sent with @silent. */
  silent?: boolean;
}

/** Anything with the id of a message. */
export interface Ref {
  id: string;
}

/** Values of a slash command by option; a file stands for an attachment. */
export type OptionValues = Record<string, string | number | boolean | PersonFile>;

/** One person. What a person could not do throws, since it is the test's mistake. */
export interface Person {
  readonly id: string;
  readonly name: string;
  readonly user: User;
  /** Writes a message into a channel, a thread or a direct channel. */
  say(channel: Channel, text: string, options?: SayOptions): Message;
  /** Writes to the bot (the first one unless said) directly. */
  direct(text: string, options?: SayOptions & { bot?: Bot }): Message;
  /** The direct channel with a bot. */
  directChannel(bot?: Bot): Channel;
  edit(message: Ref, text: string): void;
  delete(message: Ref): void;
  react(message: Ref, emoji: string): void;
  unreact(message: Ref, emoji: string): void;
  typing(channel: Channel): void;
  /** A slash command that is registered; `name` may be "group sub". */
  slash(channel: Channel, name: string, options?: OptionValues, bot?: Bot): InteractionView;
  /** Types into an option that completes itself. */
  complete(channel: Channel, name: string, typed: Record<string, string>, bot?: Bot): InteractionView;
  /** Presses a button of a message, ephemeral ones of one's own too. */
  press(message: Ref, customId: string): InteractionView;
  select(message: Ref, customId: string, values: string[]): InteractionView;
  /** Sends in the modal that an interaction was answered with; values by custom id. */
  submit(asked: Ref, values: Record<string, string>): InteractionView;
  startThread(message: Ref, name: string): Channel;
  newThread(channel: Channel, name: string): Channel;
  /** Closes (or opens) direct messages for everyone: bots get 50007. */
  directs(open: boolean): void;
}
