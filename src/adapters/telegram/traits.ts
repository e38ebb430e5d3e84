// What Telegram is like, as data.
import type { AdapterTraits } from "../../gateway/handle.ts";

export const telegramTraits: AdapterTraits = {
  local: false,
  live: false,
  sharedTop: "message",
  threads: "place",
  directIsUser: true,
  // Nothing drops a repetition, and a bot cannot look what it wrote.
  repeat: "marker",
  details: "answer",
  // About one message a second for each chat.
  editEveryMs: 1_000,
  typingMs: 5_000,
};
