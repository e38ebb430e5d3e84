// The contract suite on the example of docs/recipes/adapter.md: its small platform, on loopback.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { linesSchema } from "../../../docs/examples/lines/config.ts";
import { openLines } from "../../../docs/examples/lines/index.ts";
import type { Member, Platform, Seen, Where, Who, Words } from "./platform.ts";

export const lines: Member = {
  name: "lines, the example",
  can: {
    rooms: true,
    threads: false,
    replies: false,
    edits: false,
    removals: false,
    reactions: false,
    buttons: true,
    commands: false,
    files: false,
    outages: true,
    markup: false,
  },
  roomSession: "one",
  textMax: 4_000,
  editEveryMs: 1_000,
  example: { schema: linesSchema, open: openLines },
  open,
};

interface Button {
  label: string;
  data: string;
}

interface Said {
  id: string;
  room: string;
  by: string;
  text: string;
  buttons: Button[];
  edits: number;
}

/** How long a poll is held open without an event. */
const pollMs = 300;
const token = "an-invented-token-of-lines";

async function open(): Promise<Platform> {
  const said: Said[] = [];
  const events: object[] = [];
  let repeats = false;
  let wake = () => {};
  let ids = 0;
  let open = 0;
  const roomOf = ({ by = "owner", in: where = "direct" }: Words) => (where === "room" ? "room" : `direct-${by}`);
  const tell = (words: Words, { kind, text, bot = false }: { kind: string; text: string; bot?: boolean }): string => {
    const id = String(++ids);
    const by = { id: bot ? "b1" : (words.by ?? "owner"), name: words.by ?? "owner", bot };
    const where = { room: roomOf(words), direct: words.in !== "room", toUs: words.mention === true };
    events.push({ n: events.length + 1, id, at: Date.now(), ...where, by, kind, text });
    if (kind === "said") said.push({ id, room: where.room, by: by.id, text, buttons: [], edits: 0 });
    wake();
    return id;
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const send = (status: number, body?: unknown) =>
      response
        .writeHead(status, { "content-type": "application/json" })
        .end(body === undefined ? "" : JSON.stringify(body));
    if (request.headers.authorization !== `Bearer ${token}`) return void send(401);
    const url = new URL(request.url ?? "/", "http://127.0.0.1");
    const [, first = "", key = "", last = ""] = url.pathname.split("/").map(decodeURIComponent);
    if (first === "events") {
      const after = Number(url.searchParams.get("after"));
      if (events.length <= after)
        await new Promise<void>((resolve) => {
          wake = resolve;
          setTimeout(resolve, pollMs);
        });
      const from = repeats ? Math.max(0, after - 1) : after;
      repeats = false;
      return void send(200, { events: events.slice(from) });
    }
    const body = await read(request);
    if (first === "rooms" && last === "messages") {
      const one = { id: String(++ids), room: key, by: "us", text: body.text, buttons: body.buttons, edits: 0 };
      if (one.text.length > 4_000) return void send(400);
      said.push(one);
      return void send(200, { id: one.id });
    }
    const one = said.find(({ id }) => id === key);
    if (one === undefined) return void send(404);
    if (request.method === "DELETE") said.splice(said.indexOf(one), 1);
    else Object.assign(one, { text: body.text, buttons: body.buttons, edits: one.edits + 1 });
    send(200);
  };
  const listen = async (port: number) => {
    const server = createServer((request, response) => {
      // A program that goes away takes its connection along.
      answer(request, response).catch(() => response.destroy());
    });
    server.on("connection", (socket) => {
      open += 1;
      socket.on("close", () => (open -= 1));
    });
    await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
    return server;
  };
  let server = await listen(0);
  const { port } = server.address() as AddressInfo;
  const shut = async () => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  };
  return {
    settings: { type: "lines", url: `http://127.0.0.1:${port}`, token },
    ownerId: "owner",
    say: async (text, words = {}) => tell(words, { kind: "said", text }),
    async press(id, label, words = {}) {
      const button = said.find((one) => one.id === id)?.buttons.find((one) => one.label === label);
      if (button === undefined) throw new Error(`There is no button ${label}`);
      tell(words, { kind: "pressed", text: button.data });
    },
    async botSays(text) {
      tell({ in: "room", mention: true }, { kind: "said", text, bot: true });
    },
    edit: refuse,
    remove: refuse,
    react: refuse,
    command: refuse,
    seen: (where: Where, by: Who = "owner"): Seen[] =>
      said
        .filter(({ room }) => room === roomOf({ by, in: where }))
        .map(({ id, text, buttons, by: author, edits }) => ({
          id,
          text,
          buttons: buttons.map(({ label }) => label),
          files: [],
          mine: author === "us",
          edits,
        })),
    repeat() {
      repeats = true;
    },
    async cut() {
      await shut();
      server = await listen(port);
    },
    async reachable(yes) {
      if (yes) server = await listen(port);
      else await shut();
    },
    connections: () => open,
    close: shut,
  };
}

async function read(request: IncomingMessage): Promise<{ text: string; buttons: Button[] }> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of request) chunks.push(chunk as Uint8Array);
  const text = Buffer.concat(chunks).toString("utf8");
  return text === "" ? { text: "", buttons: [] } : (JSON.parse(text) as { text: string; buttons: Button[] });
}

async function refuse(): Promise<never> {
  throw new Error("This platform has no such thing");
}
