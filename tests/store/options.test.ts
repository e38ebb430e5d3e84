// What was chosen for a session is read with care: somebody may have written it by hand.
import { expect, test } from "bun:test";
import { parseOptions } from "../../src/core/session.ts";

test("what is right is kept, beside what is not", () => {
  const all = { queue: "collect", timeoutSeconds: 60, plan: { steps: 3 }, batch: ["1"], autoReply: { rules: "tea" } };
  expect(parseOptions(JSON.stringify(all))).toEqual(all as never);
  expect(parseOptions('{"queue":"collect","plan":7,"unknown":1}')).toEqual({ queue: "collect" });
});

test("nothing of a wrong shape comes through", () => {
  for (const text of [
    "",
    "null",
    "[]",
    "7",
    '"x"',
    "{",
    '{"queue":"x"}',
    '{"timeoutSeconds":-1}',
    '{"timeoutSeconds":"60"}',
    '{"timeoutSeconds":1e9}',
    '{"batch":[1,null]}',
    '{"batch":"1"}',
    '{"autoReply":{}}',
    '{"autoReply":null}',
    '{"plan":null}',
  ])
    expect(parseOptions(text)).toEqual({});
  expect(parseOptions('{"plan":{"steps":1.5}}')).toEqual({ plan: {} });
});
