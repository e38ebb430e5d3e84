// Passes turn events on as they happen: to the door that asked, to a viewer, to whoever listens.
import type { TurnEvent } from "../core/event.ts";
import type { EventNumber, SessionId, TurnId } from "../core/ids.ts";

/** An event on its way to the people. Deltas carry the number of the last stored event. */
export interface Happening {
  n: EventNumber;
  turn: TurnId;
  session: SessionId;
  event: TurnEvent;
}

/** What a turn shows right now and no stored event holds yet. */
export interface Forming {
  text: string;
  thinking: string;
}

export type Hub = ReturnType<typeof createHub>;

/** A hub. What a listener throws goes to `onError` and harms neither the turn nor the others; it hears what comes next. */
export function createHub(onError: (error: unknown) => void) {
  const listeners = new Set<(happening: Happening) => void>();
  const forming = new Map<TurnId, Forming>();
  return {
    publish(happening: Happening): void {
      follow(forming, happening);
      for (const listener of listeners) {
        try {
          listener(happening);
        } catch (error) {
          onError(error);
        }
      }
    },
    /** @returns the function that ends the subscription. */
    subscribe(listener: (happening: Happening) => void): () => void {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    /** The text that is forming in a turn, for somebody who joins in the middle. */
    forming: (turn: TurnId): Forming | undefined => forming.get(turn),
  };
}

/** Keeps the forming text of each running turn; a finished message or turn clears it. */
function follow(forming: Map<TurnId, Forming>, { turn, event }: Happening): void {
  if (event.type === "ended") {
    forming.delete(turn);
  } else if (event.type === "message" || event.type === "reset" || event.type === "started") {
    forming.set(turn, { text: "", thinking: "" });
  } else if (event.type === "text" || event.type === "thinking") {
    const now = forming.get(turn) ?? { text: "", thinking: "" };
    now[event.type] += event.delta;
    forming.set(turn, now);
  }
}
