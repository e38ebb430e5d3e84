// Deliveries over a real store, a platform in memory and a clock that is moved by hand.
import { setImmediate } from "node:timers";
import type { Outgoing } from "../../src/core/message.ts";
import type { ReplyTarget } from "../../src/core/session.ts";
import { createDeliveries, type DeliverOptions } from "../../src/gateway/delivery/deliveries.ts";
import { type AdapterTraits, PlatformError } from "../../src/gateway/handle.ts";
import { openStore } from "../../src/store/db.ts";
import type { Delivery } from "../../src/store/deliveries.ts";
import { createStore } from "../../src/store/store.ts";
import { createRedactor } from "../../src/vault/redact.ts";
import { createManualClock } from "../schedule/manual-clock.ts";
import { createFakeAdapter, createPlatform, type Fault } from "./fake-adapter.ts";
import { memoryLog } from "./fixture.ts";

export const later = (change: { retryAfterMs?: number; everywhere?: boolean } = {}) => ({
  before: new PlatformError("Try again later", { fate: "later", ...change }),
});
export const refused = { before: new PlatformError("Forbidden: bot was blocked by the user", { fate: "refused" }) };

/** Faults for the first calls, in their order. */
export const first = (...faults: (Fault | undefined)[]) => {
  const left = [...faults];
  return () => left.shift();
};

export const place = (id = "7", kind: "direct" | "shared" = "direct"): ReplyTarget => ({
  adapter: "tg",
  conversation: { id, kind },
});

/** Everything that is ready to happen at this moment has happened. */
export async function settled(): Promise<void> {
  for (let round = 0; round < 100; round += 1) await new Promise<void>((resolve) => void setImmediate(resolve));
}

export type World = ReturnType<typeof createWorld>;

export function createWorld({
  traits = {},
  attached = true,
}: {
  traits?: Partial<AdapterTraits>;
  attached?: boolean;
} = {}) {
  const store = createStore(openStore(":memory:"));
  const clock = createManualClock(1_700_000_000_000);
  const platform = createPlatform();
  const log = memoryLog();
  const secrets: string[] = [];
  const files = new Map<string, Uint8Array>([["attachments/a.pdf", new TextEncoder().encode("pdf")]]);
  const open = () =>
    createDeliveries({
      store,
      clock,
      log,
      redactor: createRedactor(() => secrets),
      async loadFile(stored) {
        const found = files.get(stored);
        if (found === undefined) throw new Error("No such file");
        return found;
      },
    });
  const adapter = createFakeAdapter(platform, { traits });
  const whole = {
    store,
    clock,
    platform,
    log,
    secrets,
    files,
    adapter,
    outbox: open(),
    /** The program is killed and starts again: calls under way never come back to it. */
    async restart(): Promise<void> {
      whole.outbox.detach("tg");
      whole.outbox = open();
      whole.outbox.attach(adapter);
      await settled();
    },
    async say(
      markdown: string,
      change: Partial<DeliverOptions> & Partial<Outgoing> & { to?: ReplyTarget } = {},
    ): Promise<number> {
      const { to = place(), choices, files: attached, onlyFor, kind = "reply", ...options } = change;
      const outgoing = {
        markdown,
        ...(choices === undefined ? {} : { choices }),
        ...(attached === undefined ? {} : { files: attached }),
        ...(onlyFor === undefined ? {} : { onlyFor }),
      };
      const id = whole.outbox.deliver(to, outgoing, { kind, ...options });
      await settled();
      return id;
    },
    async pass(ms: number): Promise<void> {
      clock.advance(ms);
      await settled();
    },
    /** Time goes on in small steps. */
    async wait(ms: number, step = 5_000): Promise<void> {
      for (let gone = 0; gone < ms; gone += step) {
        clock.advance(Math.min(step, ms - gone));
        await settled();
      }
    },
    row: (id: number): Delivery => {
      const found = store.deliveries.get(id);
      if (found === undefined) throw new Error(`No delivery ${id}`);
      return found;
    },
    all: (): Delivery[] => store.deliveries.list({ limit: 10_000 }).reverse(),
    /** The store does not take anything until the returned function is called. */
    breakStore(): () => void {
      const broken = () => {
        throw new Error("disk full");
      };
      const names = ["placed", "sent", "later", "settle", "sending", "renew", "doubt", "absent"] as const;
      const kept = Object.fromEntries(names.map((name) => [name, store.deliveries[name]]));
      for (const name of names) Object.assign(store.deliveries, { [name]: broken });
      return () => void Object.assign(store.deliveries, kept);
    },
  };
  if (attached) whole.outbox.attach(adapter);
  return whole;
}

export const pdf = { stored: "attachments/a.pdf", name: "a.pdf", bytes: 3 };
