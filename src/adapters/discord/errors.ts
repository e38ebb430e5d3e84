// What a failed call to Discord means for the one who called: the fate of the thing, and when to try again.
// Codes: docs.discord.com/developers/topics/opcodes-and-status-codes#json.
import { DiscordAPIError, HTTPError, RateLimitError } from "@discordjs/rest";
import { errorText, Failure } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import { excerpt } from "../../core/words.ts";
import { PlatformError } from "../../gateway/handle.ts";
import { NetworkError } from "../network.ts";

/** What failed: `send` makes something new, `change` may be repeated without harm. */
export type CallKind = "send" | "change";

/** Discord's codes that mean something of their own here. */
export const codes = {
  unknownChannel: 10003,
  unknownMessage: 10008,
  unknownWebhook: 10015,
  unknownInteraction: 10062,
  tooLarge: 40005,
  acknowledged: 40060,
  missingAccess: 50001,
  closedDirect: 50007,
  missingPermissions: 50013,
  webhookToken: 50027,
  archived: 50083,
  replyWithoutHistory: 160002,
} as const;

/** Discord's code of a refusal; undefined for anything else. */
export function codeOf(error: unknown): number | undefined {
  return error instanceof DiscordAPIError && typeof error.code === "number" ? error.code : undefined;
}

/** HTTP's status of an answer that was no success. */
export function statusOf(error: unknown): number | undefined {
  if (error instanceof RateLimitError) return 429;
  return error instanceof DiscordAPIError || error instanceof HTTPError ? error.status : undefined;
}

/** How Discord says that the token is none, or none any more. */
export function isTokenRefused(error: unknown): boolean {
  return error instanceof DiscordAPIError && error.status === 401 && error.code !== codes.webhookToken;
}

/** What may be over later by itself: the network, a server that breaks, a limit, a token that was taken back. */
export function isPassing(error: unknown): boolean {
  const broken = error instanceof NetworkError || error instanceof HTTPError;
  return broken || error instanceof RateLimitError || isTokenRefused(error);
}

/** The bot may not do that there: what an owner of the server can change. */
export function isForbidden(error: unknown): boolean {
  const code = codeOf(error);
  return code === codes.missingAccess || code === codes.missingPermissions || code === codes.replyWithoutHistory;
}

/** The reason as Discord gives it, short; the request, which holds people's words and tokens, stays out of it. */
export function reasonOf(error: unknown): string {
  if (error instanceof DiscordAPIError)
    return excerpt(error.rawError instanceof ArrayBuffer ? "" : error.message, limits.platformTextCharsMax);
  if (error instanceof HTTPError) return `the server answered ${error.status}`;
  if (error instanceof RateLimitError) return "too many requests";
  if (error instanceof NetworkError) return error.message;
  if (error instanceof Failure) return error.message;
  return error instanceof Error ? error.name : "something unknown was thrown";
}

/** When Discord wants to be asked again, in milliseconds; undefined when it did not say. */
export function retryAfterOf(error: unknown): number | undefined {
  if (!(error instanceof RateLimitError)) return undefined;
  const wait = Math.max(error.retryAfter, error.timeToReset, 0);
  return Math.min(Number.isFinite(wait) ? wait : limits.reconnectMs, limits.retryAfterMsMax);
}

const needed = "View Channel, Send Messages, Read Message History and Attach Files";

/** What an owner of the server can do about a refusal; a clause behind the reason. */
function mendOf(error: unknown): string {
  switch (codeOf(error)) {
    case codes.missingAccess:
      return `: the bot cannot see this channel; give it ${needed} there, or invite it again`;
    case codes.missingPermissions:
      return `: the bot lacks a permission here; give it ${needed} in this channel`;
    case codes.replyWithoutHistory:
      return ": give the bot Read Message History in this channel";
    case codes.closedDirect:
      return ": this person takes no direct messages from the bot; they can allow them in the privacy settings of a server they share with it";
    case codes.tooLarge:
      return ": the file is larger than this server takes";
    case codes.archived:
      return ": the thread is archived";
    default:
      return "";
  }
}

/** Any failure of a call as a {@link PlatformError}. */
export function platformError(error: unknown, kind: CallKind): PlatformError {
  if (error instanceof PlatformError) return error;
  const message = `Discord did not take it: ${reasonOf(error)}${mendOf(error)}`;
  if (error instanceof RateLimitError) {
    return new PlatformError(message, {
      fate: "later",
      retryAfterMs: retryAfterOf(error) ?? 0,
      everywhere: error.global,
    });
  }
  if (error instanceof Failure || isTokenRefused(error)) {
    return new PlatformError(message, { fate: "later", retryAfterMs: limits.refusedTokenMs, everywhere: true });
  }
  if (error instanceof DiscordAPIError) {
    const gone = codeOf(error) === codes.unknownMessage && kind === "change";
    return new PlatformError(message, { fate: gone ? "gone" : "refused" });
  }
  // A server that breaks may have done it before.
  if (error instanceof HTTPError) {
    return new PlatformError(message, { fate: kind === "send" ? "unknown" : "later", everywhere: true });
  }
  const network = error instanceof NetworkError ? error : undefined;
  const surelyNot = kind === "change" || network?.unsent === true;
  return new PlatformError(network === undefined ? `Discord did not take it: ${errorText(error)}` : message, {
    fate: surelyNot ? "later" : "unknown",
    everywhere: network !== undefined,
  });
}
