// A session and a turn as the store has them, for what works with rows alone.
import type { Session, TurnRow } from "../src/core/session.ts";
import { noUsage } from "../src/core/usage.ts";

/** An empty session of the agent `main`. */
export function sessionRow(change: Partial<Session> = {}): Session {
  return {
    id: 1,
    agent: "main",
    title: "",
    head: null,
    parent: null,
    forkedAt: null,
    model: null,
    continuation: null,
    folder: null,
    options: {},
    createdAt: 1,
    lastAt: 1,
    ...change,
  };
}

/** A turn that runs, for somebody in a direct chat of `tg`. */
export function turnRow(change: Partial<TurnRow> = {}): TurnRow {
  return {
    id: 1,
    session: 1,
    agent: "main",
    requester: { id: "1", name: "ann" },
    replyTo: { adapter: "tg", conversation: { id: "1", kind: "direct" } },
    state: "running",
    attempts: 1,
    startedAt: 1,
    endedAt: null,
    error: null,
    usage: noUsage,
    partial: null,
    ...change,
  };
}
