// Calls to an adapter beside the deliveries: files that come in, and words that no row can hold.
import { errorText } from "../core/failure.ts";
import type { FileRef, Inbound, Outgoing } from "../core/message.ts";
import type { Log } from "../sys/log.ts";
import { type AdapterHandle, PlatformError } from "./handle.ts";
import { answerTarget, replyTarget } from "./target.ts";

/** Fetches a file that came in. @throws PlatformError `later` while the adapter is not attached. */
export async function fetchFrom(
  handle: AdapterHandle | undefined,
  { adapter, file, bytesMax, signal }: { adapter: string; file: FileRef; bytesMax: number; signal: AbortSignal },
): Promise<Uint8Array> {
  if (handle === undefined) throw new PlatformError(`Adapter ${JSON.stringify(adapter)} is away`, { fate: "later" });
  return handle.fetch(file, { bytesMax, signal });
}

/** Takes a message of somebody else's away, where the platform lets us. Best effort: what it refuses is in the log. */
export function takeAway(
  { handle, log }: { handle: AdapterHandle | undefined; log: Log },
  { inbound, ref }: { inbound: Inbound; ref: string },
): void {
  handle
    ?.change(replyTarget(inbound), { ref })
    .catch((error) => log.debug("Cannot take a message away", { adapter: inbound.adapter, error: errorText(error) }));
}

/** Says something that could not be stored, once and as well as it goes: the answer to a stop on a full disk. */
export function sayUnstored(
  { handle, log }: { handle: AdapterHandle | undefined; log: Log },
  { inbound, outgoing }: { inbound: Inbound; outgoing: Outgoing },
): void {
  const [body] = handle?.render(outgoing.markdown, "final") ?? [];
  if (handle === undefined || body === undefined) return;
  handle
    .post(answerTarget(inbound), { body, buttons: [], audible: false, forming: false, nonce: `unstored-${inbound.id}` })
    .catch((error) => log.warn("Cannot say what could not be stored", { error: errorText(error) }));
}
