// How tests name conversations and messages of the fake Slack.
import { type Channel, type Message, messageIn, type World } from "./world.ts";

/** A conversation, by itself, by its id or by its `#name`. */
export type Where = Channel | string;

/** Conversations by what tests call them. */
export function channelNamed(world: World, where: Where): Channel {
  if (typeof where !== "string") return where;
  const name = where.replace(/^#/, "");
  const found = world.channels.get(where) ?? [...world.channels.values()].find((one) => one.name === name);
  if (found === undefined) throw new Error(`There is no conversation "${where}"`);
  return found;
}

export function theMessage(channel: Channel, ts: string): Message {
  const found = messageIn(channel, ts);
  if (found === undefined || found.tombstone) throw new Error(`There is no message ${ts} in ${channel.id}`);
  return found;
}
