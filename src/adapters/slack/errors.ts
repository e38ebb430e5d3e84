// What a failed call to Slack means for the one who called: the fate of the thing, when to try again, and the mend.
import { Failure } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import { PlatformError } from "../../gateway/handle.ts";
import { NetworkError, networkError } from "../network.ts";
import { SlackRefusal } from "./client.ts";
import { botScopes } from "./scopes.ts";

/** What failed: `send` makes something new, `change` may be repeated without harm. */
export type CallKind = "send" | "change";

/** The token is none, or none any more. Source: the error tables of docs.slack.dev/reference/methods/auth.test. */
const tokenCodes = new Set([
  "invalid_auth",
  "not_authed",
  "account_inactive",
  "token_revoked",
  "token_expired",
  "org_login_required",
  "ekm_access_denied",
  "not_allowed_token_type",
]);
const goneCodes = new Set([
  "message_not_found",
  "cant_update_message",
  "cant_delete_message",
  "edit_window_closed",
  "message_not_in_streaming_state",
]);
const laterCodes = new Set([
  "ratelimited",
  "rate_limited",
  "message_limit_exceeded",
  "team_added_to_org",
  "access_denied_temporarily",
  "streaming_state_conflict",
  "message_is_streaming",
]);
/** Slack itself broke: it may have done it before. */
const brokenCodes = new Set(["internal_error", "fatal_error", "request_timeout", "service_unavailable"]);
const blockCodes = new Set([
  "invalid_blocks",
  "invalid_blocks_format",
  "msg_blocks_too_long",
  "block_mismatch",
  "invalid_attachments",
]);
/** The method is not there, or not for this app, workspace or place. */
const missingCodes = new Set([
  "unknown_method",
  "method_deprecated",
  "method_not_supported_for_channel_type",
  "channel_type_not_supported",
  "not_allowed",
  "feature_not_enabled",
  "missing_scope",
  "team_access_not_granted",
  "restricted_action",
  "invalid_arguments",
  "missing_recipient_user_id",
  "missing_recipient_team_id",
  "user_not_found",
]);

const has = (codes: ReadonlySet<string>, error: unknown): boolean =>
  error instanceof SlackRefusal && codes.has(error.code);

export const isTokenRefused = (error: unknown): boolean => has(tokenCodes, error);
export const isBlocksRefused = (error: unknown): boolean => has(blockCodes, error);
export const isMethodMissing = (error: unknown): boolean => has(missingCodes, error);
export const isStreaming = (error: unknown): boolean =>
  has(new Set(["streaming_state_conflict", "message_is_streaming"]), error);

/** Whether Slack answered with this word. */
export function isCode(error: unknown, code: string): boolean {
  return error instanceof SlackRefusal && error.code === code;
}

/** When Slack wants to be asked again, in milliseconds; undefined when it did not say. */
export function retryAfterOf(error: unknown): number | undefined {
  return error instanceof SlackRefusal ? error.retryAfterMs : undefined;
}

/** A missing scope in one sentence with the mend; undefined for any other failure. */
export function scopeProblem(error: unknown): string | undefined {
  if (!isCode(error, "missing_scope")) return undefined;
  const { needed = "", method } = error as SlackRefusal;
  // Slack names all that would do, one of which is enough; ours is among them.
  const all = needed.split(/\s*,\s*/).filter((one) => one !== "");
  const scope = all.find((one) => Object.hasOwn(botScopes, one)) ?? all[0] ?? "a scope";
  const use = Object.hasOwn(botScopes, scope) ? ` (${botScopes[scope]})` : "";
  return `Slack does not let the app call ${method}: the scope ${scope}${use} is missing; add it at api.slack.com/apps, OAuth & Permissions, and reinstall the app`;
}

/** The reason as Slack gives it, short; the request, which holds people's words, stays out of it. */
export function reasonOf(error: unknown): string {
  if (error instanceof SlackRefusal) return error.message.slice(0, limits.platformTextCharsMax);
  if (error instanceof NetworkError) return error.message;
  if (error instanceof Failure) return error.message;
  return networkError(error).message;
}

/** Any failure of a call as a {@link PlatformError}. */
export function platformError(error: unknown, kind: CallKind): PlatformError {
  if (error instanceof PlatformError) return error;
  if (error instanceof Failure) {
    return new PlatformError(error.message, { fate: "later", retryAfterMs: limits.refusedTokenMs, everywhere: true });
  }
  const message = scopeProblem(error) ?? `Slack did not take it: ${reasonOf(error)}`;
  if (error instanceof SlackRefusal) {
    const { status, retryAfterMs } = error;
    const retry = retryAfterMs === undefined ? {} : { retryAfterMs };
    if (status === 429 || has(laterCodes, error)) return new PlatformError(message, { fate: "later", ...retry });
    if (isTokenRefused(error)) {
      return new PlatformError(message, { fate: "later", retryAfterMs: limits.refusedTokenMs, everywhere: true });
    }
    if (kind === "change" && has(goneCodes, error)) return new PlatformError(message, { fate: "gone" });
    if (status >= 500 || has(brokenCodes, error)) {
      return new PlatformError(message, { fate: kind === "send" ? "unknown" : "later", everywhere: true, ...retry });
    }
    return new PlatformError(message, { fate: "refused" });
  }
  const network = networkError(error);
  const surelyNot = kind === "change" || network.unsent;
  return new PlatformError(message, { fate: surelyNot ? "later" : "unknown", everywhere: true });
}
