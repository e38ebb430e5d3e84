// `download`: a conversation's past on stdout, oldest first, from its platform or else from the store.
import { isatty } from "node:tty";
import type { HistoryLine } from "../adapters/history.ts";
import { readHistory } from "../adapters/index.ts";
import type { Config } from "../config/load.ts";
import { Failure } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import { systemClock } from "../sys/clock.ts";
import type { Log } from "../sys/log.ts";
import { exit } from "./exit.ts";
import type { Io } from "./io.ts";
import { askAdmin } from "./offline.ts";
import { loadLaunchConfig } from "./places.ts";
import { localTime } from "./table.ts";
import { clean, cleanLine } from "./terminal/text.ts";
import { silent } from "./try-model.ts";
import { verb } from "./verb.ts";

/** Where a conversation is. */
interface Place {
  adapter: string;
  conversation: string;
}

export const download = verb({
  name: "download",
  summary: "Print what was said in a conversation",
  args: {
    conversation: {
      type: "positional",
      required: true,
      description: "Such as slack/C0123456789; with one adapter in settings its name may be left out",
    },
    json: { type: "boolean", description: "One JSON object a line" },
    stored: { type: "boolean", description: "What this program has stored, without asking the platform" },
  },
  notes: [
    "  remoteagent download discord/1300000000000000001 > history.txt",
    "  remoteagent download slack/C0123456789 --json | jq -r .text",
    "Slack and Discord tell everything that the bot may read, threads behind the messages at which they hang. Telegram tells a bot no past: there it is what was said while the program ran.",
    "Exit code: 1 when it broke off or was left, 2 for an adapter that is not in settings",
  ].join("\n"),
  async run(args, io) {
    const config = await loadLaunchConfig(args["state-dir"] === undefined ? {} : { "state-dir": args["state-dir"] });
    const place = placeOf(args.conversation, config);
    const stop = new AbortController();
    const leave = () => stop.abort();
    process.once("SIGINT", leave);
    process.once("SIGTERM", leave);
    try {
      const past = args.stored === true ? undefined : await pastOf(place, { config, io, signal: stop.signal });
      const stored = (page: object) =>
        askAdmin({ id: "1", command: "messages-list", args: { ...place, ...page } }, { stateDir: config.stateDir });
      return await print(past ?? storedPast(place, stored), {
        place,
        io,
        json: args.json === true,
        signal: stop.signal,
      });
    } finally {
      process.removeListener("SIGINT", leave);
      process.removeListener("SIGTERM", leave);
    }
  },
});

/** @throws Failure `usage` */
function placeOf(text: string, { settings }: Config): Place {
  const names = Object.keys(settings.adapters);
  const all = [...names, "terminal"];
  const slash = text.indexOf("/");
  const [only] = names;
  if (slash < 0 && only !== undefined && names.length === 1) return { adapter: only, conversation: text.trim() };
  const adapter = text.slice(0, Math.max(0, slash)).trim();
  const conversation = text.slice(slash + 1).trim();
  if (slash < 1 || conversation === "")
    throw new Failure("usage", `Cannot download ${JSON.stringify(text)}: it is no <adapter>/<conversation>`, {
      hint: `Such as ${only ?? "terminal"}/<id>; adapters are ${all.join(", ")}`,
    });
  if (all.includes(adapter)) return { adapter, conversation };
  throw new Failure(
    "usage",
    `Cannot download ${JSON.stringify(text)}: settings have no adapter ${JSON.stringify(adapter)}`,
    {
      hint: `Known: ${all.join(", ")}`,
    },
  );
}

/** The past as the platform has it; undefined where it tells none. */
async function pastOf(
  { adapter, conversation }: Place,
  { config, io, signal }: { config: Config; io: Io; signal: AbortSignal },
): Promise<AsyncIterable<HistoryLine> | undefined> {
  const settings = config.settings.adapters[adapter];
  if (settings === undefined) return undefined;
  const log: Log = { ...silent, warn: (message) => io.err(`${message}\n`), child: () => log };
  // A request that is under way when the person leaves ends with them.
  const leaving = (input: Parameters<typeof fetch>[0], init: RequestInit = {}) =>
    fetch(input, { ...init, signal: init.signal ? AbortSignal.any([init.signal, signal]) : signal });
  return await readHistory(settings, {
    name: adapter,
    conversation,
    secret: config.secret,
    // The runtime's own fetch has members beside the call, which nobody uses here.
    fetch: leaving as typeof fetch,
    clock: systemClock,
    log,
    signal,
  });
}

