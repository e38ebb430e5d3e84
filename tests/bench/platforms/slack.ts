// Slack for the benchmark: the strict fake of the adapter's tests on loopback, without its rates.
import { createSlack, type Person, startSlackServer } from "../../adapters/slack/fake/index.ts";
import { createWatchers, holding, type LiveStage, peopleCount } from "./stage.ts";

/** Each connection is pinged so often: as many in a replayed day as in a real one, about. */
const pingMs = 50;

/** Opens a workspace with its people, and a channel that the bot is in. */
export async function openSlack(): Promise<LiveStage> {
  const fake = createSlack({ app: { commands: ["/pi-new"] } });
  const { app, sockets } = fake;
  const people = Array.from({ length: peopleCount }, (_, index) => fake.user(`person${index}`));
  const others = Array.from({ length: 2 }, (_, index) => fake.user(`other${index}`));
  const room = fake.newChannel("room", { members: [...others, app] });
  const server = await startSlackServer(fake, { pingMs });
  const { shown, saw } = createWatchers();
  const last = new Map<number, string>();
  let calls = 0;
  let said = 0;
  const by = (person: number): Person => people[person % people.length] ?? fake.user("nobody");
  // A rule that never fits: it only looks at the requests, at the moment when they have come whole.
  fake.faults.add({
    fault: { kind: "drop" },
    when({ method, params }) {
      if (!["envelope", "ack", "socket"].includes(method)) calls += 1;
      if (method === "response_url") saw(method, "");
      else if (/^chat\.(?:postMessage|update)$/.test(method)) saw(String(params.channel), String(params.text));
      return false;
    },
  });
  const disconnect = (end: boolean) => sockets.disconnect(app, { reason: "refresh_requested", end });
  return {
    name: "Slack",
    settings: () => ({
      type: "slack",
      botToken: app.botToken,
      appToken: app.appToken,
      apiUrl: server.apiUrl,
      admins: people.map(({ id }) => id),
    }),
    write(person, text) {
      const at = performance.now();
      last.set(person, by(person).say(by(person).dm(), text));
      return at;
    },
    shown: (person, isIt) => shown(by(person).dm().id, isIt),
    async renew(person) {
      const answered = shown("response_url", () => true);
      by(person).slash(by(person).dm(), "/pi-new");
      await answered;
    },
    edit(person, text) {
      const ts = last.get(person);
      if (ts !== undefined) by(person).edit(by(person).dm(), ts, text);
    },
    react(person, hour) {
      const ts = last.get(person);
      if (ts !== undefined) by(person).react(by(person).dm(), ts, hour % 2 === 0 ? "thumbsup" : "tada");
    },
    stranger(index) {
      const stranger = fake.user(`stranger${index}`);
      stranger.say(stranger.dm(), "Hello, who are you?");
    },
    chatter(text) {
      said += 1;
      others[said % others.length]?.say(room, text);
    },
    // The server pings by itself.
    beat() {},
    async call() {
      const headers = { authorization: `Bearer ${app.botToken}` };
      return await (await fetch(`${server.apiUrl}auth.test`, { method: "POST", headers })).json();
    },
    breaks: [
      { name: "refresh", run: () => disconnect(false) },
      { name: "refresh, closed at once", run: () => disconnect(true) },
      { name: "lost", run: () => sockets.cut(app) },
      { name: "closed", run: () => sockets.cut(app, { code: 1001, reason: "going away" }) },
    ],
    reconnected() {
      const before = new Set(sockets.links(app));
      return () => holding(() => sockets.links(app).some((link) => !before.has(link)), "Slack has no new connection");
    },
    counts: () => ({
      events: sockets.envelopes.length,
      calls,
      connections: fake.calls.filter(({ method }) => method === "socket").length,
    }),
    async close() {
      await server.close();
      fake.close();
    },
  };
}
