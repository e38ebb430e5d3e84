// Groups with rules: a message that nobody addressed to the agent is answered all the same when it fits them.
import { errorText } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import type { Input } from "../../core/session.ts";
import type { Store } from "../../store/store.ts";
import type { Log } from "../../sys/log.ts";

/** What messages are considered with. */
export interface ConsiderDeps {
  store: Store;
  log: Log;
  /** Whether a text fits the rules, in the words of a model. Takes at most ten seconds and never throws. */
  judge(text: string, rules: string): Promise<boolean>;
  /** The input starts a turn; runs inside the caller's transaction. @returns what is done after it. */
  release(inputs: readonly Input[]): () => void;
}

/**
 * Judges messages in the background, after they were acknowledged: a judgement that is lost with the program leaves the
 * message as context. Few run at a time; what comes on top of them is not answered.
 */
export function createConsider({ store, log, judge, release }: ConsiderDeps) {
  let busy = 0;
  const settle = ({ id }: Input, { fits, drop }: { fits: boolean; drop: boolean }): void => {
    const after = store.transaction(() => {
      // It may have been deleted, edited, or told to a turn meanwhile.
      const now = store.inputs.get(id);
      if (now?.state !== "context" || now.turn !== null) return undefined;
      if (fits) return release([now]);
      if (drop) store.inputs.set(now.id, "removed");
      return undefined;
    });
    after?.();
  };
  const consider = async (input: Input, { rules, drop }: { rules: string; drop: boolean }): Promise<void> => {
    const text = input.inbound.kind === "message" ? input.inbound.text : "";
    const asks = busy <= limits.judgesMax && text.trim() !== "";
    const fits = asks && (await judge(text.slice(0, limits.rulesCharsMax), rules));
    settle(input, { fits, drop });
  };
  return (input: Input, options: { rules: string; drop: boolean }): void => {
    busy += 1;
    void consider(input, options)
      .catch((error) => log.error("Cannot consider a message", { input: input.id, error: errorText(error) }))
      .then(() => {
        busy -= 1;
      });
  };
}
