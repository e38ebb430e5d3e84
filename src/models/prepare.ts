// Makes any stored conversation into one that strict providers take: pure, and equal input gives equal output,
// so that consecutive requests share their beginning byte for byte and provider caches hit.
import type {
  AssistantMessage,
  ImagePart,
  TextPart,
  ToolCallPart,
  ToolResultMessage,
  TranscriptMessage,
  UserMessage,
} from "../core/transcript.ts";

/** Who will read the transcript. */
export interface Reader {
  api: string;
  provider: string;
  model: string;
  images: boolean;
  /** Largest image in bytes. */
  imageBytesMax: number;
}

/** Said in place of what is missing. */
export const placeholders = {
  noResult: "No result recorded: the call was interrupted and may or may not have happened.",
  noOutput: "(no output)",
  emptyMessage: "(empty message)",
  start: "(The conversation continues from earlier.)",
  goOn: "Please go on.",
} as const;

/** What Anthropic, OpenAI and Google all take. */
const imageTypes = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);

/** An answer with its calls' results, until all are known. */
interface Round {
  message: AssistantMessage;
  calls: { call: ToolCallPart; original: string; result?: ToolResultMessage }[];
}

/**
 * The transcript as `reader` may be sent it:
 * - starts and ends with something that is not the model's own words;
 * - each tool call is followed at once by its result, in the order of the calls; a missing one is said to be
 *   missing, and a result without a call is left out; call ids are unique;
 * - no empty message or part; two messages of the person in a row are one;
 * - of a failed or stopped answer the text stays, its thinking and unanswered calls go;
 * - thinking stays with the model that thought it; images go only to models that see them.
 */
export function prepareTranscript(messages: readonly TranscriptMessage[], reader: Reader): TranscriptMessage[] {
  return finishPrepared(startPrepared(), { messages, reader });
}

/** What a beginning has become. It can be gone on with as long as all of its calls have results. */
export interface Prepared {
  out: TranscriptMessage[];
  /** Ids of calls that are taken. */
  used: Set<string>;
}

export function startPrepared(): Prepared {
  return { out: [], used: new Set() };
}

/** Adds messages to a beginning, up to a moment in which no call lacks its result. */
export function extendPrepared(
  { out, used }: Prepared,
  { messages, reader }: { messages: readonly TranscriptMessage[]; reader: Reader },
): void {
  for (const item of pairResults(messages, { used, reader })) {
    if ("role" in item) pushUser(out, { ...item, content: userContent(item, reader) });
    else pushRound(out, { round: item, reader });
  }
}

/** The whole transcript: a beginning, which stays as it is, and the messages after it. */
export function finishPrepared(
  begun: Prepared,
  { messages, reader }: { messages: readonly TranscriptMessage[]; reader: Reader },
): TranscriptMessage[] {
  const out = [...begun.out];
  if (messages.length > 0) extendPrepared({ out, used: new Set(begun.used) }, { messages, reader });
  const first = out[0];
  if (first !== undefined && first.role !== "user") out.unshift(said(placeholders.start, first.timestamp));
  const last = out.at(-1);
  if (last !== undefined && last.role === "assistant") out.push(said(placeholders.goOn, last.timestamp));
  return out;
}

/** Gives each result to the newest call of its id that has none yet. */
function pairResults(
  messages: readonly TranscriptMessage[],
  { used, reader }: { used: Set<string>; reader: Reader },
): (UserMessage | Round)[] {
  const items: (UserMessage | Round)[] = [];
  const open = new Map<string, Round["calls"][number]>();
  for (const message of messages) {
    if (message.role === "user") items.push(message);
    else if (message.role === "assistant") {
      const calls = message.content
        .filter((part) => part.type === "toolCall")
        .map((part) => ({
          call: { ...part, id: callId(part.id, { used, own: isOwn(message, reader), reader }) },
          original: part.id,
        }));
      for (const call of calls) open.set(call.original, call);
      items.push({ message, calls });
    } else {
      const waiting = open.get(message.toolCallId);
      if (waiting === undefined) continue;
      waiting.result = message;
      open.delete(message.toolCallId);
    }
  }
  return items;
}

/**
 * The id of a call as it is sent. A provider gets its own ids back. Those of others, and those that occur again
 * (local servers number their calls anew in each answer), become short plain ones that are taken everywhere:
 * Anthropic wants `[a-zA-Z0-9_-]{1,64}`, OpenAI's chat protocol at most 40 characters. In the Responses protocol
 * the library writes two ids as `call|item`, of which the first must be unique.
 */
