// The store over real SQLite files: what is stored once stays once, forks copy nothing, search finds.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Failure } from "../../src/core/failure.ts";
import type { Inbound } from "../../src/core/message.ts";
import type { EntryBody } from "../../src/core/transcript.ts";
import { noUsage } from "../../src/core/usage.ts";
import { checkDatabase, openStore } from "../../src/store/db.ts";
import { migrations } from "../../src/store/migrate.ts";
import { createStore, type Store } from "../../src/store/store.ts";

let folder: string;
let store: Store;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "remoteagent-store-"));
  store = createStore(openStore(join(folder, "remoteagent.db")));
});
afterEach(() => {
  store.close();
  rmSync(folder, { recursive: true, force: true });
});

const message = (id: string, text = "hello"): Inbound => ({
  kind: "message",
  adapter: "terminal",
  conversation: { id: "default", kind: "direct" },
  id,
  sender: { id: "0", name: "ann" },
  sentAt: 1,
  text,
  addressed: true,
});
const said = (text: string): EntryBody => ({
  kind: "message",
  message: { role: "user", content: [{ type: "text", text }], timestamp: 1 },
});
const session = () => store.sessions.create({ agent: "main", at: 1 });

describe("inputs", () => {
  test("a re-delivery is the same input and changes nothing", () => {
    const { id } = session();
    const first = store.inputs.add(message("1"), { state: "waiting", session: id, at: 1 });
    const second = store.inputs.add(message("1", "other"), { state: "waiting", session: id, at: 2 });
    expect(first.fresh).toBe(true);
    expect(second.fresh).toBe(false);
    expect(second.input).toEqual(first.input);
    expect(store.inputs.waitingCount(id)).toBe(1);
  });
  test("an input is taken once, and finished with its turn", () => {
    const { id } = session();
    const { input } = store.inputs.add(message("1"), { state: "waiting", session: id, at: 1 });
    const turn = store.turns.create({
      session: id,
      agent: "main",
      requester: { id: "0", name: "ann" },
      replyTo: { adapter: "terminal", conversation: { id: "default", kind: "direct" } },
      at: 1,
    });
    expect(store.inputs.take(input.id, turn.id)).toBe(true);
    expect(store.inputs.take(input.id, turn.id)).toBe(false);
    store.inputs.finish(turn.id);
    expect(store.inputs.message("terminal", { conversation: "default", id: "1" })?.state).toBe("done");
  });
});

describe("entries", () => {
  test("a fork shares its parent's entries and grows apart", () => {
    const parent = session();
    let head: number | null = null;
    for (const text of ["a", "b"])
      head = store.entries.append({ session: parent.id, turn: null, parent: head, at: 1, body: said(text) }).id;
    const fork = store.sessions.create({ agent: "main", at: 2, parent: { session: parent.id, entry: head } });
    store.entries.append({ session: parent.id, turn: null, parent: head, at: 3, body: said("parent only") });
    store.entries.append({ session: fork.id, turn: null, parent: head, at: 3, body: said("fork only") });
    const texts = (id: number) =>
      store.entries.branch(store.sessions.get(id)?.head ?? null).map((entry) => {
        if (entry.body.kind !== "message") throw new Error("unexpected kind");
        const part = entry.body.message.content[0];
        return part?.type === "text" ? part.text : "";
      });
    expect(texts(parent.id)).toEqual(["a", "b", "parent only"]);
    expect(texts(fork.id)).toEqual(["a", "b", "fork only"]);
  });
  test("a branch begins at the newest compaction's first kept entry", () => {
    const { id } = session();
    const ids: number[] = [];
    const add = (body: EntryBody) => {
      ids.push(store.entries.append({ session: id, turn: null, parent: ids.at(-1) ?? null, at: 1, body }).id);
    };
    for (const text of ["a", "b", "c"]) add(said(text));
    add({ kind: "compaction", summary: "a and b", keepFrom: ids[2] ?? null, tokensBefore: 10 });
    add(said("d"));
    expect(store.entries.branch(ids.at(-1) ?? null).map((entry) => entry.id)).toEqual(ids.slice(2));
    expect(store.entries.branch(ids.at(-1) ?? null, { whole: true })).toHaveLength(5);
    add({ kind: "compaction", summary: "all", keepFrom: null, tokensBefore: 10 });
    expect(store.entries.branch(ids.at(-1) ?? null).map((entry) => entry.id)).toEqual(ids.slice(-1));
  });
});

