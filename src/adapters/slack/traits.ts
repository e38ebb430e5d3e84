// What Slack is like, as data.
import type { AdapterTraits } from "../../gateway/handle.ts";

export const slackTraits: AdapterTraits = {
  local: false,
  live: false,
  sharedTop: "conversation",
  threads: "message",
  // A direct conversation has an id of its own (D…), which is asked for.
  directIsUser: false,
  // Messages bear our nonce in their metadata, which history shows.
  repeat: "find",
  details: "thread",
  // chat.update and chat.appendStream take about one call a second for each channel.
  editEveryMs: 1_200,
  // chat.update takes 50 in a workspace (docs.slack.dev/apis/web-api/rate-limits, tier 3); the rest is for last texts.
  editsPerMinute: 40,
  typingMs: 60_000,
};
