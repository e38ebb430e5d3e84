// A fake Discord on loopback with a person, a guild and a channel; raw REST calls and raw sockets to look at it.
import { setTimeout as wait } from "node:timers/promises";
import { createManualClock, type ManualClock } from "../../../schedule/manual-clock.ts";
import { createDiscord, type DiscordOptions, type Json, startDiscordServer } from "./index.ts";
import { intents } from "./intents.ts";

export interface Answer {
  status: number;
  headers: Headers;
  body: Json;
  text: string;
}

export interface Raw {
  frames: Json[];
  /** The dispatches among them. */
  events(name?: string): Json[];
  send(frame: Json | string): void;
  close(code?: number): void;
  /** The code with which the connection ended. */
  code(): Promise<number>;
  /** Waits for the n-th frame that fits. */
  until(fits: (frame: Json) => boolean, count?: number): Promise<Json>;
  identify(given?: Json): Promise<Json>;
}

/** Waits for real until it holds, five seconds at most. */
export async function until(holds: () => boolean, what = "what was waited for"): Promise<void> {
  for (let round = 0; round < 2500; round += 1) {
    if (holds()) return;
    await wait(2);
  }
  throw new Error(`It did not come: ${what}`);
}

/** All that a bot can ask for. */
export const allIntents = Object.values(intents).reduce((sum, bit) => sum | bit, 0);

/** One socket without a library. `address` is that of the gateway. */
export function openRaw(address: string, token: string): Raw {
  const socket = new WebSocket(address);
  const frames: Json[] = [];
  const ended = Promise.withResolvers<number>();
  const opened = Promise.withResolvers<void>();
  socket.addEventListener("open", () => opened.resolve());
  socket.addEventListener("message", ({ data }) => void frames.push(JSON.parse(String(data)) as Json));
  socket.addEventListener("close", ({ code }) => ended.resolve(code));
  const raw: Raw = {
    frames,
    events: (name) => frames.filter(({ op, t }) => op === 0 && (name === undefined || t === name)),
    send: (frame) =>
      void opened.promise.then(() => socket.send(typeof frame === "string" ? frame : JSON.stringify(frame))),
    close: (code = 1000) => socket.close(code),
    code: () => ended.promise,
    async until(fits, count = 1) {
      await until(() => frames.filter(fits).length >= count, "a frame");
      return frames.filter(fits)[count - 1] as Json;
    },
    async identify(given = {}) {
      raw.send({ op: 2, d: { token, intents: allIntents, properties: {}, ...given } });
      return raw.until(({ t }) => t === "READY");
    },
  };
  return raw;
}

/** Everything that a rule is tried on. The clock stands unless the test moves it. */
export async function createStage(options: DiscordOptions = {}) {
  const clock: ManualClock = createManualClock(1_800_000_000_000);
  const discord = createDiscord({ clock, ...options, gateway: { identifyEveryMs: 0, ...options.gateway } });
  const server = await startDiscordServer(discord);
  const ann = discord.user("ann");
  const guild = discord.guild("Team", { people: [discord.user("owner"), ann] });
  const channel = discord.channel(guild, "general");
  const call = async (method: string, path: string, body?: unknown): Promise<Answer> => {
    const json = body !== undefined && !(body instanceof FormData);
    const response = await fetch(`${server.api}/v10${path}`, {
      method,
      headers: {
        authorization: `Bot ${discord.bot.token}`,
        ...(json ? { "content-type": "application/json" } : {}),
      },
      body: json ? JSON.stringify(body) : body,
    });
    const text = await response.text();
    const isJson = response.headers.get("content-type")?.startsWith("application/json") ?? false;
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : {}, text };
  };
  const post = (body: Json, where: { id: string } = channel) => call("POST", `/channels/${where.id}/messages`, body);
  const raws: Raw[] = [];
  const socket = (query = "?v=10&encoding=json", token = discord.bot.token) => {
    const raw = openRaw(`${discord.world.gatewayUrl}${query}`, token);
    raws.push(raw);
    return raw;
  };
  return {
    clock,
    discord,
    server,
    ann,
    guild,
    channel,
    call,
    post,
    socket,
    async [Symbol.asyncDispose]() {
      for (const raw of raws) raw.close();
      await server.close();
    },
  };
}

/** Status and code, `400 50035`, with the first place and code of a form error. */
export function said({ status, body }: Answer): string {
  const place = (errors: unknown, path: string): string => {
    if (typeof errors !== "object" || errors === null) return "";
    const own = (errors as { _errors?: { code: string }[] })._errors?.[0]?.code;
    if (own !== undefined) return ` ${path}${own}`;
    const [key = "", inner] = Object.entries(errors)[0] ?? [];
    return place(inner, `${path}${key} `);
  };
  return status < 300 ? String(status) : `${status} ${String(body.code)}${place(body.errors, "")}`;
}
