// The scheduler over a real folder and a real database, with a clock that is moved by hand.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDatabase } from "#sqlite";
import { limits } from "../../src/core/limits.ts";
import type { Inbound, Receipt } from "../../src/core/message.ts";
import { createScheduler, type Scheduler } from "../../src/schedule/runner.ts";
import { migrate } from "../../src/store/migrate.ts";
import { openSchedules } from "../../src/store/schedules.ts";
import type { Log } from "../../src/sys/log.ts";
import type { Database } from "../../src/sys/sqlite.ts";
import { failing } from "../failing.ts";
import { createManualClock, type ManualClock } from "./manual-clock.ts";

const silent: Log = {
  trace: () => undefined,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silent,
};
const minute = 60_000;
const hour = 60 * minute;

let root: string;
let events: string;
let db: Database;
let clock: ManualClock;
let received: Inbound[];
let answer: (inbound: Inbound) => Receipt;
let open: Scheduler[];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "remoteagent-schedule-"));
  events = join(root, "events");
  mkdirSync(events);
  db = openDatabase(join(root, "test.db"));
  migrate(db);
  clock = createManualClock(Math.ceil(Date.now() / hour) * hour);
  received = [];
  answer = () => ({ state: "waiting", input: received.length, session: 1, place: 1 });
  open = [];
});
afterEach(async () => {
  for (const scheduler of open) await scheduler.close();
  db.close();
  rmSync(root, { recursive: true, force: true });
});

function create(): Scheduler {
  const scheduler = createScheduler({
    eventsDir: events,
    store: openSchedules(db),
    clock,
    log: silent,
    timezone: "UTC",
    async receive(inbound) {
      received.push(inbound);
      return answer(inbound);
    },
    resolve: ({ platform, conversation, kind = "direct" }) =>
      platform === undefined || platform === "terminal"
        ? { adapter: "terminal", conversation: { id: conversation, kind } }
        : { problem: `There is no adapter ${JSON.stringify(platform)}` },
  });
  open.push(scheduler);
  return scheduler;
}

async function start(): Promise<Scheduler> {
  const scheduler = create();
  await scheduler.start();
  return scheduler;
}

/** Waits for what the file system and the loop do by themselves, moving the clock a little meanwhile. */
async function until(holds: () => boolean, { step = 50 }: { step?: number } = {}): Promise<void> {
  const end = performance.now() + 4_000;
  while (!holds()) {
    if (performance.now() > end) throw new Error("It did not come to hold");
    clock.advance(step);
    await Bun.sleep(2);
  }
}

const iso = (ms: number) => new Date(ms).toISOString();
const put = (file: string, fields: Record<string, unknown>) => {
  const text = JSON.stringify({ text: "tea", platform: "terminal", conversationId: "main", ...fields });
  writeFileSync(join(events, `.${file}`), text);
  renameSync(join(events, `.${file}`), join(events, file));
};
const once = (file: string, at: number, more: Record<string, unknown> = {}) =>
  put(file, { type: "one-shot", at: iso(at), ...more });
const files = () =>
  readdirSync(events)
    .filter((name) => !name.startsWith("."))
    .sort();
const texts = () => received.map((inbound) => (inbound.kind === "message" ? inbound.text : inbound.kind));
const text = (file: string) => readFileSync(join(events, file), "utf8");

