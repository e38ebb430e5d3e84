// The way in: a long poll that hands over what it brings, confirms it with the next poll, and never gives up.
import * as v from "valibot";
import type { AdapterDeps } from "../../../src/adapters/adapter.ts";
import { errorText } from "../../../src/core/failure.ts";
import type { AdapterHealth } from "../../../src/gateway/handle.ts";
import type { Client } from "./client.ts";
import { answerSchema, readEvent } from "./inbound.ts";

const pauseMsMax = 30_000;

/** Opens the line; it connects by itself. */
export function openLine({ name, receive, memory, clock, log }: AdapterDeps, client: Client) {
  const over = new AbortController();
  const health: AdapterHealth = { state: "connecting", since: clock.now(), heardAt: null };
  const become = (state: AdapterHealth["state"], problem?: string) => {
    if (health.state !== state) health.since = clock.now();
    Object.assign(health, { state, problem });
  };

  const poll = async (): Promise<void> => {
    const after = memory.get("after") ?? "0";
    const raw = await client({ method: "GET", path: `/events?after=${after}`, signal: over.signal });
    health.heardAt = clock.now();
    become("connected");
    for (const one of v.parse(answerSchema, raw).events) {
      let n: number;
      try {
        const event = readEvent(one, name);
        // When this throws, the event is not confirmed, and comes again.
        if (event.inbound !== undefined) await receive(event.inbound);
        ({ n } = event);
      } catch (error) {
        if (!(error instanceof v.ValiError)) throw error;
        log.warn("An event cannot be read", { error: errorText(error) });
        continue;
      }
      memory.set("after", String(n));
    }
  };

  const keepPolling = async (): Promise<void> => {
    for (let failures = 0; !over.signal.aborted; ) {
      try {
        await poll();
        failures = 0;
      } catch (error) {
        if (over.signal.aborted) return;
        become("down", errorText(error));
        log.info("The line is down", { error: errorText(error) });
        await clock.sleep(Math.min(500 * 2 ** Math.min(failures, 10), pauseMsMax), over.signal);
        failures += 1;
      }
    }
  };
  const ended = keepPolling();

  return {
    health: (): AdapterHealth => ({ ...health }),
    async close(): Promise<void> {
      over.abort();
      await ended;
    },
  };
}
