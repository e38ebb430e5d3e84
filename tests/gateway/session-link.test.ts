// /session: who gets a link to what, and that nobody else reads it.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { Failure } from "../../src/core/failure.ts";
import type { SessionPage } from "../../src/gateway/commands/command.ts";
import { createWorld, direct, message, posted } from "./fixture.ts";

type Scope = Parameters<SessionPage["link"]>[0];
let world: ReturnType<typeof createWorld>;
let asked: Scope[];
let page: SessionPage | Failure;
beforeEach(() => {
  asked = [];
  page = {
    elsewhere: true,
    link(scope) {
      asked.push(scope);
      return { url: `https://agent.test/session/open/${scope.session}` };
    },
  };
  world = createWorld({ more: { sessionPage: async () => (page instanceof Failure ? Promise.reject(page) : page) } });
});
afterEach(() => world.remove());

const outgoing = () => world.now.world.said.at(-1)?.outgoing;

test("the session of this place, by the command and by the bare word", async () => {
  const { ask, send, quiet } = world.now;
  expect(await ask("/session")).toBe("There is no session here yet. Write something and one begins.");
  await send(message("hello"));
  await quiet();
  expect(await ask("/session")).toContain("https://agent.test/session/open/1");
  expect(await ask("session")).toContain("S001 for you alone, for 24 hours");
  expect(asked[0]).toEqual({
    adapter: "terminal",
    conversation: { id: "default", kind: "direct" },
    user: "0",
    session: 1,
  });
});

test("in a shared room only whoever asked reads it", async () => {
  const { send, quiet } = world.now;
  const first = posted("hello", { adapter: "slack" });
  await send(first);
  await quiet();
  await send(posted("/session", { adapter: "slack" }));
  expect(outgoing()).toMatchObject({ onlyFor: "1" });
  expect(asked).toMatchObject([{ adapter: "slack", user: "1", conversation: { kind: "shared" } }]);
});

test("guests get none, and neither does anybody for a session of another conversation", async () => {
  const { send, quiet, store } = world.now;
  await send(direct("mine"));
  await send(direct("theirs", { sender: { id: "5", name: "bob" } }));
  await quiet();
  const sessions = store.sessions.list().map(({ id }) => id);
  expect(sessions).toHaveLength(2);
  await send(direct("/session S001"));
  expect(outgoing()?.markdown).toContain("/open/1");
  await send(direct("/session S002"));
  const foreign = outgoing()?.markdown;
  await send(direct("/session S009"));
  expect(foreign).toContain('There is no session "S002" here');
  expect(outgoing()?.markdown).toBe(foreign?.replace("S002", "S009") ?? "");
  await send(posted("/session", { sender: { id: "99", name: "eve" } }));
  expect(asked.map(({ session }) => session)).toEqual([1]);
});

test("the owner may see every session", async () => {
  const { send, quiet, ask } = world.now;
  await send(direct("mine"));
  await quiet();
  expect(await ask("/session S001")).toContain("/open/1");
});

test("an address of this machine alone is said to be one, where the person is elsewhere", async () => {
  const { send, quiet, ask } = world.now;
  await send(direct("mine"));
  await send(message("here"));
  await quiet();
  if (!(page instanceof Failure)) page = { ...page, elsewhere: false };
  await send(direct("/session"));
  expect(outgoing()?.markdown).toContain("works on the machine on which I run");
  expect(await ask("/session")).not.toContain("works on the machine");
});

test("pages that cannot be opened are told in a sentence", async () => {
  const { send, quiet, ask } = world.now;
  await send(message("here"));
  await quiet();
  page = new Failure("state", 'Cannot listen on "127.0.0.1:8181": the address is in use', {
    hint: "Choose another port",
  });
  expect(await ask("/session")).toBe('Cannot listen on "127.0.0.1:8181": the address is in use\nChoose another port');
});