describe("an event", () => {
  test("that is immediate comes in at once, as a message that nobody typed, and its file goes", async () => {
    await start();
    put("now.json", { type: "immediate", userId: "u7", threadTs: "1.2" });
    utimesSync(join(events, "now.json"), clock.now() / 1000, clock.now() / 1000);
    await until(() => received.length === 1 && files().length === 0);
    const due = received[0]?.sentAt ?? 0;
    expect(received).toEqual([
      {
        kind: "message",
        adapter: "terminal",
        conversation: { id: "main", kind: "direct" },
        thread: "1.2",
        id: `event:now.json:${due}`,
        sender: { id: "u7", name: "u7" },
        sentAt: due,
        text: "tea",
        addressed: true,
        event: "now.json",
        fresh: true,
      },
    ]);
  });

  test("that is due later comes in when its time has come, to the second", async () => {
    await start();
    once("later.json", clock.now() + 90_000, { session: "inherit" });
    await until(() => openSchedules(db).all().length === 1);
    clock.advance((openSchedules(db).all()[0]?.nextAt as number) - clock.now() - 1_000);
    await Bun.sleep(30);
    expect(received).toEqual([]);
    await until(() => received.length === 1);
    expect(received[0]).toMatchObject({ sender: { own: true } });
    expect(received[0]).not.toHaveProperty("fresh");
    await until(() => files().length === 0);
  });

  test("that is due in two months waits for it", async () => {
    const due = clock.now() + 60 * 24 * hour;
    once("far.json", due);
    await start();
    for (let passed = 0; passed < 40; passed++) {
      clock.advance(24 * hour);
      await Bun.sleep(1);
    }
    expect(received).toEqual([]);
    await until(() => received.length === 1, { step: 12 * hour });
    expect(received[0]?.sentAt).toBe(due);
  });

  test("that recurs goes on and on, once each", async () => {
    put("tick.json", { type: "periodic", schedule: "*/10 * * * *" });
    const from = clock.now();
    await start();
    await until(() => received.length === 3, { step: 20_000 });
    expect(received.map((inbound) => inbound.sentAt - from)).toEqual([10 * minute, 20 * minute, 30 * minute]);
    expect(files()).toEqual(["tick.json"]);
  });

  test("is cancelled by deleting its file", async () => {
    once("gone.json", clock.now() + hour);
    await start();
    rmSync(join(events, "gone.json"));
    await until(() => openSchedules(db).all().length === 0);
    clock.advance(2 * hour);
    await Bun.sleep(20);
    expect(received).toEqual([]);
  });

  test("is scheduled anew when its file changes", async () => {
    once("moved.json", clock.now() + hour);
    await start();
    once("moved.json", clock.now() + 3 * hour, { text: "coffee" });
    const due = clock.now() + 3 * hour;
    await until(() => openSchedules(db).all()[0]?.nextAt === due);
    clock.advance(2 * hour);
    await Bun.sleep(20);
    expect(received).toEqual([]);
    await until(() => received.length === 1, { step: minute });
    expect(texts()).toEqual(["coffee"]);
  });
});

describe("a file that cannot be used", () => {
  test.each([
    ["broken", "{", "It is not JSON"],
    ["wrong", JSON.stringify({ type: "immediate", text: "x" }), 'One of "conversationId"'],
    [
      "elsewhere",
      JSON.stringify({ type: "immediate", text: "x", channelId: "slack/C1" }),
      'There is no adapter "slack"',
    ],
    ["large", `"${"x".repeat(limits.eventBytesMax)}"`, "It is larger than"],
  ])("is renamed with the reason beside it: %s", async (name, content, reason) => {
    writeFileSync(join(events, `${name}.json`), content);
    await start();
    await until(() => files().length === 2);
    expect(files()).toEqual([`${name}.json.invalid`, `${name}.json.invalid.txt`]);
    expect(text(`${name}.json.invalid`)).toBe(content);
    expect(text(`${name}.json.invalid.txt`)).toContain(reason);
    expect(received).toEqual([]);
  });

  test("is not judged while it is being written", async () => {
    await start();
    writeFileSync(join(events, "slow.json"), '{"type": "immed');
    for (let tries = 0; tries < 5; tries++) {
      clock.advance(limits.eventSettleMs / 10);
      await Bun.sleep(5);
    }
    writeFileSync(
      join(events, "slow.json"),
      JSON.stringify({ type: "immediate", text: "whole", channelId: "terminal/main" }),
    );
    await until(() => received.length === 1);
    expect(texts()).toEqual(["whole"]);
    await until(() => files().length === 0);
  });

  test("is never a link or a folder", async () => {
    writeFileSync(
      join(root, "secret"),
      JSON.stringify({ type: "immediate", text: "secret", channelId: "terminal/main" }),
    );
    symlinkSync(join(root, "secret"), join(events, "link.json"));
    mkdirSync(join(events, "folder.json"));
    once("good.json", clock.now());
    await start();
    await until(() => files().length === 4);
    expect(files()).toEqual([
      "folder.json.invalid",
      "folder.json.invalid.txt",
      "link.json.invalid",
      "link.json.invalid.txt",
    ]);
    expect(texts()).toEqual(["tea"]);
  });
});

