// The noun `turns`: runs of a harness, and what happened in them.
import * as v from "valibot";
import type { TurnEvent } from "../../core/event.ts";
import { Failure } from "../../core/failure.ts";
import { parsePublicId, publicId } from "../../core/ids.ts";
import type { TurnRow, TurnState } from "../../core/session.ts";
import type { Turns } from "../../store/turns.ts";
import { choice, limitFlag, text, verb } from "../flags.ts";
import type { Resource } from "../resource.ts";

/** What this noun needs of the store. */
export interface TurnsDeps {
  turns: Pick<Turns, "get" | "list" | "lastEvents">;
}

const states: TurnState[] = ["running", "waiting", "interrupted", "done", "stopped", "failed"];

/** Declares the noun; `open` gives the store when a verb runs. */
export function turns(open: () => TurnsDeps): Resource {
  const find = (id: string): TurnRow => {
    const digits = /^[tT]?0*([1-9][0-9]{0,14})$/.exec(id.trim())?.[1];
    const turn = digits === undefined ? undefined : open().turns.get(Number(digits));
    if (turn !== undefined) return turn;
    throw new Failure("not-found", `Cannot find turn ${JSON.stringify(id)}: there is none with this id`, {
      hint: "remoteagent turns list shows them",
    });
  };
  return {
    name: "turns",
    summary: "Runs of the agent, and what happened in them",
    columns: ["id", "session", "state", "requester", "startedAt", "seconds", "costUsd", "error"],
    verbs: [
      verb({
        name: "list",
        summary: "Turns, the newest first",
        schema: v.strictObject({
          session: v.optional(text("Only of this session")),
          state: v.optional(choice("Only in this state", states)),
          limit: limitFlag,
        }),
        run: ({ session, state, limit }) =>
          open()
            .turns.list({ ...sessionFilter(session), ...(state === undefined ? {} : { state }), limit })
            .map(row),
      }),
      verb({
        name: "get",
        summary: "One turn with all that is stored of it",
        takesId: true,
        schema: v.strictObject({}),
        run: ({ id }) => {
          const turn = find(id);
          return { ...turn, id: `T${turn.id}`, session: publicId(turn.session) };
        },
      }),
      verb({
        name: "events",
        summary: "What happened in a turn, in order: the last of it",
        takesId: true,
        columns: ["n", "at", "type", "text"],
        schema: v.strictObject({ limit: limitFlag }),
        run: ({ id, limit }) =>
          open()
            .turns.lastEvents(find(id).id, limit)
            .map(({ n, at, event }) => ({ n, at, type: event.type, text: eventText(event), event })),
      }),
    ],
  };
}

function sessionFilter(id: string | undefined): { session?: number } {
  if (id === undefined) return {};
  const session = parsePublicId(id);
  if (session === undefined)
    throw new Failure("usage", `Wrong value of --session: ${JSON.stringify(id)} is no session's id`, {
      hint: "Ids look like S001; remoteagent sessions list shows them",
    });
  return { session };
}

function row(turn: TurnRow) {
  const ms = turn.endedAt === null ? null : turn.endedAt - turn.startedAt;
  return {
    id: `T${turn.id}`,
    session: publicId(turn.session),
    state: turn.state,
    agent: turn.agent,
    requester: turn.requester.name,
    requesterId: turn.requester.id,
    attempts: turn.attempts,
    startedAt: turn.startedAt,
    endedAt: turn.endedAt,
    seconds: ms === null ? null : Math.round(ms / 100) / 10,
    costUsd: turn.usage.costUsd,
    error: turn.error?.message ?? null,
  };
}

/** The part of an event that a table shows. */
function eventText(event: TurnEvent): string {
  switch (event.type) {
    case "taken":
    case "message":
    case "notice":
    case "ask":
      return event.text;
    case "tool":
      if (event.step === "start") return `${event.title} …`;
      return event.step === "end" ? `${event.name} ${event.ok ? "ok" : "failed"} after ${event.ms} ms` : event.text;
    case "file":
      return `${event.name} (${event.bytes} bytes)`;
    case "compacted":
      return `${event.tokensBefore} → ${event.tokensAfter} tokens`;
    case "usage":
      return `${event.usage.input + event.usage.output} tokens, $${event.usage.costUsd.toFixed(4)}`;
    case "started":
      return event.resumed ? "resumed" : (event.model ?? "");
    case "ended":
      return event.error === undefined ? event.outcome : `${event.outcome}: ${event.error.message}`;
    default:
      return "";
  }
}
