// A Bot API for the benchmark: loopback HTTP in the measuring process, with the long poll and the offsets of the real
// one (https://core.telegram.org/bots/api#getupdates) and next to nothing else. What happens is noted on this process'
// clock.

/** A call that a bot made. `at` is of `performance.now()`: the whole request had arrived. */
export interface Call {
  method: string;
  at: number;
  chat: number;
  text: string;
}

/** How a poll that is open breaks. */
export type Break = "reset" | "half" | "bad gateway" | "too many";

/** One bot, as Telegram sees it. */
export interface Bot {
  token: string;
  id: number;
  /** Puts an update into its queue. @returns when it is handed out to a poll, for the first time. */
  push(update: object): Promise<number>;
  /** Puts many into its queue in one moment. */
  pushAll(updates: readonly object[]): void;
  /** Resolves as soon as a poll is open and waits. */
  polled(): Promise<void>;
  /** Breaks the poll that is open, or will be. */
  break(how: Break): Promise<void>;
  /** The open poll is answered without updates, as after its time. */
  expire(): void;
  /** Called for each call but polls. */
  onCall: ((call: Call) => void) | undefined;
  /** When the next call comes whose text is one that `isIt` knows. */
  shown(chat: number, isIt: (text: string) => boolean): Promise<number>;
  counts: { polls: number; calls: number; confirmed: number };
}

export interface BotApi {
  url: string;
  /** The bot with this id, which is made when it is asked for. */
  bot(id: number): Bot;
  close(): Promise<void>;
}

const updatesPerPollMax = 100;
const methodsThatSend = /^send[A-Z]|^edit[A-Z]/;

interface Poll {
  answer(response: Response): void;
  /** Its connection is closed without an answer. */
  drop(): void;
}

/** Listens on a free port of loopback. */
export function openBotApi(): BotApi {
  const bots = new Map<string, ReturnType<typeof createBot>>();
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 0,
    async fetch(request) {
      // http://127.0.0.1:port/bot<token>/<method>
      const [, , , path = "", method = ""] = request.url.split("/");
      const body = await request.text();
      const at = performance.now();
      const bot = bots.get(path.slice("bot".length));
      if (bot === undefined) return refusal(401, "Unauthorized");
      const fields = (body === "" ? {} : JSON.parse(body)) as Fields;
      if (method === "getUpdates")
        return await bot.poll(fields, { signal: request.signal, drop: () => server.timeout(request, 1) });
      return bot.take({ method, fields, at });
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    bot(id) {
      const token = `${id}:the-token-of-a-bot-in-the-benchmark`;
      const known = bots.get(token) ?? createBot({ id, token });
      bots.set(token, known);
      return known.bot;
    },
    close: () => server.stop(true),
  };
}

/** What a call may hold, as far as it matters here. */
interface Fields {
  offset?: number;
  timeout?: number;
  limit?: number;
  chat_id?: number;
  message_id?: number;
  text?: string;
}

interface Queued {
  update: object & { update_id: number };
  handed: ((at: number) => void) | undefined;
}