describe("after a time away", () => {
  test.each([
    ["latest", 23 * hour, 1, []],
    ["latest", 25 * hour, 0, ["past.json.missed", "past.json.missed.txt"]],
    ["skip", hour, 0, ["past.json.missed", "past.json.missed.txt"]],
    ["all", 1000 * hour, 1, []],
  ])("an event for once, %s, %d ms late", async (catchUp, late, runs, left) => {
    once("past.json", clock.now() - late, { catchUp });
    await start();
    expect(received).toHaveLength(runs);
    expect(files()).toEqual(left);
    if (runs === 0) expect(text("past.json.missed.txt")).toContain(iso(clock.now() - late));
  });

  test.each([
    ["skip", 0],
    ["latest", 1],
    ["all", 3],
  ])("a recurring one, %s, runs %d times", async (catchUp, runs) => {
    put("tick.json", { type: "periodic", schedule: "0 * * * *", catchUp });
    const first = await start();
    await first.close();
    clock.jump(clock.now() + 3 * hour + 30 * minute);
    await start();
    expect(received).toHaveLength(runs);
    expect(new Set(received.map((inbound) => inbound.id)).size).toBe(runs);
  });

  test("a file that was deleted meanwhile stays cancelled", async () => {
    once("gone.json", clock.now() + minute);
    await (await start()).close();
    rmSync(join(events, "gone.json"));
    clock.jump(clock.now() + hour);
    await start();
    expect(received).toEqual([]);
    expect(openSchedules(db).all()).toEqual([]);
  });
});

describe("a run", () => {
  test("that the gateway could not take is handed over again under the same id", async () => {
    const ids = () => new Set(received.map((inbound) => inbound.id));
    answer = () => {
      throw new Error("the disk is full");
    };
    once("hard.json", clock.now());
    await start();
    await until(() => received.length === 3, { step: limits.eventWakeMs / 2 });
    expect(files()).toEqual(["hard.json"]);
    answer = () => ({ state: "waiting", input: 1, session: 1, place: 1 });
    await until(() => files().length === 0, { step: limits.eventWakeMs / 2 });
    expect(ids().size).toBe(1);
  });

  test("that is refused for a day is set aside with the reason", async () => {
    answer = () => ({ state: "refused", reason: "The queue is full" });
    once("hard.json", clock.now());
    await start();
    await until(() => files().length === 2, { step: hour });
    expect(files()).toEqual(["hard.json.missed", "hard.json.missed.txt"]);
    expect(text("hard.json.missed.txt")).toContain("The queue is full");
  });

  test("of a recurring event that is refused makes room for the next", async () => {
    answer = () => ({ state: "refused", reason: "The queue is full" });
    put("tick.json", { type: "periodic", schedule: "0 * * * *" });
    await start();
    const first = clock.now() + hour;
    await until(() => received.some((inbound) => inbound.sentAt === first + hour), { step: minute });
    answer = () => ({ state: "waiting", input: 1, session: 1, place: 1 });
    await until(() => openSchedules(db).all()[0]?.claimedAt === null, { step: minute });
    expect(files()).toEqual(["tick.json"]);
  });

  test("that was claimed when the program died is handed over at the next start", async () => {
    const due = clock.now() + minute;
    once("crash.json", due);
    await (await start()).close();
    const store = openSchedules(db);
    const row = store.all()[0];
    expect(store.claim({ file: "crash.json", hash: row?.hash ?? "", due, nextAt: null })).toBe(true);
    expect(store.claim({ file: "crash.json", hash: row?.hash ?? "", due, nextAt: null })).toBe(false);
    answer = () => ({ state: "duplicate", input: 1 });
    await start();
    expect(received.map((inbound) => inbound.id)).toEqual([`event:crash.json:${due}`]);
    expect(files()).toEqual([]);
    expect(store.all()).toEqual([]);
  });

  test("whose file is changed while it is handed over leaves the new file alone", async () => {
    const later = clock.now() + 5 * hour;
    answer = () => {
      once("swap.json", later, { text: "new" });
      return { state: "waiting", input: 1, session: 1, place: 1 };
    };
    once("swap.json", clock.now());
    await start();
    await until(() => openSchedules(db).all()[0]?.nextAt === later);
    expect(texts()).toEqual(["tea"]);
  });
});

