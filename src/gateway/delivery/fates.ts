// What becomes of a row: each answer of a platform, and each missing answer, has one meaning.
import { limits } from "../../core/limits.ts";
import { byteSize, excerpt } from "../../core/words.ts";
import type { Delivery } from "../../store/deliveries.ts";
import type { Store } from "../../store/store.ts";
import type { Clock } from "../../sys/clock.ts";
import type { Log } from "../../sys/log.ts";
import type { Redactor } from "../../vault/redact.ts";
import type { AdapterHandle, AdapterTraits, PlatformError } from "../handle.ts";
import { type Action, type Forming, isFindable, type Lane } from "./lane.ts";
import { freshNonce } from "./pieces.ts";

/** What deliveries work with. */
export interface SendingDeps {
  store: Pick<Store, "deliveries" | "grouped" | "moves" | "transaction" | "users">;
  clock: Clock;
  log: Log;
  redactor: Pick<Redactor, "exact">;
  /** Bytes of a kept file. @throws when it is gone. */
  loadFile(stored: string): Promise<Uint8Array>;
  /** There is something new to send in that place. */
  made?(target: Delivery["target"]): void;
}

/** A call, where it belongs; `away`: the platform did not work at all the last time. */
export interface Asked {
  lane: Lane;
  handle: AdapterHandle;
  action: Action;
  away: boolean;
  /** An answer that forms is edited no sooner than so many milliseconds from now. */
  editAgainMs: number;
}

/** Waits of growing length with chance in them, so that many do not come at once. In milliseconds. */
export function backoffMs({ random }: Pick<Clock, "random">, failures: number): number {
  const whole = Math.min(limits.deliveryRetryBaseMs * 2 ** Math.min(failures, 20), limits.deliveryRetryCapMs);
  return Math.round(whole * (0.5 + (random(1)[0] ?? 0) / 510));
}

/** It worked. In one commit with what other calls of this moment led to. */
export function arrived(
  deps: SendingDeps,
  { lane, action, ref, at }: { lane: Lane; action: Action; ref: string | undefined; at: number },
): void {
  const { row } = action;
  const { deliveries } = deps.store;
  if (action.type === "form") {
    action.forming.shown = action.body;
    action.forming.failures = 0;
  } else if (action.type === "remove") deliveries.settle(row.id, { fate: "dropped" });
  else if (action.type === "find" && ref === undefined) {
    deliveries.absent(row.id);
    refresh(deps, { lane, row });
  } else if (action.type === "mark" || isPlace(deps, { action, row })) {
    const placed = ref ?? row.ref ?? "";
    deliveries.placed(row.id, placed);
    // An answer that is there at once is not held up by its own beginning.
    const forming = refresh(deps, { lane, row });
    if (forming !== undefined) forming.nextAt = deps.clock.monotonic() + limits.formingFirstMs;
  } else
    deps.store.transaction(() => {
      deliveries.sent(row.id, { at, ...(ref === undefined ? {} : { ref }) });
      const place = { adapter: row.adapter, conversation: row.conversation };
      if (row.kind === "tell") deliveries.told({ id: row.id, ...place, at });
      else tellUndelivered(deps, row.target);
    });
}

/** A forming answer goes by what became of its place. */
function refresh({ store }: SendingDeps, { lane, row }: { lane: Lane; row: Delivery }): Forming | undefined {
  const forming = lane.forming.get(row.id);
  const now = store.deliveries.get(row.id);
  if (forming === undefined || now === undefined) return undefined;
  forming.row = now;
  forming.quiet = (now.fate !== "pending" && now.fate !== "sending" && now.fate !== "placed") || now.form === "removed";
  return forming;
}

/** What stands there now is not all that it is to say: it goes on from there by edits. */
function isPlace({ store }: SendingDeps, { action, row }: { action: Action; row: Delivery }): boolean {
  if (action.type === "file" || row.file !== null) return false;
  // Its marker was found, or what it said before it was changed.
  if (action.type === "find" && (row.tried !== "whole" || row.form !== "final")) return true;
  const now = store.deliveries.get(row.id);
  return now?.fate === "dropped" || changedSince(now, row);
}

/** True when a message was given other words while it was on its way. */
function changedSince(now: Delivery | undefined, then: Delivery): boolean {
  if (now === undefined) return false;
  const choices = (row: Delivery) => JSON.stringify(row.choices);
  return now.form !== then.form || now.body !== then.body || choices(now) !== choices(then);
}

