// How a route of the fake Discord says no: thrown inside, answered outside as the API's JSON error.
import type { Json } from "./world.ts";

/**
 * A refused request. `status` is HTTP's, `code` is Discord's JSON error code.
 * Codes and texts: docs.discord.com/developers/topics/opcodes-and-status-codes#json.
 */
export class Refusal extends Error {
  readonly status: number;
  readonly code: number;
  readonly errors: Json | undefined;
  /** When it can be tried again, in ms; only with status 429. */
  readonly waitMs: number | undefined;

  constructor(given: { status: number; code: number; message: string; errors?: Json; waitMs?: number }) {
    super(given.message);
    const { status, code, errors, waitMs } = given;
    this.waitMs = waitMs;
    this.status = status;
    this.code = code;
    this.errors = errors;
  }
}

const table = {
  unauthorized: [401, 0, "401: Unauthorized"],
  notFound: [404, 0, "404: Not Found"],
  methodNotAllowed: [405, 0, "405: Method Not Allowed"],
  unknownChannel: [404, 10003, "Unknown Channel"],
  unknownGuild: [404, 10004, "Unknown Guild"],
  unknownMember: [404, 10007, "Unknown Member"],
  unknownMessage: [404, 10008, "Unknown Message"],
  unknownUser: [404, 10013, "Unknown User"],
  unknownEmoji: [400, 10014, "Unknown Emoji"],
  unknownWebhook: [404, 10015, "Unknown Webhook"],
  unknownInteraction: [404, 10062, "Unknown interaction"],
  unknownCommand: [404, 10063, "Unknown application command"],
  dailyCommands: [400, 30034, "Max number of daily application command creates has been reached (200)"],
  oldEdits: [429, 30046, "Maximum number of edits to messages older than 1 hour reached. Try again later."],
  tooManyReactions: [400, 30010, "Maximum number of reactions reached (20)"],
  tooLarge: [413, 40005, "Request entity too large"],
  acknowledged: [400, 40060, "Interaction has already been acknowledged."],
  missingAccess: [403, 50001, "Missing Access"],
  directOnly: [403, 50003, "Cannot execute action on a DM channel"],
  othersMessage: [403, 50005, "Cannot edit a message authored by another user"],
  empty: [400, 50006, "Cannot send an empty message"],
  closedDirect: [403, 50007, "Cannot send messages to this user"],
  missingPermissions: [403, 50013, "Missing Permissions"],
  systemMessage: [403, 50021, "Cannot execute action on a system message"],
  wrongChannelKind: [400, 50024, "Cannot execute action on this channel type"],
  webhookToken: [401, 50027, "Invalid Webhook Token"],
  archived: [400, 50083, "Thread is archived"],
  invalidJson: [400, 50109, "The request body contains invalid JSON."],
  replyWithoutHistory: [400, 160002, "Cannot reply without permission to read message history"],
  threadExists: [400, 160004, "A thread has already been created for this message"],
} as const satisfies Record<string, readonly [number, number, string]>;

/** The refusals that always read the same, by name. */
export function refuse(name: keyof typeof table, { waitMs }: { waitMs?: number } = {}): Refusal {
  const [status, code, message] = table[name];
  return new Refusal({ status, code, message, waitMs });
}

/** 50035 with what is wrong at a path such as `embeds.0.title`. */
export function invalidForm(path: string, { code, message }: { code: string; message: string }): Refusal {
  const leaf: Json = { _errors: [{ code, message }] };
  const errors = path
    .split(".")
    .filter((part) => part !== "")
    .reduceRight<Json>((inner, part) => ({ [part]: inner }), leaf);
  return new Refusal({ status: 400, code: 50035, message: "Invalid Form Body", errors });
}

/** The body of a refusal as it goes over the wire. */
export function bodyOf(refusal: Refusal): Json {
  const errors = refusal.errors === undefined ? {} : { errors: refusal.errors };
  const wait = refusal.waitMs === undefined ? {} : { retry_after: refusal.waitMs / 1000, global: false };
  return { message: refusal.message, code: refusal.code, ...errors, ...wait };
}
