// What the program adds to an input for the model: what was said beside it, what it quotes, what is missing of it.
import { publicId } from "../../core/ids.ts";
import { limits } from "../../core/limits.ts";
import type { Inbound } from "../../core/message.ts";
import type { Input, TurnInput, TurnRow } from "../../core/session.ts";
import { ago, excerpt } from "../../core/words.ts";
import type { Store } from "../../store/store.ts";

/** A stored input as a harness takes it. */
export function turnInput(input: Input, { store, row, now }: { store: Store; row: TurnRow; now: number }): TurnInput {
  const { inbound } = input;
  const files = inbound.kind === "message" ? (inbound.files ?? []) : [];
  const text = inbound.kind === "message" || inbound.kind === "edit" ? inbound.text : "";
  const event = inbound.kind === "message" && inbound.event !== undefined;
  const lines = [
    ...(row.replyTo.conversation.kind === "shared" ? contextLines(store, row) : []),
    ...quoteLines(store, { input, row }),
    ...missedLines(input, now),
    ...files.flatMap(({ name, problem }) =>
      problem === undefined ? [] : [`[The file ${JSON.stringify(excerpt(name, 80))} is not here: ${problem}.]`],
    ),
  ];
  return {
    id: input.id,
    text,
    sender: inbound.sender,
    sentAt: inbound.sentAt,
    files: files.filter(({ problem }) => problem === undefined),
    kind: inbound.kind === "edit" ? "correction" : event ? "event" : "message",
    ...(lines.length === 0 ? {} : { note: lines.join("\n") }),
  };
}

/** What was said in the place since the last turn and was not meant for the agent; in a direct one everything is. */
function contextLines(store: Store, row: TurnRow): string[] {
  const given = store.inputs.given(row.id, limits.contextMessagesMax + 1);
  if (given.length === 0) return [];
  const lines: string[] = [];
  let left: number = limits.contextCharsMax;
  // The newest matter most.
  for (const { inbound } of given.slice(-limits.contextMessagesMax).reverse()) {
    if (inbound.kind !== "message") continue;
    const files = (inbound.files ?? []).map(({ name }) => ` (file ${excerpt(name, 80)})`).join("");
    const line = `> ${nameOf(inbound)}: ${excerpt(inbound.text, limits.contextLineCharsMax)}${files}`;
    left -= line.length;
    if (left < 0) break;
    lines.unshift(line);
  }
  const cut = lines.length < given.length ? ", the newest of it" : "";
  return [`[Said here before and not to you${cut}; for your information only:]`, ...lines, "[End of that.]"];
}

/** A message that the input answers and that its session does not hold. */
function quoteLines(store: Store, { input, row }: { input: Input; row: TurnRow }): string[] {
  const { inbound } = input;
  if (inbound.kind !== "message" || inbound.replyTo === undefined) return [];
  const quoted = findQuoted(store, { inbound, id: inbound.replyTo, session: row.session });
  if (quoted === "known") return [];
  const { sender, text } = quoted ?? inbound.quote ?? {};
  if (text === undefined || text.trim() === "") return ["[This answers a message that is not here.]"];
  return [`[This answers a message of ${plain(sender ?? "")}: ${excerpt(text, limits.quoteCharsMax)}]`];
}

function findQuoted(
  store: Store,
  { inbound, id, session }: { inbound: Inbound; id: string; session: number },
): { sender: string; text: string } | "known" | undefined {
  const { adapter, conversation } = inbound;
  const said = store.messages.byExternal(adapter, conversation.id, id);
  if (said !== undefined) {
    // What was kept as context has no turn: the session has not read it as its own.
    const read = store.inputs.message(adapter, { conversation: conversation.id, id });
    return said.session === session && read?.state !== "context" && read?.turn != null ? "known" : said;
  }
  const sent = store.deliveries.byRef(adapter, conversation.id, id);
  if (sent === undefined || sent.turn === null) return undefined;
  const turn = store.turns.get(sent.turn);
  if (turn?.session === session) return "known";
  const answer = store.messages.answerOf(sent.turn);
  if (answer === undefined || turn === undefined) return undefined;
  return { sender: `yours in ${publicId(turn.session)}`, text: answer.text };
}

function missedLines({ inbound, receivedAt }: Input, now: number): string[] {
  if (inbound.kind !== "message" || inbound.missed !== true) return [];
  return [`[You were away when this was sent, ${ago(now - Math.min(inbound.sentAt, receivedAt))}.]`];
}

function nameOf({ sender }: Inbound): string {
  return plain(sender.name === "" ? sender.id : sender.name);
}

/** A name that holds brackets or line breaks could pose as a line of ours. */
function plain(name: string): string {
  return excerpt(name.replace(/[\p{C}[\]]+/gu, " "), 80);
}
