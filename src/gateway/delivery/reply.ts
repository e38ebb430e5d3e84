// Turn events → what a chat shows: a sign of life, an answer that forms, and at its end exactly the answer.
import type { TurnEvent } from "../../core/event.ts";
import { errorText } from "../../core/failure.ts";
import type { TurnId } from "../../core/ids.ts";
import { limits } from "../../core/limits.ts";
import type { TurnRow } from "../../core/session.ts";
import type { Delivery } from "../../store/deliveries.ts";
import type { Store } from "../../store/store.ts";
import type { Clock } from "../../sys/clock.ts";
import type { Log } from "../../sys/log.ts";
import type { Happening } from "../hub.ts";
import {
  type Block,
  bellText,
  blocksOf,
  compose,
  detailsOf,
  doing,
  endCall,
  failureLines,
  isSilent,
  markStopped,
  type ToolOutput,
} from "./composition.ts";
import type { FormingHandle, Outbox } from "./deliveries.ts";

/** What replies work with. */
export interface ReplyDeps {
  store: Pick<Store, "deliveries" | "inputs" | "turns">;
  outbox: Pick<Outbox, "deliver" | "place" | "revise" | "form" | "signal" | "traitsOf" | "wake">;
  clock: Pick<Clock, "now" | "sleep">;
  log: Log;
  toolOutput: ToolOutput;
  /** True for doors that show turns by themselves. */
  isLive(adapter: string): boolean;
}

/** How much of the tools' work stands in the answer itself; of the rest its thread has the outputs. */
function inAnswer({ toolOutput, outbox }: Pick<ReplyDeps, "toolOutput" | "outbox">, { replyTo }: TurnRow): ToolOutput {
  const below = toolOutput === "full" && outbox.traitsOf(replyTo.adapter)?.details === "thread";
  return below ? "summary" : toolOutput;
}

/** A turn that is shown while it runs. */
interface Showing {
  turn: TurnRow;
  blocks: Block[];
  /** Text since the last whole message. */
  current: string;
  /** Older messages were summarised meanwhile. */
  compacted: boolean;
  /** It waits for a person: nobody types. */
  waits: boolean;
  /** None before the first sign of life; null when there is no place to show it in. */
  forming: FormingHandle | null | undefined;
  over: AbortController;
}

export type Replies = ReturnType<typeof createReplies>;

