// One-time codes by which the first owner, or another person, pairs: printed at the machine, sent to the bot once.
import { createHash } from "node:crypto";
import { Failure } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import type { Inbound } from "../core/message.ts";
import type { Pairing } from "../store/pairings.ts";
import type { GivenRole } from "../store/roles.ts";
import type { Store } from "../store/store.ts";
import type { Clock } from "../sys/clock.ts";
import { directSurface, everywhere } from "./roles.ts";

/** No letter or digit that could be taken for another: neither 0 nor O, neither 1 nor I nor L, no U. */
const alphabet = "23456789ABCDEFGHJKMNPQRSTVWXYZ";
/** 30^10 codes: 49 bits. */
const half = 5;
const form = `[2-9A-HJKMNP-TV-Z]{${half}}-?[2-9A-HJKMNP-TV-Z]{${half}}`;
const alone = new RegExp(`^(?:/(?:start|pair)(?:@\\w{1,64})?\\s+)?(${form})$`, "i");
const within = new RegExp(`(?<![0-9A-Z-])${form}(?![0-9A-Z-])`, "gi");
/** `/start` and `/pair`, whatever stands behind them. */
const called = /^\/(start|pair)(?:@\w{1,64})?(?:\s+([\s\S]{0,200}))?$/i;
/** Of one text in a shared room. */
const seenMax = 5;

export type PairingDeps = { store: Pick<Store, "pairings" | "roles" | "users" | "transaction">; clock: Clock };

/** What was said about pairing: the codes in it, and whether it was said as an order. */
export interface Presented {
  codes: string[];
  /** `/start` or `/pair` was said; without a code it is only a greeting. */
  called: boolean;
}

/** What became of a code. */
export type Paired =
  | { outcome: "paired"; role: GivenRole }
  /** It was shown in a shared room: it gives nothing and works no more. */
  | { outcome: "void" }
  | { outcome: "wrong" }
  /** Too many wrong ones: it was not even looked at. */
  | { outcome: "limited" };

/**
 * Makes a code. It is returned once and stored as a hash alone.
 * @throws Failure `usage` when too many work already.
 */
export function createCode(
  { store, clock }: PairingDeps,
  { role, adapter }: { role: GivenRole; adapter: string | null },
): { code: string; expiresAt: number } {
  return store.transaction(() => {
    const at = clock.now();
    store.pairings.forget(at - limits.approvalMs);
    if (store.pairings.open(at).length >= limits.pairingsMax)
      throw new Failure("usage", `Cannot make a code: ${limits.pairingsMax} work already`, {
        hint: "remoteagent pair --clear takes them back",
      });
    const code = randomCode(clock);
    const expiresAt = at + limits.pairMs;
    store.pairings.add({ hash: hashOf(code), role, adapter, createdAt: at, expiresAt });
    return { code, expiresAt };
  });
}

/** Takes back every code that works. @returns how many. */
export function clearCodes({ store, clock }: PairingDeps): number {
  return store.transaction(() => {
    const at = clock.now();
    return store.pairings.open(at).filter(({ hash }) => store.pairings.use(hash, { at, by: null })).length;
  });
}

/** What an inbound says about pairing; in a shared room a code is found wherever it stands. Costs nothing else. */
export function presented(inbound: Inbound): Presented | undefined {
  if (inbound.kind === "command") {
    if (inbound.name !== "start" && inbound.name !== "pair") return undefined;
    return { codes: new RegExp(`^${form}$`, "i").test(inbound.args.trim()) ? [inbound.args.trim()] : [], called: true };
  }
  // What a schedule says is nobody's word.
  if (inbound.kind !== "message" || inbound.event !== undefined || inbound.text.length > limits.heldCharsMax)
    return undefined;
  const text = inbound.text.trim();
  const order = called.test(text);
  const code = alone.exec(text)?.[1];
  if (inbound.conversation.kind === "direct") {
    if (code !== undefined) return { codes: [code], called: order };
    return order ? { codes: [], called: true } : undefined;
  }
  const codes = [...text.matchAll(within)].slice(0, seenMax).map(([found]) => found);
  return codes.length > 0 || (order && inbound.addressed) ? { codes, called: order } : undefined;
}

/**
 * Takes a code that somebody sent, in the caller's transaction: with it the sender has the role, and it is used up.
 * Wrong ones are counted for each sender, and after a few of them none is looked at for a while.
 */
export function takeCode({ store, clock }: PairingDeps, { inbound, code }: { inbound: Inbound; code: string }): Paired {
  const { adapter, conversation, sender } = inbound;
  const at = clock.now();
  const since = at - limits.guessMs;
  const direct = conversation.kind === "direct";
  // A code in a shared room is void whoever sent it, and however often they guessed.
  if (direct && store.pairings.guesses(adapter, sender.id, since) >= limits.guessesMax) return { outcome: "limited" };
  const found = store.pairings.find(hashOf(code), at);
  if (found === undefined || sender.isBot === true || sender.id === "" || !fits(found, adapter)) {
    // In a room ten letters may be any word ("management"): nothing is won by a guess there, and none is counted.
    if (direct) store.pairings.guess(adapter, sender.id, { at, since });
    return { outcome: "wrong" };
  }
  if (!direct) {
    store.pairings.use(found.hash, { at, by: null });
    return { outcome: "void" };
  }
  if (!store.pairings.use(found.hash, { at, by: JSON.stringify(sender) })) return { outcome: "wrong" };
  const { role } = found;
  store.roles.give({
    adapter,
    user: sender.id,
    role,
    agent: "",
    surface: role === "member" ? directSurface : everywhere,
    givenBy: "a pairing code",
    givenAt: at,
  });
  store.users.seen({ adapter, id: sender.id, name: sender.name, direct: conversation.id, at });
  return { outcome: "paired", role };
}

function fits({ adapter }: Pairing, sentTo: string): boolean {
  return adapter === null || adapter === sentTo;
}

/** How a code is stored and looked up: by the hash, so that nothing can be learned from how long it takes. */
function hashOf(code: string): string {
  return createHash("sha256")
    .update(`pairing:${code.toUpperCase().replaceAll("-", "")}`)
    .digest("hex");
}

/** Each letter equally likely: what does not divide evenly is thrown away. */
function randomCode(clock: Pick<Clock, "random">): string {
  let letters = "";
  const even = 256 - (256 % alphabet.length);
  while (letters.length < 2 * half)
    for (const byte of clock.random(32))
      if (byte < even && letters.length < 2 * half) letters += alphabet[byte % alphabet.length];
  return `${letters.slice(0, half)}-${letters.slice(half)}`;
}
