// What the model sees of a session: the messages of its branch, from the newest summary on.
import type { EntryId, TurnId } from "../../core/ids.ts";
import type {
  AssistantMessage,
  Entry,
  ImagePart,
  Json,
  TextPart,
  ToolCallPart,
  ToolResultMessage,
  TranscriptMessage,
  UserMessage,
} from "../../core/transcript.ts";

/** `ids[i]` is the entry of `messages[i]`; null for a summary. */
export interface Context {
  messages: TranscriptMessage[];
  ids: (EntryId | null)[];
  /** From this index on an answer's reported usage is the size of what stands here now. */
  measuredFrom: number;
  /** The newest summary, which is then the first message. */
  summary: string | undefined;
  /** Calls of the newest answer that have no result. */
  open: ToolCallPart[];
  /** The turn in which that answer was given. */
  openTurn: TurnId | null;
  /** The last message is an answer that broke off. */
  brokeOff: boolean;
  /** A single message larger than this is cut where it is added. */
  messageTokensMax: number;
}

/** For texts whose size in tokens nobody has reported. */
export const charsPerToken = 4;
/** What one image costs at most with the common providers. */
const imageTokens = 1_500;
/** Of a message that is cut: the share of it that its beginning gets. */
const headShare = 0.7;

/**
 * A branch of entries (oldest first) as the model sees it. References are kept, nothing is copied.
 * What strict providers want beyond that (each call's result behind it, no empty message) is up to `Models`. More
 * entries may be added to it as they come; what is open at its end is not noted yet.
 */
export function startContext(history: readonly Entry[], messageTokensMax: number): Context {
  const context: Context = {
    messages: [],
    ids: [],
    measuredFrom: 0,
    summary: undefined,
    open: [],
    openTurn: null,
    brokeOff: false,
    messageTokensMax,
  };
  const compaction = history.findLastIndex((entry) => entry.body.kind === "compaction");
  const body = history[compaction]?.body;
  if (body?.kind === "compaction") startWithSummary(context, body.summary);
  const keepFrom = body?.kind === "compaction" ? body.keepFrom : null;

  for (const [index, entry] of history.entries()) {
    // What was kept was measured together with what the summary replaced.
    if (index === compaction) context.measuredFrom = context.messages.length;
    if (entry.body.kind !== "message") continue;
    if (index < compaction && (keepFrom === null || entry.id < keepFrom)) continue;
    addEntry(context, entry.id, entry.body.message);
  }
  return context;
}

/** Adds an earlier message, as it is stored. */
export function addEntry(context: Context, id: EntryId, message: TranscriptMessage): void {
  // The answer to the same question came after all.
  if (message.role === "assistant") dropBrokenAnswer(context);
  addMessage(context, message, id);
  context.brokeOff = message.role === "assistant" && ["aborted", "error"].includes(message.stopReason);
}

/** Notes the calls of the newest answer that have no result. */
export function addOpenCalls(context: Context, history: readonly Entry[]): void {
  context.open = openCalls(context.messages);
  const isAnswer = ({ body }: Entry) => body.kind === "message" && body.message.role === "assistant";
  context.openTurn = history.findLast(isAnswer)?.turn ?? null;
}

/** The calls of the newest answer that have no result, unless something else came after them. */
function openCalls(messages: readonly TranscriptMessage[]): ToolCallPart[] {
  const last = messages.findLastIndex((message) => message.role !== "toolResult");
  const answer = messages[last];
  if (answer?.role !== "assistant") return [];
  const done = new Set(messages.slice(last + 1).flatMap((one) => (one.role === "toolResult" ? [one.toolCallId] : [])));
  return callsOf(answer).filter((call) => !done.has(call.id));
}

/** Adds one message that was stored as `id`. */
export function addMessage(context: Context, message: TranscriptMessage, id: EntryId | null): void {
  context.messages.push(message.role === "assistant" ? message : fitMessage(message, context.messageTokensMax));
  context.ids.push(id);
  context.brokeOff = false;
}

