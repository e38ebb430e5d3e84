// The contract suite's Telegram: the fake Bot API over sockets, a private chat and a group.
import { createPlatform } from "../telegram/fake/platform.ts";
import { startServer } from "../telegram/fake/server.ts";
import type { Chat } from "../telegram/fake/world.ts";
import type { Member, Platform, Seen, Where, Who, Words } from "./platform.ts";

export const telegram: Member = {
  name: "telegram",
  can: {
    rooms: true,
    threads: false,
    replies: true,
    edits: true,
    removals: false,
    reactions: true,
    buttons: true,
    commands: true,
    files: true,
    outages: true,
    markup: true,
  },
  roomSession: "each",
  textMax: 4_096,
  editEveryMs: 1_000,
  open,
};

async function open(): Promise<Platform> {
  const fake = createPlatform();
  const bot = fake.newBot({ username: "agent_bot", name: "Agent", canReadAll: true });
  const other = fake.newBot({ username: "other_bot", name: "Other", canReadAll: true });
  const people = { owner: fake.newPerson({ firstName: "Ann" }), guest: fake.newPerson({ firstName: "Eve" }) };
  const room = fake.newGroup({ title: "Room", members: [people.owner, people.guest, bot, other], admins: [bot] });
  let server = await startServer(fake);
  const { port, url } = server;
  const chatOf = ({ by = "owner", in: where = "direct" }: Words): Chat =>
    where === "room" ? room : fake.privateChat(bot, people[by]);
  const place = ({ replyTo }: Words) => (replyTo === undefined ? {} : { replyTo: Number(replyTo) });
  return {
    settings: { type: "telegram", botToken: bot.token, apiRoot: url },
    ownerId: String(people.owner.id),
    async say(text, words = {}) {
      const person = people[words.by ?? "owner"];
      const said = words.mention === true ? `@${bot.username} ${text}` : text;
      const { file } = words;
      const id =
        file === undefined
          ? person.say(chatOf(words), said, place(words))
          : person.sendDocument(chatOf(words), file.bytes, { ...place(words), caption: said, name: file.name });
      return String(id);
    },
    async edit(id, text, words = {}) {
      const said = words.mention === true ? `@${bot.username} ${text}` : text;
      people[words.by ?? "owner"].edit(chatOf(words), Number(id), said);
    },
    async remove(id, words = {}) {
      people[words.by ?? "owner"].remove(chatOf(words), Number(id));
    },
    async react(id, words = {}) {
      people[words.by ?? "owner"].react(chatOf(words), Number(id), ["👍"]);
    },
    async press(id, label, words = {}) {
      people[words.by ?? "owner"].press(chatOf(words), Number(id), label);
    },
    async command(name, args, words = {}) {
      const to = words.in === "room" ? `@${bot.username}` : "";
      people[words.by ?? "owner"].say(chatOf(words), `/${name}${to} ${args}`.trim());
    },
    async botSays(text) {
      fake.call(other.token, "sendMessage", { chat_id: room.id, text: `@${bot.username} ${text}` });
    },
    seen: (where: Where, by: Who = "owner"): Seen[] =>
      fake.messages(chatOf({ by, in: where })).map((view) => ({
        id: String(view.id),
        text: view.text,
        buttons: view.buttons.flat().map((button) => button.text),
        files: view.file === undefined ? [] : [{ name: view.file.name ?? "", bytes: view.file.bytes }],
        mine: view.from === bot.id,
        edits: view.edits,
      })),
    repeat: () => void fake.faults.add({ fault: { kind: "repeat", count: 1 }, methods: ["getUpdates"], times: 1 }),
    async cut() {
      await server.close();
      server = await startServer(fake, { port });
    },
    async reachable(yes) {
      if (yes) server = await startServer(fake, { port });
      else await server.close();
    },
    connections: () => server.sockets(),
    close: () => server.close(),
  };
}
