// The contract of looking at a bot from outside, for `setup` and `doctor`: who it is, and what stands in its way.
import type { AdapterDeps, MenuCommand } from "./adapter.ts";

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
  about: "token" | "reach" | "clock" | "webhook" | "poller" | "groups" | "invitation";
  level: "ok" | "warn" | "bad";
  text: string;
  /** The key of settings of the token that it is about, where there are several. */
  token?: string;
  /** What the person can do. */
  mend?: string;
  /** Mends it without harm to the bot, and says what was done. @throws Failure when it cannot. */
  fix?(): Promise<string>;
}

export interface Inspection {
  /** Absent when the platform could not be asked, or does not know the token. */
  self?: BotSelf;
  remarks: Remark[];
  /** Where a bot must be let in before people can write to it: how that is done, and whether it is. */
  invitation?: { text: string; link: string; accepted: boolean };
}

export interface InspectDeps extends Pick<AdapterDeps, "name" | "secret" | "fetch" | "clock"> {
  /**
   * Looks for a moment whether another program takes the bot's messages. It takes them from that program for as long,
   * so it is not to be done while an instance of ours listens.
   */
  listen: boolean;
  /** The key of settings of the one token to look at: others may not be there yet. */
  only?: string;
}

/** One of the secrets by which a bot works. */
export interface PlatformToken {
  /** The key of settings that holds it. */
  key: string;
  /** As people call it in a sentence, such as `bot token`. */
  label: string;
  /** What stands behind the type's name in options: `token` for `--telegram-token` and `--telegram-token-file`. */
  option: string;
  /** Variables in which it is looked for, the first of them named to people. */
  variables: readonly [string, ...string[]];
  /** What it looks like, for whoever has pasted something else. */
  form: string;
  /** True for what can be one. */
  fits(text: string): boolean;
  /** How one gets it, a line each. */
  guide: readonly string[];
}

/** What the wizard says and asks about a platform. */
export interface Platform {
  /** Its name for people. */
  label: string;
  /** How one makes a bot there, before its tokens, a line each. */
  guide: readonly string[];
  /** In the order in which they are asked for. The first is the bot's own, by which it is known again. */
  tokens: readonly [PlatformToken, ...PlatformToken[]];
  /** What one hands in there to make the bot: text for a file of this name, printed by `--<type>-<option>`. */
  paper?: { name: string; option: string; text(commands: readonly MenuCommand[]): Promise<string> };
  /** The key of settings for another server than the platform's own. */
  addressKey: string;
  /** Variable in which the owner's id is looked for. */
  ownerVariable: string;
  /** The bot's id, which is a part of its token: the same bot may get another token. Undefined: it is no token. */
  botOf(token: string): string | undefined;
  /** True for what can be a person's id. */
  isPerson(id: string): boolean;
  /** True where a link to the bot brings a code with it, which is sent when a person presses Start. */
  startsByLink: boolean;
}
