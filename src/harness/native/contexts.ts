// What the model sees of a session, kept from turn to turn, so that a long history is gone through once.
import type { Entry } from "../../core/transcript.ts";
import { addEntry, addOpenCalls, type Context, startContext } from "./context.ts";

/** A history and what it is to the model. */
interface Kept {
  entries: Entry[];
  context: Context;
}

/**
 * Makes the function from a branch of entries (oldest first) to what the model sees. It knows a session by the object of
 * its first entry, and no longer than that lives: whoever forgets the entries has forgotten what was made of them.
 * Entries are never changed.
 */
export function createContexts(): (history: readonly Entry[], messageTokensMax: number) => Context {
  const kept = new WeakMap<Entry, Kept>();
  return (history, messageTokensMax) => {
    const [first] = history;
    let known = first === undefined ? undefined : kept.get(first);
    if (known === undefined || known.context.messageTokensMax !== messageTokensMax || !goesOn(history, known.entries)) {
      known = { entries: [...history], context: startContext(history, messageTokensMax) };
      if (first !== undefined) kept.set(first, known);
    } else {
      for (const entry of history.slice(known.entries.length)) {
        known.entries.push(entry);
        if (entry.body.kind === "message") addEntry(known.context, entry.id, entry.body.message);
      }
    }
    const { context } = known;
    // The turn works on lists of its own.
    const own = { ...context, messages: context.messages.slice(), ids: context.ids.slice() };
    addOpenCalls(own, history);
    return own;
  };
}

/** True when a history begins as before, and nothing that came since replaces its beginning. */
function goesOn(history: readonly Entry[], before: readonly Entry[]): boolean {
  if (before.length > history.length) return false;
  for (let index = 0; index < before.length; index += 1) if (before[index] !== history[index]) return false;
  for (let index = before.length; index < history.length; index += 1)
    if (history[index]?.body.kind === "compaction") return false;
  return true;
}
