// The contract of looking at a bot from outside, for `setup` and `doctor`: who it is, and what stands in its way.
import type { AdapterDeps } from "./adapter.ts";

/** The bot as its platform knows it. */
export interface BotSelf {
  /** The platform's immutable id. */
  id: string;
  /** As people write it, such as `@name`. */
  name: string;
  /** The address at which a person opens a chat with it; `payload` comes with their first message. */
  link(payload?: string): string;
}

/** One thing that is well, worth a note, or in the way. */
export interface Remark {
  about: "token" | "reach" | "clock" | "webhook" | "poller" | "groups";
  level: "ok" | "warn" | "bad";
  text: string;
  /** What the person can do. */
  mend?: string;
  /** Mends it without harm to the bot, and says what was done. @throws Failure when it cannot. */
  fix?(): Promise<string>;
}

export interface Inspection {
  /** Absent when the platform could not be asked, or does not know the token. */
  self?: BotSelf;
  remarks: Remark[];
}

export interface InspectDeps extends Pick<AdapterDeps, "name" | "secret" | "fetch" | "clock"> {
  /**
   * Looks for a moment whether another program takes the bot's messages. It takes them from that program for as long,
   * so it is not to be done while an instance of ours listens.
   */
  listen: boolean;
}

/** What the wizard says and asks about a platform. */
export interface Platform {
  /** Its name for people. */
  label: string;
  /** How one gets a bot there, a line each. */
  guide: readonly string[];
  /** The key of settings that holds the token. */
  tokenKey: string;
  /** The key of settings for another server than the platform's own. */
  addressKey: string;
  /** Variable in which the token is looked for. */
  tokenVariable: string;
  /** Variable in which the owner's id is looked for. */
  ownerVariable: string;
  /** The bot's id, which is a part of the token: the same bot may get another token. Undefined: it is no token. */
  botOf(token: string): string | undefined;
  /** True for what can be a person's id. */
  isPerson(id: string): boolean;
}
