// What a turn says, on its way to the store and the people: without secrets, and without a word when it is silent.
import type { TurnEvent } from "../../core/event.ts";
import type { Redactor } from "../../vault/redact.ts";
import { redactEvent } from "./redacting.ts";

/** An answer that is only this is not shown: the agent was woken and has nothing to say (MA-115). */
const silence = "[SILENT]";

/** Passes the events of one turn on. */
export interface Speech {
  /** What of an event may be recorded now; held-back text comes with a later one. */
  pass(event: TurnEvent): TurnEvent[];
}

/** A filter for one start of a turn. */
export function createSpeech(redactor: Redactor): Speech {
  let text = redactor.stream();
  let thinking = redactor.stream();
  /** The beginning of an answer while it may still become silence. */
  let held = "";
  let speaking = false;

  const speak = (delta: string): TurnEvent[] => {
    if (delta === "") return [];
    if (speaking) return [{ type: "text", delta }];
    held += delta;
    if (silence.startsWith(held.trim())) return [];
    speaking = true;
    return [{ type: "text", delta: held }];
  };
  const begin = () => {
    text = redactor.stream();
    thinking = redactor.stream();
    held = "";
    speaking = false;
  };
  const finishThinking = (): TurnEvent[] => {
    const rest = thinking.end();
    return rest === "" ? [] : [{ type: "thinking", delta: rest }];
  };

  return {
    pass(event) {
      if (event.type === "text") return [...finishThinking(), ...speak(text.push(event.delta))];
      if (event.type === "thinking") {
        const delta = thinking.push(event.delta);
        return delta === "" ? [] : [{ type: "thinking", delta }];
      }
      if (event.type === "reset") {
        begin();
        return [event];
      }
      if (event.type !== "message") return [redactEvent(event, redactor)];
      const message = redactEvent(event, redactor) as TurnEvent & { type: "message" };
      if (message.text.trim() === silence) {
        begin();
        return [{ ...message, text: "" }];
      }
      const last = [...finishThinking(), ...speak(text.end())];
      if (!speaking && held !== "") last.push({ type: "text", delta: held });
      begin();
      return [...last, message];
    },
  };
}
