// The noun `deliveries`: what went out, what did not, and what to do about it.
import * as v from "valibot";
import { Failure } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import { excerpt } from "../../core/words.ts";
import { freshNonce } from "../../gateway/delivery/pieces.ts";
import { type Deliveries, type Delivery, type DeliveryFate, deliveryFates } from "../../store/deliveries.ts";
import type { Clock } from "../../sys/clock.ts";
import { choice, limitFlag, text, toggle, verb } from "../flags.ts";
import { type NamesDeps, ofAdapter, parseNumber } from "../person.ts";
import type { Resource } from "../resource.ts";

/** What this noun needs of the store. */
export interface DeliveriesDeps extends Pick<NamesDeps, "adapters"> {
  deliveries: Pick<Deliveries, "get" | "list" | "again" | "drop">;
  /** In a running instance: has a message go out again now, and not at the next start. */
  sendAgain?(delivery: number): boolean;
  /** The same for a message that nobody wants any more. */
  giveUp?(delivery: number): boolean;
}

/** What has not arrived, or may not have. */
const undelivered: readonly DeliveryFate[] = ["pending", "sending", "placed", "unknown", "failed"];

/** Declares the noun; `open` gives the store when a verb runs. */
export function deliveries(open: () => DeliveriesDeps, clock: Pick<Clock, "now" | "random">): Resource {
  const find = (id: string): Delivery => {
    const found = open().deliveries.get(parseNumber(id, "delivery"));
    if (found !== undefined) return found;
    throw new Failure("not-found", `Cannot find delivery ${JSON.stringify(id)}: there is none with this number`, {
      hint: "remoteagent deliveries list shows them",
    });
  };
  return {
    name: "deliveries",
    summary: "Messages on their way out, and what became of them",
    columns: ["id", "fate", "kind", "adapter", "conversation", "turn", "attempts", "createdAt", "error", "text"],
    verbs: [
      verb({
        name: "list",
        summary: "Messages, the newest first; those that have not arrived unless told otherwise",
        schema: v.strictObject({
          all: v.optional(toggle("Also those that have arrived or were dropped")),
          fate: v.optional(choice("Only with this fate", deliveryFates)),
          adapter: v.optional(text("Only of this adapter")),
          conversation: v.optional(text("Only of the conversation with this id")),
          turn: v.optional(text("Only of this turn")),
          limit: limitFlag,
        }),
        run: ({ all = false, fate, adapter, conversation, turn, limit }) => {
          const fates = fate === undefined ? (all ? undefined : undelivered) : [fate];
          const filter = {
            ...(fates === undefined ? {} : { fates }),
            ...(adapter === undefined ? {} : { adapter }),
            ...(conversation === undefined ? {} : { conversation }),
            ...(turn === undefined ? {} : { turn: turnNumber(turn) }),
            limit,
          };
          return ofAdapter(open(), { adapter, rows: open().deliveries.list(filter) }).map(row);
        },
      }),
      verb({
        name: "show",
        summary: "One message with all that is stored of it",
        takesId: true,
        schema: v.strictObject({}),
        run: ({ id }) => {
          const { body, ...found } = find(id);
          return { ...found, ...row({ ...found, body }), body };
        },
      }),
      verb({
        name: "retry",
        summary: "Sends a message again, although it may have arrived",
        takesId: true,
        schema: v.strictObject({}),
        run: ({ id }) => {
          const found = find(id);
          refuse(found, "retry");
          const { sendAgain, deliveries: table } = open();
          const again = { nonce: freshNonce(clock), at: clock.now() };
          const done = sendAgain === undefined ? table.again(found.id, again) : sendAgain(found.id);
          if (!done) throw cannot(found, "retry", "it is just being sent");
          return { id: found.id, fate: find(id).fate };
        },
      }),
      verb({
        name: "drop",
        summary: "Gives a message up: it is not sent any more",
        takesId: true,
        schema: v.strictObject({}),
        run: ({ id }) => {
          const found = find(id);
          refuse(found, "drop");
          const { giveUp, deliveries: table } = open();
          const done = giveUp === undefined ? table.drop(found.id) : giveUp(found.id);
          if (!done)
            throw cannot(found, "drop", found.fate === "sending" ? "it is just being sent" : "it is dropped already");
          return { id: found.id, fate: find(id).fate };
        },
      }),
    ],
  };
}

function cannot({ id }: Delivery, what: "retry" | "drop", state: string, hint?: string): Failure {
  const message = `Cannot ${what} delivery "${id}": ${state}`;
  return new Failure("usage", message, hint === undefined ? {} : { hint });
}

/** What has arrived, or is not said yet, is neither sent again nor given up. */
function refuse(found: Delivery, what: "retry" | "drop"): void {
  if (found.fate === "sent") throw cannot(found, what, "it has arrived");
  if (found.form === "forming" && found.fate !== "dropped")
    throw cannot(found, what, "the answer is still forming", "/stop in its conversation ends the turn");
  if (what === "retry" && (found.form === "forming" || found.form === "removed"))
    throw cannot(found, what, "there is nothing to say in it");
}

function turnNumber(id: string): number {
  return parseNumber(id.trim().replace(/^[tT]/, ""), "turn");
}

/** One line of a table. */
function row(found: Delivery) {
  const { id, fate, kind, adapter, conversation, turn, part, parts, attempts, createdAt, sentAt, error } = found;
  const said = found.file === null ? (found.body ?? "") : found.file.name;
  return {
    id,
    fate,
    kind: parts > 1 ? `${kind} ${part}/${parts}` : kind,
    adapter,
    conversation,
    turn: turn === null ? null : `T${turn}`,
    attempts,
    createdAt,
    sentAt,
    error,
    text: excerpt(said, limits.deliveryNameCharsMax),
  };
}