function createBot({ id, token }: { id: number; token: string }) {
  /** Updates that are not confirmed yet, with whoever waits for their going out. */
  let queue: Queued[] = [];
  let updates = 0;
  let messages = 1_000_000;
  let poll: Poll | undefined;
  const waiting: (() => void)[] = [];
  const watchers = new Set<{ chat: number; isIt(text: string): boolean; resolve(at: number): void }>();

  const handOut = (limit = updatesPerPollMax): Response => {
    const batch = queue.slice(0, Math.min(limit, updatesPerPollMax));
    const at = performance.now();
    for (const entry of batch) {
      entry.handed?.(at);
      entry.handed = undefined;
    }
    return result(batch.map(({ update }) => update));
  };
  const add = (update: object, handed: ((at: number) => void) | undefined) => {
    updates += 1;
    queue.push({ update: { update_id: updates, ...update }, handed });
  };
  const answer = (response: Response) => {
    poll?.answer(response);
    poll = undefined;
  };

  const bot: Bot = {
    token,
    id,
    push(update) {
      const { promise, resolve } = Promise.withResolvers<number>();
      add(update, resolve);
      if (poll !== undefined) answer(handOut());
      return promise;
    },
    pushAll(all) {
      for (const update of all) add(update, undefined);
      if (poll !== undefined) answer(handOut());
    },
    async polled() {
      if (poll === undefined) await new Promise<void>((resolve) => waiting.push(resolve));
    },
    async break(how) {
      await bot.polled();
      if (how !== "reset") return answer(breakage(how));
      poll?.drop();
      poll = undefined;
    },
    expire: () => answer(result([])),
    onCall: undefined,
    shown: (chat, isIt) => new Promise((resolve) => watchers.add({ chat, isIt, resolve })),
    counts: { polls: 0, calls: 0, confirmed: 0 },
  };

  return {
    bot,
    /** A poll: confirms what came before its offset, and waits while there is nothing. */
    async poll(
      { offset = 0, timeout = 0, limit }: Fields,
      { signal, drop }: { signal: AbortSignal; drop(): void },
    ): Promise<Response> {
      bot.counts.polls += 1;
      const left = queue.filter(({ update }) => update.update_id >= offset);
      bot.counts.confirmed += queue.length - left.length;
      queue = left;
      answer(refusal(409, "Conflict: terminated by other getUpdates request"));
      if (queue.length > 0) return handOut(limit);
      if (timeout <= 0) return result([]);
      const { promise, resolve } = Promise.withResolvers<Response>();
      const mine: Poll = { answer: resolve, drop };
      poll = mine;
      const end = () => {
        if (poll === mine) poll = undefined;
        resolve(result([]));
      };
      const timer = setTimeout(end, timeout * 1_000);
      signal.addEventListener("abort", end);
      for (const goOn of waiting.splice(0)) goOn();
      const response = await promise;
      clearTimeout(timer);
      return response;
    },
    /** Any other call: noted, and answered with what its caller looks at. */
    take({ method, fields, at }: { method: string; fields: Fields; at: number }): Response {
      const { chat_id: chat = 0, text = "" } = fields;
      bot.counts.calls += 1;
      bot.onCall?.({ method, at, chat, text });
      if (!methodsThatSend.test(method)) return result(method === "getMe" ? selfOf(id) : isPlain(method));
      for (const watcher of watchers) {
        if (watcher.chat !== chat || !watcher.isIt(text)) continue;
        watchers.delete(watcher);
        watcher.resolve(at);
      }
      messages += 1;
      const date = Math.floor(Date.now() / 1_000);
      return result({ message_id: fields.message_id ?? messages, date, chat: { id: chat, type: "private" }, text });
    },
  };
}

function isPlain(method: string): unknown {
  return method === "getWebhookInfo" ? { url: "", has_custom_certificate: false, pending_update_count: 0 } : true;
}

function selfOf(id: number) {
  return { id, is_bot: true, first_name: "Bench", username: `bench_${id}_bot`, can_join_groups: true };
}

const json = { headers: { "content-type": "application/json" } };

function result(value: unknown): Response {
  return new Response(JSON.stringify({ ok: true, result: value }), json);
}

function refusal(code: number, description: string, parameters?: object): Response {
  const body = { ok: false, error_code: code, description, ...(parameters === undefined ? {} : { parameters }) };
  return new Response(JSON.stringify(body), { status: code, ...json });
}

function breakage(how: Exclude<Break, "reset">): Response {
  switch (how) {
    case "bad gateway":
      return new Response("<html><h1>502 Bad Gateway</h1></html>", { status: 502 });
    case "too many":
      return refusal(429, "Too Many Requests: retry after 1", { retry_after: 1 });
    case "half":
      return new Response('{"ok":true,"resu', json);
  }
}
