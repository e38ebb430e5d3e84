// A file that stalls: given up in time, whatever the adapter does with the signal.
import { expect, test } from "bun:test";
import { Failure } from "../../src/core/failure.ts";
import type { FileRef, Inbound } from "../../src/core/message.ts";
import { createFetching } from "../../src/gateway/intake/fetching.ts";
import { openStore } from "../../src/store/db.ts";
import { createStore } from "../../src/store/store.ts";
import { direct, memoryLog, until } from "./fixture.ts";

/** A clock that jumps: every wait is over at once, and the time has passed. */
function jumpingClock() {
  let at = 0;
  return {
    now: () => at,
    monotonic: () => at,
    random: (count: number) => new Uint8Array(count),
    async sleep(ms: number, signal?: AbortSignal) {
      // What is already there wins against a wait.
      await new Promise((resolve) => setTimeout(resolve, 5));
      if (signal?.aborted !== true) at += ms;
    },
    passed: () => at,
  };
}

test("two files that hang keep nobody longer than one may, and both are told", async () => {
  const store = createStore(openStore(":memory:"));
  const clock = jumpingClock();
  const told: string[] = [];
  let fetched = 0;
  const signals: AbortSignal[] = [];
  const fetching = createFetching({
    store,
    clock,
    log: memoryLog(),
    fetchFile(_adapter: string, _file: FileRef, { signal }) {
      signals.push(signal);
      return new Promise(() => undefined);
    },
    room: async () => undefined,
    keepFile: () => Promise.reject(new Error("Nothing is kept here")),
    onFetched: () => {
      fetched += 1;
    },
    tell: (_inbound: Inbound, text: string) => void told.push(text),
  });
  const files = [
    { name: "a.png", ref: "a" },
    { name: "b.png", ref: "b" },
  ];
  const { id: session } = store.sessions.create({ agent: "main", at: 1 });
  const { input } = store.inputs.add(direct("look", { files }), { state: "waiting", session, at: 1 });
  fetching.begin(input);
  fetching.begin(input);
  await until(() => fetched === 1);
  expect(told).toEqual([
    'Cannot take the file "a.png": it did not arrive in time.',
    'Cannot take the file "b.png": it did not arrive in time.',
  ]);
  expect(clock.passed()).toBe(300_000);
  expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
  store.close();
});

/** A disk without room, for the first `times` tries. */
function fullDisk(times: number) {
  let left = times;
  return async (_inbound: Inbound, { name, bytes }: { name: string; bytes: Uint8Array }): Promise<FileRef> => {
    left -= 1;
    if (left >= 0) throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
    return { name, bytes: bytes.byteLength, ref: "kept", stored: `attachments/${name}` };
  };
}

test.each([
  ["has room a minute later: the file is kept, and fetched once", 6, [], "attachments/a.png"],
  [
    "has no room for long: that is said",
    1_000,
    ['Cannot take the file "a.png": it could not be written to the disk.'],
    undefined,
  ],
] as const)("a disk that %s", async (_name, times, sentences, stored) => {
  const store = createStore(openStore(":memory:"));
  const clock = jumpingClock();
  const told: string[] = [];
  let [fetched, calls] = [0, 0];
  const fetching = createFetching({
    store,
    clock,
    log: memoryLog(),
    async fetchFile() {
      calls += 1;
      return new Uint8Array(3);
    },
    room: async () => undefined,
    keepFile: fullDisk(times),
    onFetched: () => {
      fetched += 1;
    },
    tell: (_inbound: Inbound, text: string) => void told.push(text),
  });
  const { id: session } = store.sessions.create({ agent: "main", at: 1 });
  const inbound = direct("look", { files: [{ name: "a.png", ref: "a" }] });
  const { input } = store.inputs.add(inbound, { state: "waiting", session, at: 1 });
  fetching.begin(input);
  await until(() => fetched === 1);
  expect([told, calls]).toEqual([[...sentences], 1]);
  const kept = store.inputs.get(input.id)?.inbound;
  expect(kept?.kind === "message" && kept.files?.[0]?.stored).toBe(stored as string);
  expect(clock.passed()).toBeLessThanOrEqual(300_000);
  store.close();
});

test.each([
  ['Cannot take the file "a: b.png" (30 MB): it is larger than 20 MB', "it is larger than 20 MB"],
  ['Cannot fetch the file "say \\"hi\\": now": Telegram has it no more.', "Telegram has it no more"],
  ["Nobody knows why", "Nobody knows why"],
])("a refusal is said once: %s", async (refusal, reason) => {
  const store = createStore(openStore(":memory:"));
  const told: string[] = [];
  let fetched = 0;
  const fetching = createFetching({
    store,
    clock: jumpingClock(),
    log: memoryLog(),
    fetchFile: () => Promise.reject(new Failure("usage", refusal)),
    room: async () => undefined,
    keepFile: () => Promise.reject(new Error("Nothing is kept here")),
    onFetched: () => {
      fetched += 1;
    },
    tell: (_inbound: Inbound, text: string) => void told.push(text),
  });
  const { id: session } = store.sessions.create({ agent: "main", at: 1 });
  const inbound = direct("look", { files: [{ name: "a.png", ref: "a" }] });
  fetching.begin(store.inputs.add(inbound, { state: "waiting", session, at: 1 }).input);
  await until(() => fetched === 1);
  expect(told).toEqual([`Cannot take the file "a.png": ${reason}.`]);
  store.close();
});

test.each([
  ["is told in advance, and it is not fetched", { bytes: 50 }, 0, [50]],
  ["is found when it is there, and it is not kept", {}, 1, [0, 50]],
] as const)("a file without room whose size %s", async (_name, size, fetches, asked) => {
  const store = createStore(openStore(":memory:"));
  const told: string[] = [];
  const sizes: number[] = [];
  let [fetched, calls] = [0, 0];
  const fetching = createFetching({
    store,
    clock: jumpingClock(),
    log: memoryLog(),
    async room(_inbound: Inbound, bytes: number) {
      sizes.push(bytes);
      return bytes > 40 ? "there is room for 40 B" : undefined;
    },
    async fetchFile() {
      calls += 1;
      return new Uint8Array(50);
    },
    keepFile: () => Promise.reject(new Error("Nothing is kept here")),
    onFetched: () => {
      fetched += 1;
    },
    tell: (_inbound: Inbound, text: string) => void told.push(text),
  });
  const { id: session } = store.sessions.create({ agent: "main", at: 1 });
  const inbound = direct("look", { files: [{ name: "a.png", ref: "a", ...size }] });
  fetching.begin(store.inputs.add(inbound, { state: "waiting", session, at: 1 }).input);
  await until(() => fetched === 1);
  expect(told).toEqual(['Cannot take the file "a.png": there is room for 40 B.']);
  expect([calls, sizes]).toEqual([fetches, [...asked]]);
  store.close();
});
