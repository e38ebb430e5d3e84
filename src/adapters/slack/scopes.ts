// What the app asks for in Slack, and why: the manifest is made of these lists, and a missing scope is told by them.

/** Scopes of the bot token, each with what does not work without it. */
export const botScopes: Readonly<Record<string, string>> = {
  "app_mentions:read": "hearing its name in channels",
  "assistant:write": "the assistant's status, prompts and titles",
  "channels:history": "threads and missed messages of public channels",
  "channels:read": "names of public channels",
  "chat:write": "writing",
  commands: "slash commands",
  "files:read": "files that people send",
  "files:write": "files that the agent sends",
  "groups:history": "threads and missed messages of private channels",
  "groups:read": "names of private channels",
  "im:history": "direct messages",
  "im:write": "opening a direct conversation",
  "mpim:history": "group direct messages",
  "reactions:read": "reactions of people",
  "reactions:write": "showing that a message was seen",
  "users:read": "names of people",
};

/** Scope of the app-level token. */
export const appScope = "connections:write";

/** Events that Slack is to send. */
export const botEvents: readonly string[] = [
  "app_home_opened",
  "app_mention",
  "assistant_thread_context_changed",
  "assistant_thread_started",
  "message.channels",
  "message.groups",
  "message.im",
  "message.mpim",
  "reaction_added",
  "reaction_removed",
];

/** Slack takes this many slash commands of one app. */
export const slashCommandsMax = 50;
/** Before each command's name, since a name that Slack or another app has would take it away. */
export const slashPrefix = "/pi-";
/** Takes any command as its first word. */
export const slashAll = "/remoteagent";