/** Shows turns in the doors that do not do so themselves. */
export function createReplies(deps: ReplyDeps) {
  const { store, outbox, clock, log, toolOutput } = deps;
  const showings = new Map<TurnId, Showing>();

  /** Gives the answer its place over there, and follows it from then on. */
  const show = (showing: Showing): void => {
    if (showing.forming !== undefined) {
      showing.forming?.changed();
      return;
    }
    const place = store.deliveries.answerOf(showing.turn.id);
    const isOpen = place?.form === "forming" && isUnderWay(place);
    showing.forming = isOpen ? outbox.form(place.id, () => formingText(showing, inAnswer(deps, showing.turn))) : null;
  };

  const begin = (id: TurnId, resumed: boolean): void => {
    const turn = store.turns.get(id);
    if (turn === undefined || deps.isLive(turn.replyTo.adapter)) return;
    end(id);
    const showing: Showing = {
      turn,
      blocks: resumed ? blocksOf(store.deliveries.material(id, { output: toolOutput === "full" })) : [],
      current: "",
      compacted: false,
      waits: false,
      forming: undefined,
      over: new AbortController(),
    };
    showings.set(id, showing);
    if (!resumed) outbox.signal(turn.replyTo, "seen");
    void keepTyping(deps, showing);
    void clock
      .sleep(limits.placeholderMs, showing.over.signal)
      .then(() => {
        if (!showing.over.signal.aborted) show(showing);
      })
      .catch((error) => log.warn("Cannot show a turn yet", { turn: id, error: errorText(error) }));
  };

  const end = (id: TurnId): void => {
    const showing = showings.get(id);
    if (showing === undefined) return;
    showings.delete(id);
    showing.over.abort();
    showing.forming?.end();
  };

  return {
    /**
     * Inside the transaction that stores the event: what people are to read of it is stored with it, so that no crash
     * comes between. @throws when the store does.
     */
    stored(turn: TurnRow, event: TurnEvent): void {
      if (deps.isLive(turn.replyTo.adapter)) return;
      if (event.type === "started") {
        // A turn that goes on after a crash goes on in the place that it has.
        if (store.deliveries.answerOf(turn.id) === undefined && !isScheduled(store, turn))
          outbox.place(turn.replyTo, { turn: turn.id, choices: [{ value: "/stop", label: "Stop" }] });
      } else if (event.type === "file") {
        const { type: _type, ...file } = event;
        outbox.deliver(turn.replyTo, { markdown: "", files: [file] }, { kind: "file", turn: turn.id });
      } else if (event.type === "notice") {
        outbox.deliver(turn.replyTo, { markdown: event.text }, { kind: "notice", turn: turn.id });
      } else if (event.type === "ask") {
        const { text, choices, approval } = event;
        outbox.deliver(turn.replyTo, { markdown: text, choices }, { kind: "card", turn: turn.id, question: approval });
      } else if (event.type === "ended") {
        finish(deps, { turn, event, showing: showings.get(turn.id) });
      }
    },
    /** What happens, as the hub tells it; after `stored`. */
    follow({ turn: id, event }: Happening): void {
      if (event.type === "started") {
        begin(id, event.resumed);
        return;
      }
      const showing = showings.get(id);
      if (showing === undefined) return;
      if (event.type === "ended") {
        end(id);
        outbox.wake();
      } else if (take(showing, event, toolOutput)) show(showing);
    },
    /** Turns that are being shown. */
    showing: () => showings.size,
    /** The program ends; what is stored is shown by the next start. */
    close(): void {
      for (const id of showings.keys()) end(id);
    },
  };
}

/** It has its place, or is on its way there. */
function isUnderWay({ fate }: Delivery): boolean {
  return fate === "pending" || fate === "sending" || fate === "placed";
}

/** Notes what an event changes. @returns whether it is worth showing. */
function take(showing: Showing, event: TurnEvent, toolOutput: ToolOutput): boolean {
  switch (event.type) {
    case "text":
      showing.current += event.delta;
      break;
    case "reset":
      showing.current = "";
      break;
    case "message":
      showing.current = "";
      showing.blocks.push({ text: event.text });
      break;
    case "tool":
      if (event.step === "output") return false;
      if (event.step === "end") {
        const output = toolOutput === "full" ? event.text : "";
        endCall(showing.blocks, { call: event.call, ok: event.ok, output });
      } else showing.blocks.push({ call: event.call, title: event.title || event.name, state: "runs", output: "" });
      break;
    case "compacted":
      showing.compacted = true;
      break;
    case "ask":
      showing.waits = true;
      return false;
    default:
      return false;
  }
  showing.waits = false;
  // Nothing to read so far: a word that may become silence gives nobody a sign.
  return event.type !== "message" || event.text.trim() !== "";
}

function formingText({ blocks, current, compacted }: Showing, toolOutput: ToolOutput): string {
  const text = compose([...blocks, { text: current }], toolOutput);
  const notes = [compacted ? "Older messages were summarised." : "", doing(blocks)].filter((note) => note !== "");
  return [text, ...notes].filter((part) => part !== "").join("\n\n");
}

/** "Typing" is shown as long as the turn works. */
async function keepTyping({ outbox, clock }: ReplyDeps, showing: Showing): Promise<void> {
  const { turn, over } = showing;
  while (!over.signal.aborted) {
    const typingMs = outbox.traitsOf(turn.replyTo.adapter)?.typingMs ?? limits.typingMs;
    if (!showing.waits) outbox.signal(turn.replyTo, "typing");
    await clock.sleep(Math.max(typingMs, limits.typingMsMin), over.signal);
  }
}

