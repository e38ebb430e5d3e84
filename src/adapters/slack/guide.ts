// What the wizard says and asks about Slack; loaded with the settings, so it imports nothing that runs.
import type { Platform } from "../inspection.ts";

export const slackPlatform: Platform = {
  label: "Slack",
  guide: [
    "1  Open https://api.slack.com/apps, Create New App, From a manifest, and paste docs/adapters/slack-manifest.json",
    "2  Install App: the Bot User OAuth Token begins with xoxb-",
    "3  Basic Information, App-Level Tokens: make one with connections:write; it begins with xapp-",
    "4  Settings hold both: adapters.<name>.botToken and adapters.<name>.appToken",
  ],
  tokenKey: "botToken",
  addressKey: "apiUrl",
  tokenVariable: "SLACK_BOT_TOKEN",
  ownerVariable: "SLACK_OWNER_ID",
  botOf: (token) => /^xoxb-(\d{6,20}-\d{6,20})-[\w-]{1,200}$/.exec(token.trim())?.[1],
  isPerson: (id) => /^[UW][A-Z0-9]{2,30}$/.test(id),
};
