// What every harness keeps, whatever runs behind it. A member's test gives the ways to bring it about.
import { describe, expect, test } from "bun:test";
import type { TurnEvent } from "../../src/core/event.ts";
import type { Harness, Turn } from "../../src/harness/harness.ts";
import { FakeStore, runToEnd } from "./fakes.ts";

/** One harness behind which something is scripted. */
export interface Setup {
  harness: Harness;
  turn?: Partial<Turn>;
}

/** What a member must be able to bring about for the suite. */
export interface HarnessCase {
  name: string;
  /** Answers the one input with "Hello." in any way. */
  answering(): Promise<Setup>;
  /** Fails at the first request with a classified failure. */
  failing(): Promise<Setup>;
  /** Begins to answer and then never ends; calls `onHang` when it does. */
  hanging(onHang: () => void): Promise<Setup>;
  /** Runs one call with the given effect and then answers; none for a harness that runs its own tools. */
  calling?(effect: () => void): Promise<Setup>;
}

/** Runs the family's suite on one member. */
export function harnessContract(member: HarnessCase): void {
  describe(`harness contract: ${member.name}`, () => {
    test("has its name", async () => {
      const { harness } = await member.answering();
      expect(harness.name).toBe(member.name);
    });

    test("starts, takes the input once, answers, and ends once and last", async () => {
      const { harness, turn } = await member.answering();
      const store = said("Hi");
      const events = await runToEnd(harness, store, { turn });
      expect(events[0]).toMatchObject({ type: "started", resumed: false });
      expect(events.filter((event) => event.type === "taken").flatMap((event) => event.inputs)).toEqual([1]);
      const text = events.flatMap((event) => (event.type === "message" ? [event.text] : [])).join("");
      expect(text).toContain("Hello.");
      endsOnce(events, "done");
      expect(store.waiting).toEqual([]);
    });

    test("says when it is resumed that it goes on", async () => {
      const { harness, turn } = await member.answering();
      const events = await runToEnd(harness, said("Hi"), { turn: { ...turn, resumed: true } });
      expect(events[0]).toMatchObject({ type: "started", resumed: true });
      endsOnce(events, "done");
    });

    test("takes its input also when it fails, and ends with one classified failure", async () => {
      const { harness, turn } = await member.failing();
      const store = said("Hi");
      const events = await runToEnd(harness, store, { turn });
      endsOnce(events, "failed");
      const last = events.at(-1);
      expect(last?.type === "ended" && last.error?.code).toMatch(/^provider\./);
      expect(store.waiting).toEqual([]);
    });

    test("ends as stopped when it is stopped while it answers", async () => {
      const stop = new AbortController();
      const { harness, turn } = await member.hanging(() => stop.abort());
      endsOnce(await runToEnd(harness, said("Hi"), { turn: { ...turn, signal: stop.signal } }), "stopped");
    });

    test("starts nothing when it was stopped before", async () => {
      const { harness, turn } = await member.answering();
      const store = said("Hi");
      const events = await runToEnd(harness, store, { turn: { ...turn, signal: AbortSignal.abort() } });
      endsOnce(events, "stopped");
      expect(store.waiting.length).toBe(1);
    });

    const { calling } = member;
    if (calling !== undefined)
      test("stores a call before it starts and ends it once", async () => {
        const store = said("Hi");
        let startsStored = -1;
        const setup = await calling(() => {
          startsStored = store.events.filter((event) => event.type === "tool" && event.step === "start").length;
        });
        const events = await runToEnd(setup.harness, store, { turn: setup.turn });
        expect(startsStored).toBe(1);
        expect(events.filter((event) => event.type === "tool" && event.step === "end").length).toBe(1);
        endsOnce(events, "done");
      });

    test("does not go on when the consumer leaves", async () => {
      const { harness, turn } = await member.answering();
      const store = said("Hi");
      let seen = 0;
      for await (const _ of harness.run(store.turn(turn))) {
        seen += 1;
        break;
      }
      expect(seen).toBe(1);
      expect(store.waiting.length).toBe(1);
    });
  });
}

function said(text: string): FakeStore {
  const store = new FakeStore();
  store.say(text);
  return store;
}

function endsOnce(events: TurnEvent[], outcome: "done" | "stopped" | "failed"): void {
  expect(events.filter((event) => event.type === "ended").length).toBe(1);
  expect(events.at(-1)).toMatchObject({ type: "ended", outcome });
}