/** The end of a turn: its answer takes the place that it has, or gets one; a long turn rings once. */
function finish(
  deps: ReplyDeps,
  { turn, event, showing }: { turn: TurnRow; event: TurnEvent & { type: "ended" }; showing: Showing | undefined },
): void {
  const { store, outbox, clock, toolOutput } = deps;
  const { outcome, error } = event;
  const blocks = blocksOf(store.deliveries.material(turn.id, { output: toolOutput === "full" }));
  // What was not finished belongs to an answer that was cut off; a whole one has it in its last message.
  if (outcome !== "done") blocks.push({ text: unfinished(blocks, { turn, showing }) });
  if (outcome === "stopped") markStopped(blocks);
  const place = store.deliveries.answerOf(turn.id);
  const isOpen = place !== undefined && isUnderWay(place);
  if (outcome === "done" && isSilent(blocks)) {
    if (isOpen) outbox.revise(place.id, { markdown: "" });
    return;
  }
  const last = outcome === "stopped" ? "Stopped." : error === undefined ? "" : failureLines(error);
  const shown = inAnswer(deps, turn);
  const markdown = [compose(blocks, shown), last].filter((part) => part !== "").join("\n\n");
  const content = { markdown: markdown === "" ? "The turn ended without an answer." : markdown };
  if (isOpen) outbox.revise(place.id, content);
  const scheduled = isScheduled(store, turn);
  const options = { kind: "answer", turn: turn.id, audible: scheduled } as const;
  const answer = isOpen ? place.id : outbox.deliver(turn.replyTo, content, options);
  if (shown !== toolOutput) tellDetails(outbox, { turn, answer, texts: detailsOf(blocks) });
  // Whoever stops a turn looks at the chat.
  if (scheduled || outcome === "stopped" || clock.now() - turn.startedAt <= limits.bellMs) return;
  const said = blocks.findLast((block) => "text" in block && block.text.trim() !== "");
  const words = outcome === "failed" ? (error?.message ?? "") : said !== undefined && "text" in said ? said.text : "";
  outbox.deliver(
    turn.replyTo,
    { markdown: bellText(outcome, words) },
    { kind: "bell", turn: turn.id, answers: answer },
  );
}

/** The outputs of tools, in the thread below the answer: the one that it stands in, else one of its own. */
function tellDetails(
  outbox: ReplyDeps["outbox"],
  { turn, answer, texts }: { turn: TurnRow; answer: number; texts: readonly string[] },
): void {
  const { replyTo: _answered, ...target } = turn.replyTo;
  for (const markdown of texts)
    outbox.deliver(target, { markdown }, { kind: "notice", turn: turn.id, answers: answer });
}

/**
 * Nobody looks at the chat when a schedule speaks, and a reminder that makes no sound is none: its answer does not form,
 * and rings when it comes.
 */
function isScheduled(store: ReplyDeps["store"], { id }: TurnRow): boolean {
  return store.inputs.ofTurn(id, 1).some(({ inbound }) => inbound.kind === "message" && inbound.event !== undefined);
}

/** What was said since the last whole message that is stored. */
function unfinished(
  stored: readonly Block[],
  { turn, showing }: { turn: TurnRow; showing: Showing | undefined },
): string {
  const texts = stored.flatMap((block) => ("text" in block ? [block.text] : []));
  if (showing !== undefined) {
    // A message that is stored together with the end has not been shown as one yet.
    const shown = showing.blocks.filter((block) => "text" in block).length;
    return texts.length > shown ? "" : showing.current;
  }
  // Of an earlier life is left what it stored now and then; the message may have been stored after it.
  const partial = (turn.partial ?? "").trim();
  return texts.at(-1)?.trim().startsWith(partial) === true ? "" : partial;
}