interface Row {
  id: number;
  external: string | null;
  root: string | null;
  direction: "in" | "out";
  sender: string;
  at: number;
  text: string;
}

/** What the store has of a conversation; `ask` gives a page of its rows. @throws Failure */
export async function* storedPast(
  place: Place,
  ask: (page: { after?: number; limit: number }) => ReturnType<typeof askAdmin>,
): AsyncGenerator<HistoryLine> {
  let count = 0;
  for (let after: number | undefined; count < limits.historyMessagesMax; ) {
    const answer = await ask({ ...(after === undefined ? {} : { after }), limit: limits.downloadPageRows });
    if (!answer.ok) throw new Failure("internal", answer.error.message);
    const rows = answer.data as Row[];
    for (const { id, external, root, direction, sender, at, text } of rows) {
      const own = external ?? String(id);
      yield {
        id: own,
        ts: new Date(at).toISOString(),
        ...(root === null || root === own ? {} : { thread: root }),
        sender: { id: sender, displayName: sender, isBot: direction === "out" },
        text,
      };
    }
    after = rows.at(-1)?.id;
    count += rows.length;
    if (rows.length < limits.downloadPageRows) break;
  }
  if (count > 0) return;
  throw new Failure(
    "not-found",
    `Cannot download ${JSON.stringify(`${place.adapter}/${place.conversation}`)}: nothing was said there`,
    {
      hint: "remoteagent sessions list --json shows the conversations of sessions",
    },
  );
}

/** Prints line by line until the end, or until the person leaves. @returns the exit code. */
async function print(
  past: AsyncIterable<HistoryLine>,
  { place, io, json, signal }: { place: Place; io: Io; json: boolean; signal: AbortSignal },
): Promise<number> {
  const name = cleanLine(`${place.adapter}/${place.conversation}`);
  const progress = openProgress(io, name);
  const gone = new Promise<"gone">((resolve) => {
    signal.addEventListener("abort", () => resolve("gone"), { once: true });
  });
  const lines = past[Symbol.asyncIterator]();
  let tops = 0;
  let count = 0;
  const left = (): number => {
    progress.end(`Left after ${messages(count)} of ${name}`);
    return exit.failed;
  };
  try {
    for (;;) {
      const next = await Promise.race([lines.next(), gone]);
      if (next === "gone") return left();
      if (next.done === true) break;
      io.out(json ? `${JSON.stringify(next.value)}\n` : `${lineText(next.value)}\n`);
      count += 1;
      if (next.value.thread === undefined) tops += 1;
      progress.count(count);
    }
  } catch (error) {
    // A request that was cut off says so in its own words.
    if (signal.aborted) return left();
    progress.end(count === 0 ? undefined : `Broke off after ${messages(count)} of ${name}`);
    throw error;
  }
  progress.end(`${messages(count)} of ${name}`);
  if (tops >= limits.historyMessagesMax)
    io.err(`There may be more: a download takes ${limits.historyMessagesMax} messages\n`);
  return exit.done;
}

function messages(count: number): string {
  return count === 1 ? "1 message" : `${count} messages`;
}

/** A message as it is read: replies and further lines stand further right. */
function lineText({ ts, thread, sender, text, attachments = [] }: HistoryLine): string {
  const head = `${thread === undefined ? "" : "    "}[${localTime(Date.parse(ts))}] ${cleanLine(sender.displayName ?? sender.id)}: `;
  const files = attachments.map((file) => `[file: ${cleanLine(file)}]`);
  const body = [...(text === "" ? [] : [clean(text)]), ...files].join("\n");
  return head + body.replaceAll("\n", `\n${thread === undefined ? "    " : "        "}`);
}

/** How far it is: on a line of its own while somebody looks and the messages go elsewhere, and once at the end. */
function openProgress(io: Io, name: string) {
  const shows = isatty(2) && !isatty(1);
  const begun = systemClock.monotonic();
  let so = 0;
  const tell = () => {
    const seconds = Math.round((systemClock.monotonic() - begun) / 1000);
    io.err(`\r\u001b[KDownloading ${name}: ${messages(so)}, ${seconds} s`);
  };
  const timer = shows ? setInterval(tell, limits.downloadTellMs) : undefined;
  return {
    count(count: number): void {
      so = count;
    },
    end(text: string | undefined): void {
      clearInterval(timer);
      if (shows) io.err("\r\u001b[K");
      if (text !== undefined) io.err(`${text}\n`);
    },
  };
}
