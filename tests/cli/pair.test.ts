// `pair` by the real program: with a running instance, and without one.
import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { program } from "./program.ts";

const form = /\b[2-9A-HJKMNP-TV-Z]{5}-[2-9A-HJKMNP-TV-Z]{5}\b/;

test("a code is printed with what to do with it, without and with an instance", async () => {
  await using run = program();
  const alone = await run.call("pair");
  expect(alone).toMatchObject({ code: 0, err: "" });
  const code = form.exec(alone.out)?.[0] ?? "";
  expect(alone.out).toContain("direct chat");
  expect(alone.out).toContain("owner");
  expect(alone.out).toContain("no bot yet: remoteagent setup");
  expect((await run.call("start")).code).toBe(0);
  const json = await run.call("pair", "--json", "--role", "member");
  expect(JSON.parse(json.out)).toMatchObject({ role: "member", adapter: null });
  const member = await run.call("pair", "--role", "member");
  expect(member.out).toMatch(/^Give this to the person: .* is its member\.$/m);
  expect(member.out).toContain("show it to nobody else.");
  expect((await run.call("pairings", "list", "--json")).out).not.toContain(code);
  expect((await run.call("pair", "--clear")).out).toBe("Took back 3 codes\n");
  expect((await run.call("stop")).code).toBe(0);
  const store = new Database(run.path("remoteagent.db"), { readonly: true });
  const kept = JSON.stringify(store.query("SELECT * FROM pairings").all());
  store.close();
  expect(kept).not.toContain(code.slice(0, 5));
}, 60_000);

test("a wrong role, an unknown adapter and too many codes are refused with the mend", async () => {
  await using run = program();
  const role = await run.call("pair", "--role", "king");
  expect(role).toMatchObject({ code: 2 });
  expect(role.err).toContain("owner, admin, member");
  const adapter = await run.call("pair", "--adapter", "tg");
  expect(adapter).toMatchObject({ code: 2 });
  expect(adapter.err).toContain("settings have no such adapter");
  for (let n = 0; n < 5; n++) expect((await run.call("pair", "--json")).code).toBe(0);
  const many = await run.call("pair");
  expect(many.code).toBe(2);
  expect(many.err).toContain("pair --clear");
}, 60_000);
