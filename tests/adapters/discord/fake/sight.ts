// What people see in the fake Discord: messages and the fate of interactions, for tests to look at.
import { flags } from "./forms.ts";
import type { Channel, Interaction, Json, Message, World } from "./world.ts";

/** A message as a person sees it now, with the forms that it had. */
export interface MessageView {
  id: string;
  channel: string;
  /** The author's name. */
  by: string;
  byBot: boolean;
  text: string;
  embeds: Json[];
  components: Json[];
  files: { name: string; type: string | undefined; bytes: Uint8Array }[];
  flags: number;
  kind: number;
  /** The id of the message that it answers. */
  replyTo: string | undefined;
  /** Names of people that it pinged. */
  pings: string[];
  pingsEveryone: boolean;
  nonce: string | number | undefined;
  /** Names by emoji. */
  reactions: Record<string, string[]>;
  /** Every form that it had, oldest first; the last is the one shown. */
  forms: { at: number; text: string; embeds: Json[]; components: Json[]; files: string[] }[];
  deleted: boolean;
  /** The one who sees it, when it is ephemeral. */
  onlyFor: string | undefined;
  /** The id of its thread. */
  thread: string | undefined;
  /** "… is thinking": a deferred answer that has not come. */
  thinking: boolean;
  /** The text is sent without a sound. */
  silent: boolean;
  at: number;
}

/** An interaction as the person who began it sees it. */
export interface InteractionView {
  id: string;
  token: string;
  /**
   * `waiting` within three seconds, `failed` after them ("did not respond"), `thinking` after a deferred message until
   * its text comes, `answered` otherwise.
   */
  state(): "waiting" | "failed" | "thinking" | "answered";
  /** The type of the callback, from 4 to 9. */
  callback(): number | undefined;
  /** The answer; for updates the message that was changed. */
  answer(): MessageView | undefined;
  followups(): MessageView[];
  modal(): Json | undefined;
  /** Of autocomplete. */
  choices(): Json[] | undefined;
}

export function seeMessage(world: World, message: Message): MessageView {
  const name = (id: string) => world.users.get(id)?.name ?? id;
  const { text, embeds, components } = message;
  return {
    id: message.id,
    channel: message.channel.id,
    by: message.author.name,
    byBot: message.author.bot,
    text,
    embeds: structuredClone(embeds),
    components: structuredClone(components),
    files: message.files.map((file) => ({ name: file.name, type: file.type, bytes: file.bytes })),
    flags: message.flags,
    kind: message.kind,
    replyTo: message.replyTo?.id,
    pings: message.mentions.map(name),
    pingsEveryone: message.mentionsEveryone,
    nonce: message.nonce,
    reactions: Object.fromEntries([...message.reactions].map(([emoji, ids]) => [emoji, [...ids].map(name)])),
    forms: message.forms.map((form) => ({
      at: form.at,
      text: form.text,
      embeds: structuredClone(form.embeds),
      components: structuredClone(form.components),
      files: form.files.map((file) => file.name),
    })),
    deleted: message.deleted,
    onlyFor: message.onlyFor === undefined ? undefined : name(message.onlyFor),
    thread: message.thread?.id,
    thinking: (message.flags & flags.loading) !== 0,
    silent: (message.flags & flags.suppressNotifications) !== 0,
    at: message.at,
  };
}

/** Messages of a channel, oldest first. Ephemeral ones are seen with `only` alone. */
export function seeChannel(world: World, channel: Channel, { deleted = false } = {}): MessageView[] {
  return [...channel.messages.values()]
    .filter((message) => message.onlyFor === undefined && (deleted || !message.deleted))
    .map((message) => seeMessage(world, message));
}

export function seeInteraction(world: World, interaction: Interaction): InteractionView {
  const shown = (message: Message | undefined) =>
    message === undefined || message.deleted ? undefined : seeMessage(world, message);
  return {
    id: interaction.id,
    token: interaction.token,
    state() {
      if (interaction.answered === undefined)
        return world.clock.now() - interaction.at > world.limits.answerMs ? "failed" : "waiting";
      return interaction.answered === 5 && shown(interaction.original)?.thinking === true ? "thinking" : "answered";
    },
    callback: () => interaction.answered,
    answer: () => shown(interaction.original),
    followups: () => interaction.followups.flatMap((message) => shown(message) ?? []),
    modal: () => structuredClone(interaction.modal),
    choices: () => structuredClone(interaction.choices),
  };
}