test("the same alarm written twice, the second time while the first is handed over, comes in twice", async () => {
  const alarm = (at: number) => {
    put("alarm.json", { type: "immediate" });
    utimesSync(join(events, "alarm.json"), at / 1000, at / 1000);
  };
  alarm(clock.now() - 5_000);
  answer = () => {
    if (received.length === 1) alarm(clock.now() - 1_000);
    return { state: "waiting", input: 1, session: 1, place: 1 };
  };
  await start();
  await until(() => received.length === 2 && files().length === 0);
  expect(new Set(received.map((inbound) => inbound.id)).size).toBe(2);
});

test("a clock that was wrong for a while delays nothing and repeats nothing but the id", async () => {
  const right = clock.now();
  clock.jump(right + 1000 * 24 * hour);
  put("tick.json", { type: "periodic", schedule: "0 * * * *" });
  await start();
  clock.jump(right);
  await until(() => received.length === 1, { step: minute });
  expect(received[0]?.sentAt).toBe(right + hour);
});

test("a broken event keeps no other waiting, and what fails is tried again", async () => {
  writeFileSync(join(events, "a.json"), "{");
  writeFileSync(join(events, "a.json.invalid"), "");
  rmSync(join(events, "a.json.invalid"));
  mkdirSync(join(events, "a.json.invalid"));
  writeFileSync(join(events, "a.json.invalid/full"), "");
  once("b.json", clock.now());
  await start();
  await until(() => !existsSync(join(events, "b.json")));
  expect(texts()).toEqual(["tea"]);
  await Bun.sleep(20);
  rmSync(join(events, "a.json.invalid"), { recursive: true });
  await until(() => existsSync(join(events, "a.json.invalid.txt")));
});

describe("the desk of a conversation", () => {
  const here = { adapter: "terminal", conversation: { id: "main", kind: "direct" as const } };
  const there = { adapter: "terminal", conversation: { id: "other", kind: "direct" as const } };
  const ann = { id: "u1", name: "Ann" };

  test("adds, lists and cancels its own events alone", async () => {
    const scheduler = await start();
    const desk = scheduler.of(here, ann);
    const at = clock.now() + 2 * hour;
    const added = await desk.add({ type: "one-shot", text: "tea", at: iso(at) });
    expect(added.next).toBe(
      iso(at)
        .replace("T", " ")
        .replace(/\.000Z/, "+00:00"),
    );
    await scheduler
      .of(there, ann)
      .add({ type: "periodic", text: "weekly", schedule: "0 9 * * 1", timezone: "Asia/Tokyo" });
    expect(await desk.list()).toEqual([{ file: added.file, text: "tea", next: added.next }]);
    expect(await scheduler.of(there, ann).cancel(added.file)).toBe(false);
    expect(await desk.cancel("../../etc/passwd")).toBe(false);
    expect(await desk.cancel(added.file)).toBe(true);
    expect(await desk.list()).toEqual([]);
    expect(files()).toHaveLength(1);
  });

  test("has reminders come back to its own session, with the rights of whoever asked", async () => {
    const scheduler = await start();
    await scheduler
      .of({ ...here, thread: "7" }, ann)
      .add({ type: "one-shot", text: "tea", at: iso(clock.now() + 10_000) });
    await until(() => received.length === 1);
    expect(received[0]).toMatchObject({ ...here, thread: "7", sender: { id: "u1" }, text: "tea" });
    expect(received[0]).not.toHaveProperty("fresh");
  });

  test("writes nothing that could not be read", async () => {
    const scheduler = await start();
    const error = await failing(
      scheduler.of(here, ann).add({ type: "periodic", text: "x", schedule: "nonsense", timezone: "UTC" }),
    );
    expect(error.message).toContain("no cron line of five fields");
    expect(files()).toEqual([]);
  });
});
