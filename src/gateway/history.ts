// The history view and the answers that nobody is watching: both follow what is stored already.
import { errorText } from "../core/failure.ts";
import type { Inbound } from "../core/message.ts";
import type { TurnRow } from "../core/session.ts";
import type { Log } from "../sys/log.ts";
import type { Redactor } from "../vault/redact.ts";
import type { Layout } from "../workspace/layout.ts";
import type { Transcript } from "../workspace/transcript.ts";
import type { Gateway } from "./gateway.ts";
import type { LiveDoor } from "./handle.ts";

/** What the view is written with. */
export interface HistoryDeps {
  layout: Layout;
  transcript: Transcript;
  redactor: Redactor;
}

/** A message that came in, as a line of the conversation's log.jsonl. */
export function writeInbound({ layout, transcript, redactor }: HistoryDeps, inbound: Inbound): void {
  if (inbound.kind !== "message") return;
  const attachments = (inbound.files ?? []).flatMap(({ name, stored }) =>
    stored === undefined ? [] : [{ name, stored }],
  );
  transcript.append(layout.conversation(inbound.adapter, inbound.conversation.id).log, {
    id: inbound.id,
    at: inbound.sentAt,
    ...(inbound.thread === undefined ? {} : { thread: inbound.thread }),
    sender: inbound.sender,
    text: redactor.exact(inbound.text),
    ...(attachments.length === 0 ? {} : { attachments }),
    isMention: inbound.addressed,
  });
}

/** An answer, as a line of the same log. */
export function writeAnswer(
  { layout, transcript }: HistoryDeps,
  answer: { turn: TurnRow; text: string; at: number },
): void {
  const { adapter, conversation, thread } = answer.turn.replyTo;
  transcript.append(layout.conversation(adapter, conversation.id).log, {
    id: `T${answer.turn.id}`,
    at: answer.at,
    ...(thread === undefined ? {} : { thread }),
    sender: { id: answer.turn.agent, name: answer.turn.agent, isBot: true },
    text: answer.text,
  });
}

/** A turn in a session that its conversation does not lead to (an event with its own) is posted to the door. */
export function postElsewhere(
  { gateway, door, log }: { gateway: Pick<Gateway, "sessionAt">; door: LiveDoor | undefined; log: Log },
  { turn, text }: { turn: TurnRow; text: string },
): void {
  const { replyTo, requester } = turn;
  const place: Inbound = {
    ...replyTo,
    kind: "message",
    id: "",
    sender: requester,
    sentAt: 0,
    text: "",
    addressed: true,
  };
  if (door === undefined || door.name !== replyTo.adapter) return;
  const failed = (error: unknown) => log.warn("Cannot post an answer", { error: errorText(error) });
  try {
    if (gateway.sessionAt(place)?.id !== turn.session) door.post(replyTo, { markdown: text }).catch(failed);
  } catch (error) {
    // The answer is stored: a read that fails must not end its turn.
    failed(error);
  }
}
