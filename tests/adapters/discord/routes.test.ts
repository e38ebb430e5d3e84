// What the client library remembers of routes: it goes when they are not called any more.

import { heapStats } from "bun:jsc";
import { expect, test } from "bun:test";
import { createClient } from "../../../src/adapters/discord/client.ts";
import { systemClock } from "../../../src/sys/clock.ts";

const answer = async () => new Response("{}", { headers: { "content-type": "application/json" } });

test("routes of interactions are forgotten", async () => {
  const client = createClient(
    { botToken: "invented", apiUrl: "http://127.0.0.1:1/api" },
    { name: "d", secret: () => "invented", fetch: answer as unknown as typeof fetch, clock: systemClock, routeMs: 20 },
  );
  const arrays = () => {
    Bun.gc(true);
    return heapStats().objectTypeCounts.Array ?? 0;
  };
  /** Each interaction's answer has a token of its own in its route; no more than 50 calls go out in a second. */
  const call = async (from: number, count: number) => {
    for (let id = from; id < from + count; id += 1)
      await client.call({ method: "PATCH", route: `/webhooks/1/token${id}/messages/@original`, auth: false, body: {} });
  };
  try {
    await call(0, 3);
    const before = arrays();
    await call(100, 45);
    let left = Number.POSITIVE_INFINITY;
    for (let look = 0; look < 100 && left > 15; look += 1) {
      await systemClock.sleep(20);
      left = arrays() - before;
    }
    expect(left).toBeLessThan(15);
  } finally {
    client.close();
  }
});
