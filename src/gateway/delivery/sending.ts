// One call to a platform, and what becomes of its row: each answer, and each missing answer, has one meaning.
import { Buffer } from "node:buffer";
import { errorText } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import { byteSize, excerpt } from "../../core/words.ts";
import type { Delivery } from "../../store/deliveries.ts";
import type { Store } from "../../store/store.ts";
import { type Clock, within } from "../../sys/clock.ts";
import type { Log } from "../../sys/log.ts";
import type { Redactor } from "../../vault/redact.ts";
import { type AdapterHandle, type Button, PlatformError, type PlatformMessage } from "../handle.ts";
import type { Action, Forming, Lane } from "./lane.ts";
import { freshNonce } from "./pieces.ts";

/** What deliveries work with. */
export interface SendingDeps {
  store: Pick<Store, "deliveries" | "grouped" | "transaction" | "users">;
  clock: Clock;
  log: Log;
  redactor: Pick<Redactor, "exact">;
  /** Bytes of a kept file. @throws when it is gone. */
  loadFile(stored: string): Promise<Uint8Array>;
  /** There is something new to send in that place. */
  made?(target: Delivery["target"]): void;
}

/** How the whole adapter is to wait, when a call said so; none when it works. */
export interface Verdict {
  /** The platform, the token or the network did not work at all. */
  everywhere: boolean;
  retryAfterMs?: number;
}

/** What stands in a place until its text is put there. The phone shows it where the message rings. */
const marker = "…";
const cardMarker = "A question …";
const ringingMarker = "A message …";

/** Waits of growing length with chance in them, so that many do not come at once. In milliseconds. */
export function backoffMs({ random }: Pick<Clock, "random">, failures: number): number {
  const whole = Math.min(limits.deliveryRetryBaseMs * 2 ** Math.min(failures, 20), limits.deliveryRetryCapMs);
  return Math.round(whole * (0.5 + (random(1)[0] ?? 0) / 510));
}

/**
 * Makes one call and stores what came of it. `away`: the platform did not work at all the last time.
 * Never throws for the platform's sake; @throws when the store does.
 */
