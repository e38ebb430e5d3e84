// The contract suite's Discord: the fake platform over sockets, a direct channel and a channel of a server.
import { type Channel, createDiscord, type Json, type MessageView, startDiscordServer } from "../discord/fake/index.ts";
import type { Member, Platform, Seen, Where, Who, Words } from "./platform.ts";
import { eventually } from "./program.ts";

export const discord: Member = {
  name: "discord",
  can: {
    rooms: true,
    threads: true,
    replies: true,
    edits: true,
    removals: true,
    reactions: true,
    buttons: true,
    commands: true,
    files: true,
    outages: true,
    markup: false,
  },
  roomSession: "each",
  thread: "same",
  textMax: 2_000,
  editEveryMs: 1_000,
  open,
};

interface Component {
  type?: number;
  label?: string;
  custom_id?: string;
  options?: { label: string; value: string }[];
  components?: Component[];
}

/** Buttons, and the entries of select menus. */
function choices(components: readonly Json[]): { label: string; id: string; value?: string }[] {
  return ([...components] as Component[]).flatMap(({ label, custom_id: id = "", options, components: inner }) => {
    if (inner !== undefined) return choices(inner as Json[]);
    if (options !== undefined) return options.map((option) => ({ label: option.label, id, value: option.value }));
    return label === undefined ? [] : [{ label, id }];
  });
}

/** As Discord shows it: a backslash before a mark is gone. */
function read(text: string): string {
  return text.replace(/\\([^\p{L}\p{N}\s])/gu, "$1");
}

async function open(): Promise<Platform> {
  const fake = createDiscord({ gateway: { identifyEveryMs: 0 } });
  const { bot } = fake;
  const other = fake.newBot({ name: "other" });
  const people = { owner: fake.user("ann"), guest: fake.user("eve") };
  const guild = fake.guild("server", { people: [people.owner, people.guest], bots: [bot, other] });
  const room = fake.channel(guild, "room");
  let server = await startDiscordServer(fake);
  const { port, api } = server;
  const threads = (): Channel[] => [...fake.world.channels.values()].filter(({ parent }) => parent === room);
  const placeOf = ({ by = "owner", in: where = "direct", thread }: Words): Channel => {
    if (where === "direct") return people[by].directChannel();
    if (thread === undefined) return room;
    return threads().find(({ id }) => id === thread) ?? people[by].startThread({ id: thread }, "thread");
  };
  const view = (one: MessageView, thread?: string): Seen => ({
    id: one.id,
    text: [
      read(one.text),
      ...one.embeds.map((embed) => (typeof embed.description === "string" ? embed.description : "")),
    ].join("\n"),
    buttons: choices(one.components).map(({ label }) => label),
    files: one.files.map(({ name, bytes }) => ({ name, bytes })),
    ...(thread === undefined ? {} : { thread }),
    mine: one.by === bot.name,
    edits: one.forms.length - 1,
  });
  return {
    settings: { type: "discord", botToken: bot.token, apiUrl: api },
    ownerId: people.owner.id,
    async say(text, words = {}) {
      const { replyTo, mention, file } = words;
      return people[words.by ?? "owner"].say(placeOf(words), text, {
        ...(replyTo === undefined ? {} : { replyTo: { id: replyTo } }),
        ...(mention === true ? { mention: bot } : {}),
        ...(file === undefined ? {} : { files: [file] }),
      }).id;
    },
    async edit(id, text, words = {}) {
      people[words.by ?? "owner"].edit({ id }, words.mention === true ? `<@${bot.id}> ${text}` : text);
    },
    async remove(id, words = {}) {
      people[words.by ?? "owner"].delete({ id });
    },
    async react(id, words = {}) {
      people[words.by ?? "owner"].react({ id }, "👍");
    },
    async press(id, label, words = {}) {
      const by = people[words.by ?? "owner"];
      const found = choices(fake.message({ id })?.components ?? []).find((one) => one.label === label);
      if (found === undefined) throw new Error(`There is no button ${label}`);
      if (found.value === undefined) by.press({ id }, found.id);
      else by.select({ id }, found.id, [found.value]);
    },
    async command(name, args, words = {}) {
      await eventually(
        () => fake.commands().some((command) => command.name === name),
        () => `the command ${name} is registered: ${JSON.stringify(fake.commands().map((command) => command.name))}`,
      );
      people[words.by ?? "owner"].slash(placeOf(words), name, args === "" ? {} : { args });
    },
    async botSays(text) {
      const answer = await fetch(`${api}/v10/channels/${room.id}/messages`, {
        method: "POST",
        headers: { authorization: `Bot ${other.token}`, "content-type": "application/json" },
        body: JSON.stringify({ content: `<@${bot.id}> ${text}` }),
      });
      if (!answer.ok) throw new Error(await answer.text());
    },
    seen(where: Where, by: Who = "owner") {
      const place = placeOf({ by, in: where });
      const all = [...fake.messages(place), ...fake.ephemeral(place, people[by])].map((one) => view(one));
      const below = where === "room" ? threads() : [];
      const inThreads = below.flatMap((thread) => fake.messages(thread).map((one) => view(one, thread.id)));
      return [...all, ...inThreads].sort((a, b) => (BigInt(a.id) < BigInt(b.id) ? -1 : 1));
    },
    repeat: () =>
      void fake.faults.add({ on: "dispatch", fault: { kind: "duplicate" }, event: "MESSAGE_CREATE", times: 1 }),
    async cut() {
      fake.gateway.sever();
    },
    async reachable(yes) {
      if (yes) server = await startDiscordServer(fake, { port });
      else await server.close();
    },
    connections: () => server.sockets(),
    close: () => server.close(),
  };
}
