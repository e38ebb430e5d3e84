// The fake Discord on loopback: REST, attachments and the gateway's websocket, all on one port.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { readRequest } from "./body.ts";
import type { Discord } from "./discord.ts";
import type { Outcome } from "./rest.ts";
import { signature } from "./views.ts";
import { accept } from "./websocket.ts";

export interface DiscordServer {
  /** For `api` of the REST client: `http://127.0.0.1:1234/api`. */
  readonly api: string;
  /** Without a path. */
  readonly url: string;
  readonly port: number;
  /** Sockets that are open now. */
  sockets(): number;
  /** Ends every connection and waits until the port is free. Sessions stay, as they do behind a lost connection. */
  close(): Promise<void>;
}

/** Listens on 127.0.0.1 and tells the platform its addresses; `port` 0 takes a free one. */
export async function startDiscordServer(discord: Discord, { port = 0 } = {}): Promise<DiscordServer> {
  const timers = new Set<ReturnType<typeof setTimeout>>();
  const later = (ms: number, run: () => void) => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      run();
    }, ms);
    timers.add(timer);
  };
  const server = createServer((request, response) => {
    answer(discord, { request, response, later }).catch((error: unknown) => {
      // A client that went away in the middle of its request; nobody is left to be answered.
      response.destroy(error instanceof Error ? error : undefined);
    });
  });
  server.on("upgrade", (request, socket, head) => {
    const url = new URL(request.url ?? "/", "http://127.0.0.1");
    const refused = discord.faults.refusalOfConnect();
    if (refused !== undefined || !url.pathname.startsWith("/gateway")) {
      socket.end(`HTTP/1.1 ${refused ?? 404} Refused\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
      return;
    }
    accept({ request, socket, head }, (wire) => discord.gateway.connect(wire, url.searchParams));
  });
  const open = new Set<{ destroy: () => void }>();
  server.on("connection", (socket) => {
    open.add(socket);
    socket.on("close", () => open.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const address = server.address();
  const taken = typeof address === "object" && address !== null ? address.port : port;
  const host = `127.0.0.1:${taken}`;
  discord.world.gatewayUrl = `ws://${host}/gateway`;
  discord.world.cdnUrl = `http://${host}`;
  return {
    api: `http://${host}/api`,
    url: `http://${host}`,
    port: taken,
    sockets: () => open.size,
    async close() {
      for (const timer of timers) clearTimeout(timer);
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      discord.gateway.stop();
      server.closeAllConnections();
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}

interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  later: (ms: number, run: () => void) => void;
}

async function answer(discord: Discord, { request, response, later }: Exchange): Promise<void> {
  const read = await readRequest(request);
  const outcome = read.path.startsWith("/attachments/") ? download(discord, read) : discord.rest.exchange(read);
  if (outcome.delayMs === 0) perform(response, outcome);
  else later(outcome.delayMs, () => perform(response, outcome));
}

/** A file by its signed address; anyone who has the address may fetch it, until it ends. */
function download(discord: Discord, { path, query }: { path: string; query: URLSearchParams }): Outcome {
  const { world } = discord;
  const [, , , id = ""] = path.split("/");
  const until = query.get("ex") ?? "";
  const signed = query.get("hm") === signature(path.slice(1), until);
  const fresh = Number.parseInt(until, 16) * 1000 > world.clock.now();
  const file = world.files.get(id);
  return discord.rest.download(path, () => {
    if (file === undefined || !signed || !fresh)
      return { status: 404, headers: { "content-type": "text/plain" }, body: "This content is no longer available." };
    const type = file.type ?? "application/octet-stream";
    return { status: 200, headers: { "content-type": type }, body: file.bytes };
  });
}

function perform(response: ServerResponse, outcome: Outcome): void {
  switch (outcome.kind) {
    case "answer": {
      const length: Record<string, number> =
        outcome.status === 204 ? {} : { "content-length": Buffer.byteLength(outcome.body) };
      response.writeHead(outcome.status, { ...outcome.headers, ...length }).end(outcome.body);
      break;
    }
    case "cut":
      response.writeHead(outcome.status, { ...outcome.headers, "content-length": outcome.whole });
      response.write(outcome.body, () => response.destroy());
      break;
    case "closed":
      response.destroy();
      break;
    case "silent":
      break;
  }
}
