// What Discord is like, as data.
import type { AdapterTraits } from "../../gateway/handle.ts";

export const discordTraits: AdapterTraits = {
  local: false,
  live: false,
  sharedTop: "message",
  // A thread has the id of the message that it hangs at.
  threads: "message",
  // A direct channel has an id of its own.
  directIsUser: false,
  // A nonce is enforced for minutes only; what stands in a channel can be looked at.
  repeat: "find",
  details: "answer",
  // Edits of a channel's messages: about five within five seconds.
  editEveryMs: 1_200,
  // Shown for ten seconds; the gateway renews it when this is over.
  typingMs: 8_000,
};
