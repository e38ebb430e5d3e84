// The contract of reading a conversation's past from its platform, for `remoteagent download`.
import type { AdapterDeps } from "./adapter.ts";

/** One message, in the members that log.jsonl has. */
export interface HistoryLine {
  id: string;
  /** ISO 8601. */
  ts: string;
  /** The message below which it stands. */
  thread?: string;
  sender: { id: string; displayName?: string; isBot: boolean };
  text: string;
  /** Names of files, which are not fetched. */
  attachments?: string[];
  isMention?: boolean;
}

export interface HistoryDeps extends Pick<AdapterDeps, "name" | "secret" | "fetch" | "clock" | "log"> {
  /** The platform's id of the conversation. */
  conversation: string;
  signal?: AbortSignal;
}