describe("turns", () => {
  test("only calls without an end count as started", () => {
    const { id } = session();
    const turn = store.turns.create({
      session: id,
      agent: "main",
      requester: { id: "0", name: "ann" },
      replyTo: { adapter: "terminal", conversation: { id: "default", kind: "direct" } },
      at: 1,
    });
    for (const call of ["x", "y"]) {
      store.turns.append(turn.id, {
        event: { type: "tool", step: "start", call, name: "bash", title: "", input: {} },
        at: 1,
      });
    }
    store.turns.append(turn.id, {
      event: { type: "tool", step: "end", call: "x", name: "bash", ok: true, ms: 1, text: "" },
      at: 1,
    });
    expect([...store.turns.startedCalls(turn.id)]).toEqual(["y"]);
    store.turns.end(turn.id, { outcome: "done", at: 2, usage: noUsage });
    expect(store.turns.get(turn.id)?.state).toBe("done");
    expect(store.turns.events(turn.id).map((row) => row.event.type)).toEqual(["tool", "tool", "tool"]);
  });
});

describe("search", () => {
  const add = (text: string) =>
    store.messages.add({
      adapter: "terminal",
      conversation: "default",
      external: null,
      session: null,
      turn: null,
      direction: "in",
      sender: "ann",
      at: 1,
      text,
    });
  test("finds parts of words, scripts without spaces, and short words", () => {
    add("the deployment of 記憶體 failed");
    add("nothing here");
    expect(store.messages.search("deploy")).toHaveLength(1);
    expect(store.messages.search("記憶體")).toHaveLength(1);
    expect(store.messages.search("記憶")).toHaveLength(1);
    expect(store.messages.search("deploy nothing")).toHaveLength(0);
  });
  test("nothing in the text is an operator", () => {
    add('say "OR" NEAR( *');
    expect(store.messages.search('"OR" NEAR(')).toHaveLength(1);
    expect(store.messages.search("' ; DROP TABLE messages")).toHaveLength(0);
    expect(store.messages.search("   ")).toHaveLength(0);
  });
});

describe("opening", () => {
  const path = () => join(folder, "other.db");
  test("a crash loop is five short unclean lives", () => {
    for (let n = 0; n < 5; n++) {
      expect(store.starts.crashLoop({ count: 5, lifeMs: 60_000 })).toBe(false);
      store.starts.alive(store.starts.add(n), n + 10);
    }
    expect(store.starts.crashLoop({ count: 5, lifeMs: 60_000 })).toBe(true);
    store.starts.ended(store.starts.add(9), 10);
    expect(store.starts.crashLoop({ count: 5, lifeMs: 60_000 })).toBe(false);
  });
  test("the files are for their owner alone", () => {
    for (const file of readdirSync(folder)) expect(statSync(join(folder, file)).mode & 0o077).toBe(0);
  });
  test("a newer database is refused and left alone", () => {
    const db = openStore(path());
    db.exec("PRAGMA user_version = 999");
    db.close();
    expect(() => openStore(path())).toThrow(/newer remoteagent/);
  });
  test("rubbish is refused in one sentence", () => {
    writeFileSync(
      path(),
      "this is not a database, it only has its name and is long enough to be read as one ".repeat(20),
    );
    expect(() => openStore(path())).toThrow(Failure);
    expect(checkDatabase(path())).toHaveLength(1);
    expect(checkDatabase(join(folder, "absent.db"))).toEqual([]);
  });
  test("a failing migration leaves the old form, and a copy was kept", () => {
    openStore(path()).close();
    const bad = [...migrations, { name: "bad", sql: "CREATE TABLE fresh (id INTEGER) STRICT; SELECT broken;" }];
    expect(() => openStore(path(), { copies: join(folder, "backups"), steps: bad })).toThrow(/Cannot bring database/);
    expect(readdirSync(join(folder, "backups"))).toHaveLength(1);
    const db = openStore(path());
    expect(db.prepare("SELECT name FROM sqlite_schema WHERE name = 'fresh'").get()).toBeUndefined();
    db.close();
  });
  test("transactions roll back as a whole, nested ones with the outer", () => {
    expect(() =>
      store.transaction(() => {
        session();
        store.transaction(() => session());
        throw new Error("no");
      }),
    ).toThrow("no");
    expect(store.sessions.list()).toEqual([]);
  });
});
