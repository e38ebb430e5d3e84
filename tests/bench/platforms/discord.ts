// Discord for the benchmark: the strict fake of the adapter's tests on loopback, without its rates.
import { systemClock } from "../../../src/sys/clock.ts";
import { createDiscord, type Json, type Person, startDiscordServer } from "../../adapters/discord/fake/index.ts";
import { createWatchers, holding, type LiveStage, peopleCount } from "./stage.ts";

/** What hello asks for. Beats of a whole day are asked for one by one: this interval is for what happens between. */
const heartbeatIntervalMs = 5_000;
/** A replayed day brings so many frames in a minute that the gateway's limit of them has to count in its time. */
const fasterTimes = 200;

/** Opens a server with its people, and a channel that the bot can read. */
export async function openDiscord(): Promise<LiveStage> {
  const fake = createDiscord({
    rates: false,
    wireClock: { ...systemClock, monotonic: () => performance.now() * fasterTimes },
    gateway: { heartbeatIntervalMs, identifyEveryMs: 0, identifiesADay: 100_000 },
  });
  const { bot, gateway } = fake;
  const people = Array.from({ length: peopleCount }, (_, index) => fake.user(`person${index}`));
  const others = Array.from({ length: 2 }, (_, index) => fake.user(`other${index}`));
  const guild = fake.guild("server", { people: [...people, ...others] });
  const room = fake.channel(guild, "room");
  const server = await startDiscordServer(fake);
  const { shown, saw } = createWatchers();
  const last = new Map<number, { id: string }>();
  let [calls, events, said] = [0, 0, 0];
  const by = (person: number): Person => people[person % people.length] ?? fake.user("nobody");
  // Rules that never fit: they only look at the requests, at the moment when they have come whole, and at the events.
  fake.faults.add({
    on: "request",
    fault: { kind: "reset" },
    when({ path, body }) {
      calls += 1;
      const channel = /\/channels\/(\d+)\/messages/.exec(path)?.[1];
      if (channel !== undefined) saw(channel, textOf(body));
      return false;
    },
  });
  fake.faults.add({
    on: "dispatch",
    fault: { kind: "lose" },
    when() {
      events += 1;
      return false;
    },
  });
  const beginnings = () => gateway.journal.filter(({ what }) => what === "identify" || what === "resume").length;
  return {
    name: "Discord",
    settings: () => ({ type: "discord", botToken: bot.token, apiUrl: server.api, admins: people.map(({ id }) => id) }),
    write(person, text) {
      const at = performance.now();
      last.set(person, by(person).direct(text));
      return at;
    },
    shown: (person, isIt) => shown(by(person).directChannel().id, isIt),
    async renew(person) {
      await holding(() => fake.commands().some(({ name }) => name === "new"), "The command /new is not registered");
      const asked = by(person).slash(by(person).directChannel(), "new");
      await holding(() => asked.state() === "answered", "The command was not answered");
    },
    edit(person, text) {
      const message = last.get(person);
      if (message !== undefined) by(person).edit(message, text);
    },
    react(person, hour) {
      const message = last.get(person);
      if (message !== undefined) by(person).react(message, hour % 2 === 0 ? "👍" : "🎉");
    },
    stranger: (index) => void fake.user(`stranger${index}`).direct("Hello, who are you?"),
    chatter(text) {
      said += 1;
      const other = others[said % others.length];
      other?.typing(room);
      other?.say(room, text);
    },
    beat: () => gateway.askHeartbeat(),
    async call() {
      const headers = { authorization: `Bot ${bot.token}` };
      return await (await fetch(`${server.api}/v10/gateway/bot`, { headers })).json();
    },
    breaks: [
      { name: "asked", run: () => gateway.reconnect() },
      { name: "lost", run: () => gateway.sever() },
      { name: "session resumable", run: () => gateway.invalidate(true) },
      { name: "session over", run: () => gateway.invalidate(false) },
      { name: "closed", run: () => gateway.close(4_000) },
    ],
    reconnected() {
      const before = beginnings();
      const isThere = () => beginnings() > before && gateway.sessions().some(({ connected }) => connected);
      return () => holding(isThere, "Discord has no new session");
    },
    counts: () => ({ events, calls, connections: beginnings() }),
    close: () => server.close(),
  };
}

function textOf({ content }: Json): string {
  return typeof content === "string" ? content : "";
}