/** Takes an answer that broke off out of view: the model is asked again for the same. */
export function dropBrokenAnswer(context: Context): void {
  if (!context.brokeOff) return;
  context.messages.pop();
  context.ids.pop();
  context.brokeOff = false;
}

/** Replaces everything before index `cut` by a summary. */
export function replaceBefore(context: Context, cut: number, summary: string): void {
  const messages = context.messages.slice(cut);
  const ids = context.ids.slice(cut);
  context.messages = [];
  context.ids = [];
  startWithSummary(context, summary);
  context.messages.push(...messages);
  context.ids.push(...ids);
  context.measuredFrom = context.messages.length;
}

function startWithSummary(context: Context, summary: string): void {
  context.summary = summary;
  context.messages.push({
    role: "user",
    content: [
      { type: "text", text: `The conversation before this point, summarised:\n<summary>\n${summary}\n</summary>` },
    ],
    timestamp: 0,
  });
  context.ids.push(null);
}

/** The calls of an answer. */
export function callsOf(message: AssistantMessage): ToolCallPart[] {
  return message.content.filter((part) => part.type === "toolCall");
}

/** The text of an answer or a result. */
export function textOf(message: TranscriptMessage): string {
  return message.content.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n");
}

/** Tokens of the whole context: the newest answer's reported usage, and an estimate for what came after it. */
export function contextTokens(context: Context, fixedTokens: number): number {
  let after = 0;
  for (let index = context.messages.length - 1; index >= 0; index -= 1) {
    const message = context.messages[index];
    if (message === undefined) break;
    if (message.role === "assistant" && index >= context.measuredFrom && message.usage.totalTokens > 0) {
      return message.usage.totalTokens + after;
    }
    after += messageTokens(message);
  }
  return fixedTokens + after;
}

/** An estimate from the number of characters. */
export function messageTokens(message: TranscriptMessage): number {
  let chars = 0;
  let images = 0;
  for (const part of message.content) {
    if (part.type === "text") chars += part.text.length;
    else if (part.type === "thinking") chars += part.thinking.length;
    else if (part.type === "image") images += 1;
    else chars += part.name.length + jsonChars(part.arguments);
  }
  return charTokens(chars) + images * imageTokens;
}

/** An estimate for a text of `chars` characters. */
export function charTokens(chars: number): number {
  return Math.ceil(chars / charsPerToken);
}

/** About the length of `value` as JSON, without making it. */
export function jsonChars(value: Json): number {
  if (typeof value === "string") return value.length + 2;
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + jsonChars(item) + 1, 2);
  if (value !== null && typeof value === "object") {
    return Object.entries(value).reduce((sum, [key, item]) => sum + key.length + 4 + jsonChars(item), 2);
  }
  return 5;
}

/** The message itself when it fits, else a copy whose texts are cut in the middle with a note. */
export function fitMessage<Message extends UserMessage | ToolResultMessage>(
  message: Message,
  tokensMax: number,
): Message {
  const tokens = messageTokens(message);
  if (tokens <= tokensMax) return message;
  const chars = message.content.reduce((sum, part) => sum + (part.type === "text" ? part.text.length : 0), 0);
  const images = message.content.filter((part) => part.type === "image").length;
  const share = Math.max(0, tokensMax - images * imageTokens) * charsPerToken * (1 / Math.max(chars, 1));
  const content = message.content.map((part) =>
    part.type === "text" ? { ...part, text: cutText(part.text, Math.floor(part.text.length * share)) } : part,
  ) satisfies (TextPart | ImagePart)[];
  return { ...message, content };
}

/** At most about `charsMax` characters of `text`: its beginning and its end, with a note between. */
export function cutText(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text;
  const head = Math.floor(charsMax * headShare);
  const tail = charsMax - head;
  const left = text.length - charsMax;
  return `${text.slice(0, head)}\n[… ${left} characters are left out here, this message is too long …]\n${tail === 0 ? "" : text.slice(-tail)}`;
}
