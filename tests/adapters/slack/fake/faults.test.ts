// Faults of the fake Slack happen where they were planned, are counted, and go away.
import { describe, expect, test } from "bun:test";
import type { Fault } from "./faults.ts";
import { openSocket, type Stand, said, stand, until } from "./stand.ts";
import type { Json } from "./world.ts";

/** One request over HTTP: the status and the body, or "broken". */
async function post({ slack, server, team }: Stand, options: { signal?: AbortSignal } = {}): Promise<string> {
  try {
    const response = await fetch(`${server.apiUrl}chat.postMessage`, {
      method: "POST",
      headers: { authorization: `Bearer ${slack.app.botToken}` },
      body: new URLSearchParams({ channel: team.id, text: "a" }),
      ...options,
    });
    const body = await response.text();
    return `${response.status} ${body.startsWith("{") ? said(JSON.parse(body) as Json) : "page"}`;
  } catch {
    return "broken";
  }
}

describe("of requests", () => {
  const cases: [Fault, string, number][] = [
    [{ kind: "drop" }, "broken", 0],
    [{ kind: "lose" }, "broken", 1],
    [{ kind: "cut" }, "broken", 1],
    [{ kind: "limit", retryAfterS: 3 }, "429 ratelimited", 0],
    [{ kind: "error", error: "internal_error" }, "200 internal_error", 0],
    [{ kind: "status", status: 503 }, "503 page", 0],
    [{ kind: "status", status: 500, acts: true }, "500 page", 1],
    [{ kind: "html" }, "200 page", 0],
    [{ kind: "delay", ms: 20 }, "200 ok", 1],
  ];
  for (const [fault, outcome, sent] of cases) {
    test(`${JSON.stringify(fault)} gives "${outcome}"`, async () => {
      await using place = await stand();
      const { slack, team } = place;
      slack.faults.add({ fault, methods: ["chat.postMessage"], skip: 1, times: 1 });
      expect(await post(place)).toBe("200 ok");
      expect(await post(place)).toBe(outcome);
      expect(slack.messages(team)).toHaveLength(1 + sent);
      expect(await post(place)).toBe("200 ok");
      expect(slack.faults.counts()).toEqual({ [fault.kind]: 1 });
      expect(slack.calls.filter(({ method }) => method === "chat.postMessage")).toHaveLength(3);
    });
  }

  test("a request that hangs ends when the client gives up, and a rule can be taken away", async () => {
    await using place = await stand();
    const { slack, team } = place;
    const end = slack.faults.add({ fault: { kind: "hang", acts: true }, methods: ["chat.postMessage"] });
    expect(await post(place, { signal: AbortSignal.timeout(50) })).toBe("broken");
    expect(slack.messages(team)).toHaveLength(1);
    end();
    expect(await post(place)).toBe("200 ok");
  });

  test("uploads, downloads and response addresses have names of their own", async () => {
    await using place = await stand();
    const { slack, ann, server } = place;
    ann.say(ann.dm(), "", { files: [{ name: "a.bin", bytes: new Uint8Array(100) }] });
    const [file] = [...slack.world.files.values()];
    const url = `${server.url}/files-pri/${slack.world.team.id}-${file?.id}/download/a.bin`;
    const headers = { authorization: `Bearer ${slack.app.botToken}` };
    slack.faults.add({ fault: { kind: "cut" }, methods: ["download"], times: 1 });
    const get = async () => (await (await fetch(url, { headers })).arrayBuffer()).byteLength;
    expect(await get().catch(() => "broken")).toBe("broken");
    expect(await get()).toBe(100);
  });
});

describe("of sockets", () => {
  test("an envelope is lost, doubled, moved or late", async () => {
    await using place = await stand();
    const { slack, ann, team, clock } = place;
    const one = await openSocket(place);
    await one.ready();
    const heard = () => one.events().map(({ text }) => text);
    const plan = (fault: Fault) => slack.faults.add({ fault, methods: ["envelope"], times: 1 });
    plan({ kind: "swallow" });
    ann.say(team, "lost");
    plan({ kind: "duplicate" });
    ann.say(team, "twice");
    plan({ kind: "reorder" });
    ann.say(team, "second");
    ann.say(team, "first");
    await until(() => heard().length === 4);
    expect(heard()).toEqual(["twice", "twice", "first", "second"]);
    plan({ kind: "delay", ms: 500 });
    ann.say(team, "late");
    clock.advance(3000);
    await until(() => heard().includes("late") && heard().includes("lost"));
  });

  test("an acknowledgement is lost, so that the event comes again", async () => {
    await using place = await stand();
    const { slack, ann, team, clock } = place;
    const one = await openSocket(place);
    await one.ready();
    slack.faults.add({ fault: { kind: "swallow" }, methods: ["ack"], times: 1 });
    ann.say(team, "a");
    await until(() => slack.faults.counts().swallow === 1);
    clock.advance(3000);
    await until(() => one.envelopes().length === 2);
    expect(one.envelopes()[1]?.retry_attempt).toBe(1);
    await until(() => slack.sockets.envelopes[0]?.ackedAt !== undefined);
  });

  test("a connection closes with a code, breaks, or falls silent in place of an envelope", async () => {
    await using place = await stand();
    const { slack, ann, team } = place;
    const end = async (fault: Fault) => {
      const one = await openSocket(place);
      await one.ready();
      slack.faults.add({ fault, methods: ["envelope"], times: 1 });
      ann.say(team, fault.kind);
      return one;
    };
    const closed = await end({ kind: "close", code: 4000, reason: "now" });
    await until(() => closed.state.closed === 4000);
    const broken = await end({ kind: "drop" });
    await until(() => broken.state.closed !== undefined);
    const silent = await end({ kind: "mute" });
    silent.ack({ envelope_id: slack.sockets.envelopes.at(-1)?.id });
    const loud = await openSocket(place);
    await loud.ready();
    for (const text of ["one", "two"]) ann.say(team, text);
    await until(() => loud.events().length === 1);
    expect(silent.events()).toEqual([]);
    expect(silent.state.closed).toBeUndefined();
    expect(slack.sockets.envelopes.filter(({ ackedAt }) => ackedAt === undefined)).toHaveLength(4);
  });

  test("a connection is refused, dropped, or never greeted while it opens", async () => {
    await using place = await stand();
    const { slack } = place;
    const open = async (fault: Fault) => {
      slack.faults.add({ fault, methods: ["socket"], times: 1 });
      return await openSocket(place);
    };
    for (const fault of [{ kind: "drop" }, { kind: "status", status: 503 }] as const) {
      const one = await open(fault);
      await until(() => one.state.closed !== undefined);
      expect(one.frames).toEqual([]);
    }
    const [silent, unheard] = [await open({ kind: "mute" }), await open({ kind: "hang" })];
    await until(() => silent.socket.readyState === WebSocket.OPEN);
    await until(() => slack.calls.filter(({ method }) => method === "socket").length === 4);
    expect([silent.frames, unheard.frames]).toEqual([[], []]);
    expect(unheard.socket.readyState).toBe(WebSocket.CONNECTING);
  });
});