export async function perform(
  deps: SendingDeps,
  { lane, handle, action, away }: { lane: Lane; handle: AdapterHandle; action: Action; away: boolean },
): Promise<Verdict | undefined> {
  const { row } = action;
  const { deliveries } = deps.store;
  // The one thing that must never happen twice is noted before it begins.
  const once = action.type === "file" || row.kind === "bell";
  if (once) deliveries.sending(row.id);
  if (action.type === "form") action.forming.nextAt = deps.clock.monotonic() + handle.traits.editEveryMs;
  try {
    const ref = await inTime(deps.clock, call(deps, { handle, action }));
    lane.failed = undefined;
    await save(deps, { lane, action, write: () => arrived(deps, { lane, action, ref, at: deps.clock.now() }) });
    return undefined;
  } catch (error) {
    // The call went well and the store did not take it: that is not the platform's failure.
    if (lane.unsaved !== undefined) throw error;
    if (error instanceof Unreadable) {
      await save(deps, { lane, action, write: () => unreadable(deps, row) });
      return undefined;
    }
    const failure = asPlatformError(error);
    const fields = { delivery: row.id, fate: failure.fate, error: errorText(error) };
    deps.log[failure === error ? "info" : "warn"]("A delivery did not go through", fields);
    await save(deps, { lane, action, write: () => failed(deps, { lane, action, failure, away }) });
    if (!failure.everywhere) return undefined;
    const { retryAfterMs } = failure;
    return { everywhere: true, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  }
}

/**
 * Writes what a call led to, in one commit with what other calls of this moment led to. When the store does not take
 * it, the lane keeps it and tries that first.
 */
async function save(
  { store }: SendingDeps,
  { lane, action, write }: { lane: Lane; action: Action; write: () => void },
): Promise<void> {
  // Of an answer that forms nothing is stored but its place.
  if (action.type === "form") {
    write();
    return;
  }
  lane.unsaved = write;
  await store.grouped(write);
  lane.unsaved = undefined;
}

/** A kept file that is not there any more. */
class Unreadable extends Error {}

async function call(
  deps: SendingDeps,
  { handle, action }: { handle: AdapterHandle; action: Action },
): Promise<string | undefined> {
  const { row } = action;
  const { target } = row;
  switch (action.type) {
    case "mark":
      return handle.post(target, messageOf(deps, row, { body: markerBody(handle, row), forming: true }));
    case "post":
      return handle.post(withAnswered(deps, row), {
        ...messageOf(deps, row, { body: row.body ?? markerBody(handle, row), forming: row.form === "forming" }),
        ...answered(deps, row),
      });
    case "file":
      return handle.file(target, await fileOf(deps, row));
    case "edit":
      await handle.change(target, {
        ref: row.ref ?? "",
        message: messageOf(deps, row, { body: row.body ?? "", forming: false }),
      });
      return undefined;
    case "form":
      await handle.change(target, {
        ref: row.ref ?? "",
        message: messageOf(deps, row, { body: action.body, forming: true }),
      });
      return undefined;
    case "remove":
      await handle.change(target, { ref: row.ref ?? "" });
      return undefined;
  }
}

function markerBody(handle: AdapterHandle, row: Delivery): string {
  const text = row.kind === "card" ? cardMarker : row.audible ? ringingMarker : marker;
  return handle.render(text, "forming")[0] ?? text;
}

/** A row as the platform gets it. Secrets that became known since it was stored are taken out here. */
function messageOf(
  { redactor }: SendingDeps,
  row: Delivery,
  { body, forming }: Pick<PlatformMessage, "body" | "forming">,
): PlatformMessage {
  const buttons = row.choices.map(
    ({ label }, index): Button => ({ label: redactor.exact(label), data: `${row.id}:${index}` }),
  );
  const { replyTo } = row.target;
  return {
    body: redactor.exact(body),
    buttons,
    audible: row.audible,
    forming,
    nonce: row.nonce,
    ...(replyTo === undefined || row.part > 1 ? {} : { replyTo }),
  };
}

/** The message that a bell points to. */
function answered({ store }: SendingDeps, row: Delivery): { replyTo?: string } {
  const ref = row.answers === null ? null : store.deliveries.get(row.answers)?.ref;
  return ref === null || ref === undefined ? {} : { replyTo: ref };
}

function withAnswered(deps: SendingDeps, row: Delivery): Delivery["target"] {
  return { ...row.target, ...answered(deps, row) };
}

async function fileOf(deps: SendingDeps, row: Delivery): Promise<Parameters<AdapterHandle["file"]>[1]> {
  const { redactor, loadFile, log } = deps;
  const { file, target } = row;
  if (file === null) throw new Unreadable("There is no file");
  let bytes: Uint8Array;
  try {
    bytes = file.stored === undefined ? Buffer.from(redactor.exact(row.body ?? "")) : await loadFile(file.stored);
  } catch (error) {
    log.warn("Cannot read a file that is to be sent", { delivery: row.id, error: errorText(error) });
    throw new Unreadable("It is gone");
  }
  const { replyTo } = target;
  return {
    name: redactor.exact(file.name),
    bytes,
    nonce: row.nonce,
    ...(file.caption === undefined ? {} : { caption: redactor.exact(file.caption) }),
    ...(replyTo === undefined || row.part > 1 ? {} : { replyTo }),
  };
}

/** A call that never comes back must not hold a conversation up for ever. */
async function inTime<Result>(clock: Clock, work: Promise<Result>): Promise<Result> {
  if (await within(clock, { work: work.catch(() => undefined), ms: limits.deliveryCallMs })) return work;
  throw new PlatformError("There was no answer in time", { fate: "unknown" });
}

/** Whatever an adapter throws. Of what it does not name itself nobody can say whether it happened. */
function asPlatformError(error: unknown): PlatformError {
  if (!(error instanceof PlatformError)) return new PlatformError(errorText(error), { fate: "unknown", cause: error });
  // A platform that refuses everything (its token was taken back) refuses no message: that waits for the mend.
  if (!error.everywhere || error.fate !== "refused") return error;
  const { retryAfterMs, message } = error;
  return new PlatformError(message, {
    fate: "later",
    everywhere: true,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** It worked. */
function arrived(
  deps: SendingDeps,
  { lane, action, ref, at }: { lane: Lane; action: Action; ref: string | undefined; at: number },
): void {
  const { row } = action;
  const { deliveries } = deps.store;
  if (action.type === "form") {
    action.forming.shown = action.body;
    action.forming.failures = 0;
  } else if (action.type === "remove") deliveries.settle(row.id, { fate: "dropped" });
  else if (action.type === "mark" || isPlace(deps, { action, row })) {
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
  forming.quiet = (now.fate !== "pending" && now.fate !== "placed") || now.form === "removed";
  return forming;
}

/** What stands there now is not all that it is to say: it goes on from there by edits. */
function isPlace({ store }: SendingDeps, { action, row }: { action: Action; row: Delivery }): boolean {
  if (action.type === "file") return false;
  // The platform may have answered with what an earlier try said, of which this life knows nothing.
  if (action.type === "post" && row.kind === "answer") return true;
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
function failed(
  deps: SendingDeps,
  { lane, action, failure, away }: { lane: Lane; action: Action; failure: PlatformError; away: boolean },
): void {
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
  // Nobody wants it any more.
  if (deliveries.get(row.id)?.fate === "dropped") {
    refresh(deps, { lane, row });
    return;
  }
  const retry = () => tryLater(deps, { row, failure, error, away });
  if (action.type === "remove") {
    if (fate === "gone" || fate === "refused") deliveries.settle(row.id, { fate: "dropped", error });
    else retry();
  } else if (action.type === "edit") {
    // Whoever deletes the same answer twice does not want it.
    if (fate === "gone" && row.renewed > 0) deliveries.settle(row.id, { fate: "dropped", error });
    else if (fate === "gone") deliveries.renew(row.id, { nonce: freshNonce(deps.clock), at: deps.clock.now() });
    else if (fate === "refused" && !changedSince(deliveries.get(row.id), row))
      deliveries.settle(row.id, { fate: "failed", error });
    else retry();
  } else if (fate === "later") retry();
  else if (fate === "unknown") {
    // A marker says nothing: a second one harms nobody. Neither does the same nonce again.
    if (row.kind === "file" || row.kind === "bell") settleUnknown(deps, row, error);
    else retry();
  } else if (row.kind === "file") notTaken(deps, row, error);
  // With the place of an answer that is still to come, nothing is lost.
  else if (deliveries.get(row.id)?.form === "forming") deliveries.settle(row.id, { fate: "dropped", error });
  else if (row.origin !== null) {
    const text = "I cannot write to you privately. Open a direct conversation with me, and ask again.";
    settleTold(deps, { row, target: row.origin, fate: "failed", error, text });
  } else deliveries.settle(row.id, { fate: "failed", error });
  refresh(deps, { lane, row });
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

function tryLater(
  { store, clock }: SendingDeps,
  { row, failure, error, away }: { row: Delivery; failure: PlatformError; error: string; away: boolean },
): void {
  // The outage of a whole platform uses no tries up; whether it is over is asked for all of its messages at once. When
  // others went through right before, it may be this message at which it fails.
  const outage = away && failure.everywhere && failure.fate === "later";
  const attempts = row.attempts + (outage ? 0 : 1);
  if (attempts >= limits.deliveryAttemptsMax) {
    store.deliveries.settle(row.id, { fate: "failed", error: `Given up after ${attempts} tries: ${error}` });
    return;
  }
  const asked = Math.min(failure.retryAfterMs ?? 0, limits.deliveryWaitMsMax);
  const waitMs = Math.max(asked, outage ? 0 : backoffMs(clock, row.attempts));
  store.deliveries.later(row.id, { attempts, at: clock.now(), waitMs, error });
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

function unreadable(deps: SendingDeps, row: Delivery): void {
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
export function tellUndelivered({ store, clock }: SendingDeps, target: Delivery["target"]): boolean {
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