/** It did not, or nobody knows. */
export function failed(deps: SendingDeps, asked: Asked & { failure: PlatformError }): void {
  const { lane, action, failure, handle } = asked;
  const { row } = action;
  const { fate, retryAfterMs, everywhere } = failure;
  if (retryAfterMs !== undefined && !everywhere)
    lane.notBefore = deps.clock.monotonic() + Math.min(retryAfterMs, limits.deliveryWaitMsMax);
  if (action.type === "form") {
    formFailed(deps, { forming: action.forming, failure });
    return;
  }
  lane.failed = everywhere ? row.id : undefined;
  const error = excerpt(deps.redactor.exact(failure.message), limits.deliveryErrorCharsMax);
  const { deliveries } = deps.store;
  const retry = (doubtful = false) => tryLater(deps, { ...asked, row, error, doubtful });
  // Nobody wants it any more.
  if (deliveries.get(row.id)?.fate === "dropped") {
    refresh(deps, { lane, row });
    return;
  }
  if (action.type === "find") {
    if (fate === "later") retry(true);
    else notFindable(deps, row, error);
  } else if (action.type === "remove") {
    if (fate === "gone" || fate === "refused") deliveries.settle(row.id, { fate: "dropped", error });
    else retry();
  } else if (action.type === "edit") editFailed(deps, { row, fate, error, retry });
  else if (fate === "later") retry();
  else if (fate === "unknown") {
    if (isFindable(row, handle)) retry(true);
    // A marker says nothing: a second one harms nobody.
    else if (row.kind === "file" || row.kind === "bell") settleUnknown(deps, row, error);
    else retry();
  } else sendRefused(deps, { row, handle, error });
  refresh(deps, { lane, row });
}

function editFailed(
  { store: { deliveries }, clock }: SendingDeps,
  { row, fate, error, retry }: { row: Delivery; fate: PlatformError["fate"]; error: string; retry(): void },
): void {
  // Whoever deletes the same answer twice does not want it.
  if (fate === "gone" && row.renewed > 0) deliveries.settle(row.id, { fate: "dropped", error });
  else if (fate === "gone") deliveries.renew(row.id, { nonce: freshNonce(clock), at: clock.now() });
  else if (fate === "refused" && !changedSince(deliveries.get(row.id), row))
    deliveries.settle(row.id, { fate: "failed", error });
  else retry();
}

function sendRefused(
  deps: SendingDeps,
  { row, handle, error }: { row: Delivery; handle: AdapterHandle; error: string },
): void {
  const { deliveries } = deps.store;
  if (row.target.onlyFor !== undefined) notPrivate(deps, { row, handle, error });
  else if (row.kind === "file") notTaken(deps, row, error);
  // With the place of an answer that is still to come, nothing is lost.
  else if (deliveries.get(row.id)?.form === "forming") deliveries.settle(row.id, { fate: "dropped", error });
  else if (row.origin !== null) {
    const text = "I cannot write to you privately. Open a direct conversation with me, and ask again.";
    settleTold(deps, { row, target: row.origin, fate: "failed", error, text });
  } else deliveries.settle(row.id, { fate: "failed", error });
}

/** It cannot be shown to one person in the place where they asked: it goes to where only they read. */
function notPrivate(
  { store, clock, made }: SendingDeps,
  { row, handle, error }: { row: Delivery; handle: AdapterHandle; error: string },
): void {
  const { adapter, target } = row;
  const direct = directOf(store, { adapter, user: target.onlyFor?.user ?? "", traits: handle.traits });
  if (direct === undefined) {
    store.deliveries.settle(row.id, { fate: "failed", error });
    return;
  }
  store.deliveries.redirect(row.id, { target: direct, nonce: freshNonce(clock), at: clock.now() });
  made?.(direct);
}

/** A person's direct conversation; none when it is not known. */
export function directOf(
  { users }: Pick<Store, "users">,
  { adapter, user, traits }: { adapter: string; user: string; traits: Pick<AdapterTraits, "directIsUser"> | undefined },
): Delivery["target"] | undefined {
  const id = users.get(adapter, user)?.direct ?? (traits?.directIsUser === true ? user : undefined);
  return id === undefined || id === "" ? undefined : { adapter, conversation: { id, kind: "direct" } };
}

/** Whether it arrived will never be known. */
function notFindable(deps: SendingDeps, row: Delivery, error: string): void {
  const { deliveries } = deps.store;
  // A marker says nothing: a second one harms nobody.
  if (row.tried === "marker") deliveries.absent(row.id, freshNonce(deps.clock));
  else if (deliveries.get(row.id)?.form === "removed") deliveries.settle(row.id, { fate: "dropped", error });
  else settleUnknown(deps, row, error);
}