function callId(id: string, options: { used: Set<string>; own: boolean; reader: Reader }): string {
  const { used, own, reader } = options;
  const [first = ""] = id.split("|");
  const plain = /^[\w-]{1,40}$/.test(first) ? first : first.replace(/[^\w-]/g, "_").slice(0, 32) || "call";
  const whole = /^[\w-]{1,64}$/.test(reader.api.endsWith("-responses") ? first : id);
  let candidate = own && whole ? id : plain;
  for (let n = 2; used.has(candidate.split("|")[0] ?? ""); n++) candidate = `${plain}_${n}`;
  used.add(candidate.split("|")[0] ?? "");
  return candidate;
}

function isOwn(message: AssistantMessage, reader: Reader): boolean {
  return message.provider === reader.provider && message.api === reader.api && message.model === reader.model;
}

function pushUser(out: TranscriptMessage[], message: UserMessage): void {
  const last = out.at(-1);
  if (last?.role === "user") out[out.length - 1] = { ...last, content: [...last.content, ...message.content] };
  else out.push(message);
}

function pushRound(out: TranscriptMessage[], from: { round: Round; reader: Reader }): void {
  const { round, reader } = from;
  const whole = ["stop", "length", "toolUse"].includes(round.message.stopReason);
  const calls = whole ? round.calls : round.calls.filter((call) => call.result !== undefined);
  const content = answerContent(round.message, { whole, calls, reader });
  if (content.length === 0) return;
  const { errorMessage: _shown, ...message } = round.message;
  out.push({ ...message, content, stopReason: calls.length > 0 ? "toolUse" : whole ? message.stopReason : "stop" });
  for (const { call, result } of calls) {
    out.push({
      role: "toolResult",
      toolCallId: call.id,
      toolName: call.name,
      content: resultContent(result, reader),
      isError: result?.isError ?? true,
      timestamp: result?.timestamp ?? message.timestamp,
    });
  }
}

function answerContent(
  message: AssistantMessage,
  from: { whole: boolean; calls: Round["calls"]; reader: Reader },
): AssistantMessage["content"] {
  const { whole, reader } = from;
  const own = isOwn(message, reader);
  const calls = [...from.calls];
  return message.content.flatMap((part): AssistantMessage["content"] => {
    if (part.type === "text") {
      if (part.text.trim() === "") return [];
      // A signature of a broken answer points to thinking that is not sent.
      return [whole ? part : { type: "text", text: part.text }];
    }
    if (part.type === "thinking") return whole && own ? [part] : [];
    const kept = calls.find((entry) => entry.original === part.id);
    if (kept === undefined) return [];
    calls.splice(calls.indexOf(kept), 1);
    return [{ ...kept.call, arguments: argumentsOf(part) }];
  });
}

/** Arguments are an object for every provider, whatever a model once wrote. */
function argumentsOf(part: ToolCallPart): ToolCallPart["arguments"] {
  const value: unknown = part.arguments;
  return typeof value === "object" && value !== null && !Array.isArray(value) ? part.arguments : {};
}

function userContent(message: UserMessage, reader: Reader): UserMessage["content"] {
  const parts = guardImages(message.content, reader);
  return parts.length > 0 ? parts : [{ type: "text", text: placeholders.emptyMessage }];
}

function resultContent(result: ToolResultMessage | undefined, reader: Reader): ToolResultMessage["content"] {
  if (result === undefined) return [{ type: "text", text: placeholders.noResult }];
  const parts = guardImages(result.content, reader);
  return parts.length > 0 ? parts : [{ type: "text", text: placeholders.noOutput }];
}

/** Leaves out empty texts and puts words in place of images that the reader cannot take. */
function guardImages(parts: readonly (TextPart | ImagePart)[], reader: Reader): (TextPart | ImagePart)[] {
  return parts.flatMap((part): (TextPart | ImagePart)[] => {
    if (part.type === "text") return part.text.trim() === "" ? [] : [part];
    const reason = imageProblem(part, reader);
    return reason === undefined ? [part] : [{ type: "text", text: `[image left out: ${reason}]` }];
  });
}

function imageProblem(image: ImagePart, reader: Reader): string | undefined {
  if (!reader.images) return "this model does not see images";
  if (!imageTypes.has(image.mimeType)) return `models do not take ${image.mimeType || "this kind"}`;
  const bytes = Math.floor((image.data.length * 3) / 4);
  if (bytes === 0) return "it is empty";
  if (bytes <= reader.imageBytesMax) return undefined;
  return `its ${megabytes(bytes)} MB are more than the ${megabytes(reader.imageBytesMax)} MB allowed`;
}

function megabytes(bytes: number): string {
  return (bytes / (1024 * 1024)).toFixed(1);
}

function said(text: string, timestamp: number): UserMessage {
  return { role: "user", content: [{ type: "text", text }], timestamp };
}
