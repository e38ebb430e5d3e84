// One call to a platform: what is said, what is noted before it, and what came back.
import { Buffer } from "node:buffer";
import { errorText } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import { wasMoved } from "../../core/moved.ts";
import type { Delivery } from "../../store/deliveries.ts";
import { type Clock, within } from "../../sys/clock.ts";
import { type AdapterHandle, type Button, PlatformError, type PlatformMessage } from "../handle.ts";
import { type Asked, arrived, failed, type SendingDeps, unreadable } from "./fates.ts";
import { type Action, isFindable, type Lane } from "./lane.ts";

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

/**
 * Makes one call and stores what came of it. `away`: the platform did not work at all the last time.
 * Never throws for the platform's sake; @throws when the store does.
 */
export async function perform(deps: SendingDeps, asked: Asked): Promise<Verdict | undefined> {
  const { lane, action, handle } = asked;
  const { row } = action;
  if (isOnce(asked) && !(await noted(deps, action))) return undefined;
  if (action.type === "form") action.forming.nextAt = deps.clock.monotonic() + asked.editAgainMs;
  // A search that has no answer says nothing of what it looks for: it is made again.
  const silence = action.type === "find" ? "later" : "unknown";
  try {
    const ref = await inTime(deps.clock, { work: call(deps, { handle, action }), silence });
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
    const failure = asPlatformError(error, silence);
    const fields = { delivery: row.id, fate: failure.fate, error: errorText(error) };
    deps.log[failure === error ? "info" : "warn"]("A delivery did not go through", fields);
    await save(deps, { lane, action, write: () => failed(deps, { ...asked, failure }) });
    if (!failure.everywhere) return undefined;
    const { retryAfterMs } = failure;
    return { everywhere: true, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  }
}

/** What must not happen twice: with a platform that can be asked, every first send. */
function isOnce({ action: { type, row }, handle }: Asked): boolean {
  const isFirst = type === "mark" || type === "post" || type === "file";
  return isFirst && (type === "file" || row.kind === "bell" || isFindable(row, handle));
}

/** Notes it before it begins. @returns false when nobody wants it any more. */
async function noted({ store, clock }: SendingDeps, { type, row }: Action): Promise<boolean> {
  const what = type === "mark" ? "marker" : "whole";
  return store.grouped(() => {
    store.deliveries.sending(row.id, { at: clock.now(), what });
    return store.deliveries.get(row.id)?.fate === "sending";
  });
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
  const target = whereOf(deps, row);
  switch (action.type) {
    case "mark":
      return handle.post(target, messageOf(deps, row, { body: markerBody(handle, row), forming: true }));
    case "post":
      return handle.post(
        { ...target, ...answered(deps, row) },
        {
          ...messageOf(deps, row, { body: row.body ?? markerBody(handle, row), forming: false }),
          ...answered(deps, row),
        },
      );
    case "file":
      return handle.file(target, await fileOf(deps, row));
    case "find":
      return lookFor(deps, { handle, row });
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

/** Asks whether an earlier send arrived. */
async function lookFor(
  deps: SendingDeps,
  { handle, row }: { handle: AdapterHandle; row: Delivery },
): Promise<string | undefined> {
  const { redactor } = deps;
  if (handle.find === undefined) throw new PlatformError("Nobody can look for it there", { fate: "unknown" });
  const { nonce, tried, triedAt, createdAt } = row;
  const said = tried === "marker" ? markerBody(handle, row) : tried === "whole" && row.file === null ? row.body : null;
  const body = said === null ? {} : { body: redactor.exact(said) };
  return handle.find(whereOf(deps, row), { nonce, since: triedAt ?? createdAt, ...body });
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
function answered(deps: SendingDeps, row: Delivery): { replyTo?: string } {
  const ref = row.kind === "bell" ? answerRef(deps, row) : undefined;
  return ref === undefined ? {} : { replyTo: ref };
}

/** Where it goes: what belongs below an answer goes to the thread there. */
function whereOf(deps: SendingDeps, row: Delivery): Delivery["target"] {
  const { target } = row;
  const thread = row.kind === "bell" || target.thread !== undefined ? undefined : answerRef(deps, row);
  return thread === undefined ? target : { ...target, thread };
}

function answerRef({ store }: SendingDeps, { answers }: Delivery): string | undefined {
  const ref = answers === null ? null : store.deliveries.get(answers)?.ref;
  return ref === null || ref === undefined || wasMoved(ref) ? undefined : ref;
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
async function inTime<Result>(
  clock: Clock,
  { work, silence }: { work: Promise<Result>; silence: PlatformError["fate"] },
): Promise<Result> {
  if (await within(clock, { work: work.catch(() => undefined), ms: limits.deliveryCallMs })) return work;
  throw new PlatformError("There was no answer in time", { fate: silence });
}

/** Whatever an adapter throws. Of what it does not name itself nobody can say whether it happened. */
function asPlatformError(error: unknown, unnamed: PlatformError["fate"]): PlatformError {
  if (!(error instanceof PlatformError)) return new PlatformError(errorText(error), { fate: unnamed, cause: error });
  // A platform that refuses everything (its token was taken back) refuses no message: that waits for the mend.
  if (!error.everywhere || error.fate !== "refused") return error;
  const { retryAfterMs, message } = error;
  return new PlatformError(message, {
    fate: "later",
    everywhere: true,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}