/** Progress is a courtesy: it is shown again when that may work. */
function formFailed({ clock }: SendingDeps, { forming, failure }: { forming: Forming; failure: PlatformError }): void {
  if (failure.fate === "gone" || failure.fate === "refused") {
    forming.quiet = true;
    return;
  }
  forming.dirty = true;
  forming.nextAt = Math.max(forming.nextAt, clock.monotonic() + backoffMs(clock, forming.failures));
  forming.failures += 1;
}

/** `doubtful`: it may have arrived, and is looked for first. */
function tryLater(
  deps: SendingDeps,
  {
    row,
    failure,
    error,
    away,
    doubtful,
  }: Asked & {
    row: Delivery;
    failure: PlatformError;
    error: string;
    doubtful: boolean;
  },
): void {
  const { deliveries } = deps.store;
  // The outage of a whole platform uses no tries up; whether it is over is asked for all of its messages at once. When
  // others went through right before, it may be this message at which it fails.
  const outage = away && failure.everywhere && failure.fate === "later";
  const attempts = row.attempts + (outage ? 0 : 1);
  const givenUp = `Given up after ${attempts} tries: ${error}`;
  if (attempts >= limits.deliveryAttemptsMax) {
    if (doubtful) notFindable(deps, row, givenUp);
    else deliveries.settle(row.id, { fate: "failed", error: givenUp });
    return;
  }
  const asked = Math.min(failure.retryAfterMs ?? 0, limits.deliveryWaitMsMax);
  const waitMs = Math.max(asked, outage ? 0 : backoffMs(deps.clock, row.attempts));
  const wait = { attempts, at: deps.clock.now(), waitMs, error };
  if (doubtful) deliveries.doubt(row.id, wait);
  else deliveries.later(row.id, wait);
}

/** Nobody can say whether it arrived: of a file the person is asked, a bell is let go. */
export function settleUnknown(deps: SendingDeps, row: Delivery, error = "The program ended while it was sent"): void {
  if (row.file === null) {
    deps.store.deliveries.settle(row.id, { fate: "unknown", error });
    return;
  }
  const text = `The file ${quoted(row.file.name)} may not have arrived.`;
  settleTold(deps, { row, fate: "unknown", error, text, resend: true });
}

function notTaken(deps: SendingDeps, row: Delivery, error: string): void {
  const { name, bytes } = row.file ?? { name: "", bytes: 0 };
  const text = `The file ${quoted(name)} (${byteSize(bytes)}) was not accepted here and did not arrive.`;
  settleTold(deps, { row, fate: "failed", error, text });
}

/** Its bytes are gone. */
export function unreadable(deps: SendingDeps, row: Delivery): void {
  const text = `The file ${quoted(row.file?.name ?? "")} could not be sent: it is gone from the workspace.`;
  settleTold(deps, { row, fate: "failed", error: "The file is gone from the workspace", text });
}

/** Ends the tries of a row, and says so in its conversation at once. */
function settleTold(
  { store, clock, made }: SendingDeps,
  told: {
    row: Delivery;
    target?: Delivery["target"];
    fate: "unknown" | "failed";
    error: string;
    text: string;
    resend?: boolean;
  },
): void {
  const { row, target = row.target, fate, error, text, resend = false } = told;
  const at = clock.now();
  store.transaction(() => {
    store.deliveries.settle(row.id, { fate, error, toldAt: at });
    const choices = resend ? [{ value: `/resend ${row.id}`, label: "Send it again" }] : [];
    const root = row.root === null ? {} : { root: row.root };
    store.deliveries.add({
      target,
      kind: "notice",
      form: "markdown",
      body: text,
      choices,
      nonce: freshNonce(clock),
      at,
      ...root,
    });
  });
  made?.(target);
}

/** File names are the agent's or a stranger's: nothing in them is markup. */
function quoted(name: string): string {
  return `\`${excerpt(name.replaceAll("`", "'"), limits.deliveryNameCharsMax)}\``;
}

/** Says once in a conversation that something did not arrive there. In the caller's transaction. */
export function tellUndelivered({ store, clock }: SendingDeps, where: Delivery["target"]): boolean {
  const { onlyFor: _private, ...target } = where;
  const { adapter, conversation } = target;
  const count = store.deliveries.untold(adapter, conversation.id);
  if (count === 0 || store.deliveries.telling(adapter, conversation.id)) return false;
  const what = count === 1 ? "A message for this conversation" : `${count} messages for this conversation`;
  store.deliveries.add({
    target,
    kind: "tell",
    form: "markdown",
    body: `${what} could not be delivered earlier. \`remoteagent deliveries list\` shows what and why.`,
    nonce: freshNonce(clock),
    at: clock.now(),
  });
  return true;
}
