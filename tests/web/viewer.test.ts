// The session page's routes: what they show, to whom, and what they make of what they should not be asked.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { addExchange, addSession, createFixture, type Fixture, openLink } from "./fixture.ts";

let fixture: Fixture;
beforeEach(() => {
  fixture = createFixture();
});
afterEach(() => fixture.close());

test("a link becomes a cookie, and shows the timeline", async () => {
  const session = addSession(fixture);
  addExchange(fixture, { session, question: "what is here?", answer: "A **readme**." });
  const { path, headers } = await openLink(fixture, session);
  expect(path).toBe("/session/1/");
  const page = await fixture.get(path, { headers });
  expect(page.status).toBe(200);
  expect(await page.text()).toContain('<ol id="items"');
  const timeline = await (await fixture.get(`${path}timeline`, { headers })).json();
  expect(timeline).toMatchObject({
    older: null,
    newer: null,
    items: [
      { kind: "said", from: "Ada", text: "what is here?" },
      { kind: "call", name: "bash", title: "ls -la", input: "ls -la", ok: true, ms: 340, output: "total 4\nREADME.md" },
      { kind: "answer" },
      { kind: "ended", outcome: "done", tokens: 1290, costUsd: 0.0123 },
    ],
  });
});
