// The hub: whoever listens hears everything, whatever happens to the others.
import { expect, test } from "bun:test";
import { createHub, type Happening } from "../../src/gateway/hub.ts";

const happening = (n: number): Happening => ({ n, turn: 1, session: 1, event: { type: "notice", text: `${n}` } });

test("a listener that fails once harms nobody, and hears what comes next", () => {
  const problems: unknown[] = [];
  const hub = createHub((error) => problems.push(error));
  const heard: string[] = [];
  let fails = true;
  hub.subscribe(({ n }) => {
    if (fails) throw new Error("the store is busy");
    heard.push(`first ${n}`);
  });
  const leave = hub.subscribe(({ n }) => void heard.push(`second ${n}`));
  hub.publish(happening(1));
  fails = false;
  hub.publish(happening(2));
  leave();
  hub.publish(happening(3));
  expect(heard).toEqual(["second 1", "first 2", "second 2", "first 3"]);
  expect(problems).toHaveLength(1);
});
