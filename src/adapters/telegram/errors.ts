// What a failed call to Telegram means for the one who called: the fate of the thing, and when to try again.
import { GrammyError, HttpError } from "grammy";
import { limits } from "../../core/limits.ts";
import { excerpt } from "../../core/words.ts";
import { PlatformError } from "../../gateway/handle.ts";
import { NetworkError, networkError } from "../network.ts";

/** What failed: `send` makes something new, `change` may be repeated without harm. */
export type CallKind = "send" | "change";

/** How Telegram says that the token is none, or none any more. */
export function isTokenRefused(error: unknown): boolean {
  if (!(error instanceof GrammyError)) return false;
  // A method that a server does not have is not found either, but with more words.
  return error.error_code === 401 || (error.error_code === 404 && error.description === "Not Found");
}

/** The reason as Telegram gives it, short; the request, which holds people's words, stays out of it. */
export function reasonOf(error: unknown): string {
  if (error instanceof GrammyError) {
    const said = error.description.replace(/^(?:Bad Request|Forbidden|Conflict|Unauthorized|Not Found): /, "");
    return excerpt(said, limits.platformTextCharsMax);
  }
  if (error instanceof HttpError) return networkError(error.error).message;
  if (error instanceof NetworkError) return error.message;
  return error instanceof Error ? error.name : "something unknown was thrown";
}

/** When Telegram wants to be asked again, in milliseconds; undefined when it did not say. */
export function retryAfterOf(error: unknown): number | undefined {
  if (!(error instanceof GrammyError)) return undefined;
  const seconds: unknown = error.parameters.retry_after;
  if (typeof seconds !== "number" || !Number.isFinite(seconds)) return error.error_code === 429 ? 1_000 : undefined;
  return Math.min(Math.max(0, seconds) * 1000, limits.retryAfterMsMax);
}

/** Where a group went, when that is why a call failed. */
export function movedTo(error: unknown): string | undefined {
  const to: unknown = error instanceof GrammyError ? error.parameters.migrate_to_chat_id : undefined;
  return typeof to === "number" && Number.isSafeInteger(to) ? String(to) : undefined;
}

/** Whether Telegram did not take the markup, and plain text would do. */
export function isMarkupRefused(error: unknown): boolean {
  return (
    error instanceof GrammyError &&
    error.error_code === 400 &&
    /can't parse entities|message is too long|caption is too long|ENTITY|ENTITIES/i.test(error.description)
  );
}

/** Whether Telegram does not take a picture as a photo, but would as a file. */
export function isPictureRefused(error: unknown): boolean {
  return error instanceof GrammyError && error.error_code === 400 && /photo|image/i.test(error.description);
}

/** Whether an edit changed nothing. */
export function isNotModified(error: unknown): boolean {
  return error instanceof GrammyError && /message is not modified/i.test(error.description);
}

/** Whether the message to change or to delete is not there, or cannot be changed any more. */
function isGone(error: unknown): boolean {
  return (
    error instanceof GrammyError &&
    error.error_code === 400 &&
    /message to (?:edit|delete) not found|message can't be (?:edited|deleted)|MESSAGE_ID_INVALID/i.test(
      error.description,
    )
  );
}

/** Any failure of a call as a {@link PlatformError}. */
export function platformError(error: unknown, kind: CallKind): PlatformError {
  if (error instanceof PlatformError) return error;
  const message = `Telegram did not take it: ${reasonOf(error)}`;
  if (error instanceof GrammyError) {
    const { error_code: code } = error;
    if (code === 429) return new PlatformError(message, { fate: "later", retryAfterMs: retryAfterOf(error) });
    if (isTokenRefused(error)) {
      return new PlatformError(message, { fate: "later", retryAfterMs: limits.refusedTokenMs, everywhere: true });
    }
    if (kind === "change" && isGone(error)) return new PlatformError(message, { fate: "gone" });
    if (code < 500) return new PlatformError(message, { fate: "refused" });
    // A server that breaks may have done it before.
    return new PlatformError(message, { fate: kind === "send" ? "unknown" : "later", everywhere: true });
  }
  const network = error instanceof HttpError ? networkError(error.error) : undefined;
  const surelyNot = kind === "change" || network?.unsent === true;
  return new PlatformError(message, { fate: surelyNot ? "later" : "unknown", everywhere: network !== undefined });
}
