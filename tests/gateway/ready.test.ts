// When waiting inputs may begin a turn: what belongs together is awaited, and no wait lasts longer than its bound.
import { expect, test } from "bun:test";
import { limits } from "../../src/core/limits.ts";
import type { Input } from "../../src/core/session.ts";
import { readyInputs } from "../../src/gateway/queue/ready.ts";
import { message } from "./fixture.ts";

const at = 1_000_000_000_000;
const input = (id: number, change: Parameters<typeof message>[1] = {}): Input => ({
  id,
  session: 1,
  turn: null,
  state: "waiting",
  receivedAt: at,
  inbound: message(`${id}`, { joinMs: limits.splitJoinMs, ...change }),
});

test("a message that is likely not the last waits for the rest", () => {
  const waiting = [input(1), input(2, { joinMs: 0 })];
  expect(readyInputs(waiting, { mode: "steer", now: at })).toMatchObject({ at: at + limits.splitJoinMs, missing: [] });
  expect(readyInputs(waiting, { mode: "steer", now: at + limits.splitJoinMs }).inputs).toEqual(waiting);
});

test("a clock that is set back makes nobody wait", () => {
  const hourAgo = at - 3_600_000;
  const messages = [input(1), input(2, { missed: true })];
  for (const mode of ["steer", "followup"] as const)
    expect(readyInputs(messages, { mode, now: hourAgo }).inputs?.[0]).toEqual(messages[0] as Input);
});
