// The app's manifest: exactly what the code uses, from the same lists. Source: docs.slack.dev/reference/app-manifest.
import { excerpt } from "../../core/words.ts";
import type { MenuCommand } from "../adapter.ts";
import { botEvents, botScopes, slashAll, slashCommandsMax, slashPrefix } from "./scopes.ts";

/** Prompts that an empty assistant thread offers. */
export const suggestedPrompts: readonly { title: string; message: string }[] = [
  { title: "What can you do?", message: "What can you do here, and what may you use?" },
  { title: "What is going on?", message: "Which of your tasks run now, and which are scheduled?" },
  { title: "Look around", message: "Look around in your workspace and tell me what you find." },
];

/** Longest description of a slash command, in characters. */
const descriptionCharsMax = 100;

/** A slash command as the manifest has it. */
export interface SlashCommand {
  command: string;
  description: string;
  usage_hint?: string;
  should_escape: boolean;
}

/** `/pi-<name>` of each command, and the one that takes them all. */
export function slashCommands(commands: readonly MenuCommand[]): SlashCommand[] {
  const one = (command: string, { summary, args }: { summary: string; args?: string }): SlashCommand => ({
    command,
    description: excerpt(summary, descriptionCharsMax),
    ...(args === undefined || args === "" ? {} : { usage_hint: excerpt(args, descriptionCharsMax) }),
    // People and channels come as ids, so that a name cannot stand for somebody else.
    should_escape: true,
  });
  const named = commands.filter(({ name }) => /^[a-z][a-z0-9-]{0,27}$/.test(name));
  return [
    one(slashAll, { summary: "Any command of the agent, such as status", args: "<command> [words]" }),
    ...named.map(({ name, ...rest }) => one(`${slashPrefix}${name}`, rest)),
  ].slice(0, slashCommandsMax);
}

/** The manifest for an app that has these commands. */
export function manifestOf(commands: readonly MenuCommand[]) {
  const name = "remoteagent";
  return {
    display_information: { name, description: "An agent on your own machine", background_color: "#1f2430" },
    features: {
      app_home: { home_tab_enabled: true, messages_tab_enabled: true, messages_tab_read_only_enabled: false },
      assistant_view: {
        assistant_description: "Works on your own machine and answers here",
        suggested_prompts: suggestedPrompts,
      },
      bot_user: { display_name: name, always_online: true },
      slash_commands: slashCommands(commands),
    },
    oauth_config: { scopes: { bot: Object.keys(botScopes).toSorted() } },
    settings: {
      event_subscriptions: { bot_events: botEvents.toSorted() },
      interactivity: { is_enabled: true },
      org_deploy_enabled: false,
      socket_mode_enabled: true,
      token_rotation_enabled: false,
    },
  };
}

/** The manifest as the text that is pasted. */
export function manifestText(commands: readonly MenuCommand[]): string {
  return `${JSON.stringify(manifestOf(commands), null, 2)}\n`;
}
