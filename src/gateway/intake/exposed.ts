// A secret that somebody wrote into a chat: they are told what to do, and the message is taken away (SECURITY.md 28).
import type { Inbound } from "../../core/message.ts";
import type { Store } from "../../store/store.ts";
import type { AdapterTraits } from "../handle.ts";
import type { Answering } from "./answering.ts";

/** What is done about secrets in a chat. */
export interface ExposedDeps {
  store: Pick<Store, "inputs" | "transaction">;
  answering: Pick<Answering, "once">;
  /** Takes a message out of its conversation where the platform allows it; never throws and is not waited for. */
  takeAway?(inbound: Inbound, ref: string): void;
}

const advice =
  "Your message held a secret that I know. Others may have read it, so rotate it: make a new one and void the old one. " +
  "I do not keep it, and take the message away where I may. /secret-help says how to give me a secret.";

/** Tells whoever wrote it, once for each message and not oftener than other words of ours. @throws when the store does. */
export function tellExposed({ store, answering }: ExposedDeps, inbound: Inbound, traits: AdapterTraits): void {
  if (traits.local || !isChat(inbound)) return;
  store.transaction(() => {
    if (!store.inputs.has(inbound)) answering.once(inbound, traits, advice);
  });
}

/** Takes the message away once it is stored: what comes again is known by then. */
export function takeExposed({ takeAway }: ExposedDeps, inbound: Inbound, traits: AdapterTraits): void {
  if (traits.local || !isChat(inbound)) return;
  if (inbound.kind === "message") takeAway?.(inbound, inbound.id);
  if (inbound.kind === "edit") takeAway?.(inbound, inbound.target);
}

/** What a schedule says stands in no chat. */
function isChat(inbound: Inbound): boolean {
  return inbound.kind !== "message" || inbound.event === undefined;
}
