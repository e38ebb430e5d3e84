// What the wizard says and asks about Slack; loaded with the settings, so it imports nothing that runs.
import type { Platform } from "../inspection.ts";

/** Slack promises no form of its tokens beyond what they begin with: docs.slack.dev/authentication/tokens. */
const isToken = (prefix: string, text: string) => text.startsWith(prefix) && /^[\w-]{10,400}$/.test(text);

export const slackPlatform: Platform = {
  label: "Slack",
  guide: [
    "Open https://api.slack.com/apps, press Create New App, choose From a manifest and your workspace",
    "Paste the manifest, which stands in the file below, and create the app",
  ],
  tokens: [
    {
      key: "botToken",
      label: "bot token",
      option: "token",
      variables: ["SLACK_BOT_TOKEN", "MOM_SLACK_BOT_TOKEN"],
      form: "xoxb-, and then letters, digits and dashes",
      fits: (text) => isToken("xoxb-", text.trim()),
      guide: ["Under Install App, install it; the Bot User OAuth Token begins with xoxb-: paste it here"],
    },
    {
      key: "appToken",
      label: "app-level token",
      option: "app-token",
      variables: ["SLACK_APP_TOKEN", "MOM_SLACK_APP_TOKEN"],
      form: "xapp-, and then letters, digits and dashes",
      fits: (text) => isToken("xapp-", text.trim()),
      guide: [
        "Under Basic Information, App-Level Tokens, generate one with the scope connections:write",
        "It begins with xapp-: paste it here",
      ],
    },
  ],
  paper: {
    name: "slack-manifest.json",
    option: "manifest",
    text: async (commands) => (await import("./manifest.ts")).manifestText(commands),
  },
  addressKey: "apiUrl",
  ownerVariable: "SLACK_OWNER_ID",
  botOf,
  isPerson: (id) => /^[UW][A-Z0-9]{2,30}$/.test(id),
  startsByLink: false,
};

/** Workspace and bot stand in front of the secret in most tokens; of another form the whole is what there is. */
function botOf(text: string): string | undefined {
  const token = text.trim();
  if (!isToken("xoxb-", token)) return undefined;
  return /^xoxb-(\d{6,20}-\d{6,20})-/.exec(token)?.[1] ?? token;
}
