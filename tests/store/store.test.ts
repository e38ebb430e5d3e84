// The store over real SQLite files: what is stored once stays once, forks copy nothing, search finds.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TurnEvent } from "../../src/core/event.ts";
import { Failure } from "../../src/core/failure.ts";
import { limits } from "../../src/core/limits.ts";
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
const begun = (id: number) =>
  store.turns.create({
    session: id,
    agent: "main",
    requester: { id: "0", name: "ann" },
    replyTo: { adapter: "terminal", conversation: { id: "default", kind: "direct" } },
    at: 1,
  });
const tell = (turn: number, event: TurnEvent) => store.turns.append(turn, { event, at: 1 });

test("a file that a reader is just leaving is waited for", async () => {
  const path = join(folder, "other.db");
  const hold = `import { Database } from "bun:sqlite";
    const db = new Database(${JSON.stringify(path)});
    db.exec("PRAGMA journal_mode = WAL; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; CREATE TABLE t (a)");
    console.log("held");
    setTimeout(() => process.exit(), 300);`;
  const reader = spawn(process.execPath, ["-e", hold], { stdio: ["ignore", "pipe", "inherit"] });
  await once(reader.stdout, "data");
  const opened = createStore(openStore(path));
  expect(opened.sessions.list()).toEqual([]);
  opened.close();
  if (reader.exitCode === null) await once(reader, "exit");
});

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
  test("a call id that comes again counts by its starts and ends", () => {
    const turn = begun(session().id);
    const start = (call: string) =>
      tell(turn.id, { type: "tool", step: "start", call, name: "x", title: "", input: {} });
    const finish = (call: string) =>
      tell(turn.id, { type: "tool", step: "end", call, name: "x", ok: true, ms: 1, text: "" });
    for (const call of ["again", "beside", "closed"]) start(call);
    // Two with one id side by side, of which one has ended.
    start("beside");
    for (const call of ["again", "beside", "closed"]) finish(call);
    start("again");
    // Told as never started, and then started.
    finish("late");
    start("late");
    expect([...store.turns.startedCalls(turn.id)].toSorted()).toEqual(["again", "beside", "late"]);
  });
  test("the last events come in order", () => {
    const turn = begun(session().id);
    for (const text of ["a", "b", "c"]) tell(turn.id, { type: "notice", text });
    const texts = store.turns.lastEvents(turn.id, 2).map(({ event }) => (event.type === "notice" ? event.text : ""));
    expect(texts).toEqual(["b", "c"]);
  });
  test("are listed by session and state, the newest first", () => {
    const [one, two] = [session().id, session().id];
    const turns = [one, two, one, one].map((id) => begun(id).id);
    store.turns.end(turns[0] ?? 0, { outcome: "failed", at: 2, usage: noUsage });
    const ids = (wanted: Parameters<typeof store.turns.list>[0]) => store.turns.list(wanted).map(({ id }) => id);
    expect(ids({})).toEqual(turns.toReversed());
    expect(ids({ session: one })).toEqual([4, 3, 1]);
    expect(ids({ state: "failed", limit: 1 })).toEqual([1]);
    expect(ids({ session: one, state: "running", limit: 1 })).toEqual([4]);
    expect(ids({ session: two, state: "failed" })).toEqual([]);
  });
});

