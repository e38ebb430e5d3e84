// Answers that nobody is watching: posted to the door, and harmless when that is not possible.
import { expect, test } from "bun:test";
import type { Outgoing } from "../../src/core/message.ts";
import { postElsewhere } from "../../src/gateway/history.ts";
import { createChat } from "./chat.ts";
import { memoryLog, remote } from "./fixture.ts";

test("a turn of another session is posted; a read that fails is a line in the log", () => {
  const log = memoryLog();
  const posted: string[] = [];
  const door = {
    name: "tg",
    type: "fake",
    traits: remote,
    post: async (_target: unknown, { markdown }: Outgoing) => void posted.push(markdown),
  };
  const message = { turn: createChat().turn(), text: "It rings" };
  postElsewhere({ gateway: { sessionAt: () => undefined }, door, log }, message);
  const sessionAt = () => {
    throw new Error("disk I/O error");
  };
  postElsewhere({ gateway: { sessionAt }, door, log }, message);
  expect(posted).toEqual(["It rings"]);
  expect(log.lines.join()).toContain("disk I/O error");
});
