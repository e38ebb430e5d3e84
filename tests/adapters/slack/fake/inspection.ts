// What tests look at in the fake Slack: conversations as people see them, private messages, views, files.
import { channelNamed, type Where } from "./places.ts";
import type { App, AssistantThread, Ephemeral, Message, StoredFile, View, World } from "./world.ts";

/** Messages and views are the fake's own objects: a test may read them, not change them. */
export interface Inspection {
  /** Messages of a conversation as people see them, oldest first, replies too. */
  messages(channel: Where): Message[];
  /** A thread, its first message first. */
  thread(channel: Where, ts: string): Message[];
  /** The last message of a bot in a conversation. */
  lastOfBot(channel: Where): Message | undefined;
  assistant(channel: Where, ts: string): AssistantThread | undefined;
  /** What one person alone sees. */
  ephemerals(channel: Where, person?: { id: string }): Ephemeral[];
  /** Open modals of a person, the topmost last. */
  views(person: { id: string }): View[];
  /** What the Home tab shows to a person. */
  home(person: { id: string }, app?: App): View | undefined;
  homes(): View[];
  /** Files that were completed, oldest first. */
  uploads(): StoredFile[];
}

export function inspection(world: World): Inspection {
  const there = (where: Where) =>
    [...channelNamed(world, where).messages.values()].filter(({ deleted, tombstone }) => !deleted || tombstone);
  const homes = () => [...world.views.values()].filter(({ type }) => type === "home");
  return {
    messages: there,
    thread(where, ts) {
      const channel = channelNamed(world, where);
      return there(channel).filter((one) => one.ts === ts || one.threadTs === ts);
    },
    lastOfBot: (where) => there(where).findLast(({ botId }) => botId !== undefined),
    assistant: (where, ts) => channelNamed(world, where).assistants.get(ts),
    ephemerals: (where, person) =>
      world.ephemerals.filter(
        (one) =>
          one.channel === channelNamed(world, where) &&
          !one.deleted &&
          (person === undefined || one.user === person.id),
      ),
    views: ({ id }) => [...world.views.values()].filter((one) => one.open && one.type === "modal" && one.user === id),
    home: ({ id }, app) => homes().find((one) => one.user === id && (app === undefined || one.app === app.id)),
    homes,
    uploads: () => [...world.files.values()].filter(({ complete, app }) => complete && app !== undefined),
  };
}