describe("sessions", () => {
  test("are filtered before they are cut", () => {
    const conversation = store.wirings.conversation("chat", { id: "C1", kind: "shared", at: 1 });
    const made = ["Über alles", "other", "über das Tor"].map((title, at) =>
      store.sessions.create({ agent: "main", at, title, model: at === 1 ? "demo/demo" : null }),
    );
    const [first, second] = made.map(({ id }) => id);
    if (first === undefined || second === undefined) throw new Error("none made");
    for (const user of ["b", "a"]) store.sessions.bind({ agent: "main", conversation, user }, second);
    store.sessions.bind({ agent: "main" }, first);
    begun(first);
    const ids = (wanted: Parameters<typeof store.sessions.list>[0]) => store.sessions.list(wanted).map(({ id }) => id);
    expect(ids({})).toEqual([3, 2, 1]);
    expect(ids({ limit: 1 })).toEqual([3]);
    expect(ids({ title: "ÜBER", limit: 1 })).toEqual([3]);
    expect(ids({ title: "über", running: true })).toEqual([1]);
    expect(ids({ running: false, limit: 1 })).toEqual([3]);
    expect(ids({ model: "demo/demo" })).toEqual([2]);
    expect(ids({ agent: "nobody" })).toEqual([]);
    expect(ids({ place: "chat/C1" })).toEqual([2]);
    expect(ids({ conversation })).toEqual([2]);
    expect(store.sessions.list().map(({ places, running, turns }) => ({ places, running, turns }))).toEqual([
      { places: [], running: false, turns: 0 },
      { places: ["chat/C1", "chat/C1"], running: false, turns: 0 },
      { places: [], running: true, turns: 1 },
    ]);
  });
  test("are changed in what is told, and in nothing else", () => {
    const { id } = session();
    const entry = store.entries.append({ session: id, turn: null, parent: null, at: 1, body: said("a") });
    store.sessions.set(id, { title: "T", model: "a/b", folder: "/f", continuation: "c", head: entry.id });
    const { head: _head, ...change } = { title: "U", model: null, head: undefined };
    store.sessions.set(id, change);
    expect(store.sessions.get(id)).toMatchObject({ title: "U", model: null, folder: "/f", continuation: "c" });
    expect(store.entries.get(store.sessions.get(id)?.head ?? 0)).toEqual(entry);
    expect(store.entries.get(99)).toBeUndefined();
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
  test("finds several words in any order, whatever their length and case", () => {
    add("Über den Wolken ist es schön");
    add("記憶體 und 東京 sind da");
    add("und sonst nichts");
    for (const words of ["üb", "ÜB", "über", "wolken üb", "ES schÖn", "ist es", "es ist", "n w"])
      expect([words, store.messages.search(words).length]).toEqual([words, 1]);
    for (const words of ["東京 記憶", "da 京", "憶體 UND 東", "sind 記憶體 東京"])
      expect([words, store.messages.search(words).length]).toEqual([words, 1]);
    expect(store.messages.search("un").map(({ text }) => text)).toEqual([
      "und sonst nichts",
      "記憶體 und 東京 sind da",
    ]);
    for (const words of ["es nichts", "üx", "東 üb", "wolken zz"]) expect(store.messages.search(words)).toEqual([]);
  });
  test("looks through many messages for a short word, the newest first, up to its bound", () => {
    store.transaction(() => {
      add("xy old");
      for (let n = 0; n < limits.searchPageRows * 2; n++) add(`filler ${n}`);
      add("xy new");
    });
    expect(store.messages.search("xy").map(({ text }) => text)).toEqual(["xy new", "xy old"]);
    expect(store.messages.search("filler 7", 3)).toHaveLength(3);
    expect(store.messages.search("xy old")).toHaveLength(1);
    expect(store.messages.search("a\0b")).toEqual([]);
    expect(store.messages.search("fil\0ler")).toHaveLength(50);
  });
  test("nothing in the text is an operator", () => {
    add('say "OR" NEAR( *');
    expect(store.messages.search('"OR" NEAR(')).toHaveLength(1);
    expect(store.messages.search("' ; DROP TABLE messages")).toHaveLength(0);
    expect(store.messages.search("   ")).toHaveLength(0);
  });
  test("finds what is in many pieces of the index, and after they were merged", () => {
    const settings = openStore(join(folder, "remoteagent.db"));
    const row = settings.prepare("SELECT v FROM messages_search_config WHERE k = 'crisismerge'").get<{ v: number }>();
    settings.close();
    expect(row).toEqual({ v: 32 });
    // One transaction each, as messages come; several times the pieces after which they are merged.
    for (let n = 1; n <= 100; n += 1) {
      add(`message of day ${n}`);
      expect(store.messages.search("message of day", 200)).toHaveLength(n);
    }
  });
});

describe("opening", () => {
  const thrown = (work: () => unknown): unknown => {
    try {
      work();
    } catch (error) {
      return error;
    }
    throw new Error("It did not fail");
  };
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
  test("the files are for their owner alone, also those of an older program", () => {
    chmodSync(join(folder, "remoteagent.db"), 0o644);
    openStore(join(folder, "remoteagent.db")).close();
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
  test("what the engine throws is a failure in one sentence, from every write and from a commit", () => {
    const db = openStore(path());
    const full = createStore(db);
    const { id } = full.sessions.create({ agent: "main", at: 1 });
    db.exec("PRAGMA max_page_count = 1");
    const body = said("x".repeat(200_000));
    const fill = () => full.entries.append({ session: id, turn: null, parent: null, at: 1, body });
    const told = {
      name: "Failure",
      code: "store",
      message: `Cannot use database ${JSON.stringify(path())}: the disk is full`,
    };
    expect(thrown(fill)).toMatchObject(told);
    expect(thrown(() => full.transaction(fill))).toMatchObject(told);
    // What is no fault of the engine passes as it is, and the transaction is over all the same.
    const bug = new TypeError("ours");
    const failing = () => {
      throw bug;
    };
    expect(thrown(() => full.transaction(failing))).toBe(bug);
    expect(full.transaction(() => full.sessions.get(id)?.id)).toBe(id);
    full.close();
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
