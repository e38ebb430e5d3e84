// The contract suite's Slack: the fake platform over sockets, a direct conversation and a channel.
import { createSlack, type Ephemeral, type Message, startSlackServer } from "../slack/fake/index.ts";
import type { Member, Platform, Seen, Where, Who, Words } from "./platform.ts";

export const slack: Member = {
  name: "slack",
  can: {
    rooms: true,
    threads: true,
    replies: false,
    edits: true,
    removals: true,
    reactions: true,
    buttons: true,
    commands: true,
    files: true,
    outages: true,
    markup: true,
  },
  roomSession: "one",
  thread: "fork",
  textMax: 12_000,
  editEveryMs: 1_000,
  open,
};

interface Block {
  type?: string;
  text?: string | { text?: string };
  elements?: Block[];
  fields?: Block[];
  action_id?: string;
  rows?: Block[][];
}

/** The words of blocks as a person reads them. */
function words(block: Block): string {
  const { type, text, elements = [], fields = [], rows = [] } = block;
  if (type === "actions") return "";
  const own = typeof text === "string" ? text : (text?.text ?? "");
  // The platform renders what stands in such a block.
  const shown = type === "markdown" ? own.replaceAll("**", "").replaceAll("\\", "") : decoded(own);
  const inner = [...elements, ...fields].map(words).join(" ");
  const table = rows.map((row) => row.map(words).join(" | ")).join("\n");
  return [shown, inner, table].filter((part) => part !== "").join("\n");
}

function decoded(text: string): string {
  return text
    .replace(/<(?:https?:[^|>]*)\|([^>]*)>/g, "$1")
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&amp;", "&");
}

function buttonsOf(blocks: Block[]): { label: string; action: string }[] {
  return blocks
    .filter(({ type }) => type === "actions")
    .flatMap(({ elements = [] }) => elements)
    .map((one) => ({ label: typeof one.text === "object" ? (one.text.text ?? "") : "", action: one.action_id ?? "" }));
}

async function open(): Promise<Platform> {
  const fake = createSlack({ app: { commands: ["/pi-help", "/pi-status", "/pi-new", "/pi-stop"] } });
  const { app } = fake;
  const other = fake.newApp({ name: "other" });
  const people = { owner: fake.user("ann"), guest: fake.user("eve") };
  const room = fake.newChannel("room", { members: [people.owner, people.guest, app, other] });
  let server = await startSlackServer(fake);
  const { port, apiUrl } = server;
  const placeOf = ({ by = "owner", in: where = "direct" }: Words) => (where === "room" ? room : people[by].dm());
  const said = (text: string, { mention }: Words) => (mention === true ? `<@${app.user.id}> ${text}` : text);
  const fileOf = (id: string) => fake.world.files.get(id);
  const view = (one: Message | Ephemeral): Seen => {
    const blocks = (one.blocks ?? []) as Block[];
    const files = "files" in one ? one.files : [];
    const thread = one.threadTs !== undefined && one.threadTs !== one.ts ? { thread: one.threadTs } : {};
    return {
      id: one.ts,
      text: blocks.length === 0 ? decoded(one.text) : blocks.map(words).join("\n"),
      buttons: buttonsOf(blocks).map(({ label }) => label),
      files: files.map((id) => ({ name: fileOf(id)?.name ?? "", bytes: fileOf(id)?.bytes ?? new Uint8Array() })),
      ...thread,
      mine: "app" in one || one.botId === app.botId,
      edits: "forms" in one ? one.forms.length - 1 : 0,
    };
  };
  return {
    settings: { type: "slack", botToken: app.botToken, appToken: app.appToken, apiUrl },
    ownerId: people.owner.id,
    async say(text, options = {}) {
      const { file, thread } = options;
      return people[options.by ?? "owner"].say(placeOf(options), said(text, options), {
        ...(thread === undefined ? {} : { thread }),
        ...(file === undefined ? {} : { files: [file] }),
      });
    },
    async edit(id, text, options = {}) {
      people[options.by ?? "owner"].edit(placeOf(options), id, said(text, options));
    },
    async remove(id, options = {}) {
      people[options.by ?? "owner"].delete(placeOf(options), id);
    },
    async react(id, options = {}) {
      people[options.by ?? "owner"].react(placeOf(options), id, "thumbsup");
    },
    async press(id, label, options = {}) {
      const place = placeOf(options);
      const by = people[options.by ?? "owner"];
      const all = [...fake.messages(place), ...fake.ephemerals(place, by)];
      const blocks = (all.find(({ ts }) => ts === id)?.blocks ?? []) as Block[];
      const button = buttonsOf(blocks).find((one) => one.label === label);
      if (button === undefined) throw new Error(`There is no button ${label}`);
      by.press({ channel: place, ts: id }, button.action);
    },
    async command(name, args, options = {}) {
      people[options.by ?? "owner"].slash(placeOf(options), `/pi-${name}`, args);
    },
    async botSays(text) {
      fake.call("chat.postMessage", {
        token: other.botToken,
        params: { channel: room.id, text: `<@${app.user.id}> ${text}` },
      });
    },
    seen(where: Where, by: Who = "owner") {
      const place = placeOf({ by, in: where });
      const all = [...fake.messages(place).filter(({ deleted }) => !deleted), ...fake.ephemerals(place, people[by])];
      return all.map(view).sort((a, b) => Number(a.id) - Number(b.id));
    },
    repeat: () => void fake.faults.add({ fault: { kind: "duplicate" }, methods: ["envelope"], times: 1 }),
    async cut() {
      fake.sockets.cut(app);
    },
    async reachable(yes) {
      if (yes) server = await startSlackServer(fake, { port });
      else await server.close();
    },
    connections: () => server.sockets(),
    async close() {
      await server.close();
      fake.close();
    },
  };
}
