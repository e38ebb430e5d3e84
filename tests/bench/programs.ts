// The two programs that are compared, started and talked to in the same way.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type ChatDown, type ChatUp, protocolVersion } from "../../src/core/frame.ts";
import { eachLine, type Screen, Sights } from "./screen.ts";

/** A catalogue model with a large window, so that nothing is compacted. */
export const modelName = "claude-sonnet-4-5";

const readyMsMax = 30_000;

/** A program that runs. */
export interface Program {
  pid: number;
  /** From its start to its readiness, in milliseconds. */
  readyMs: number;
  join(session: string): Promise<Screen>;
  stop(): Promise<void>;
}

/** How either program is started; `folder` holds what it stores. */
export interface Launch {
  program: string;
  folder: string;
  modelUrl: string;
  /** Kills it when the benchmark ends before its time. */
  signal: AbortSignal;
  /** remoteagent's own setting. */
  isolation?: "auto" | "none";
  /** Hears each line that remoteagent writes, with the time at which it came. */
  onLine?(line: string, at: number): void;
}

export const databaseOf = {
  remoteagent: (folder: string) => join(folder, "state", "remoteagent.db"),
  minimal: (folder: string) => join(folder, "minimal.db"),
};

/** Nothing of the person's environment gets in. */
export function plainEnvironment(folder: string): Record<string, string> {
  return { PATH: "/usr/local/bin:/usr/bin:/bin", HOME: folder, USER: "bench", LANG: "C.UTF-8", TZ: "UTC" };
}

/** The arguments after the program by which remoteagent runs in `folder`. */
export function stateArguments(folder: string): string[] {
  return ["--state-dir", join(folder, "state")];
}

/** Starts remoteagent in the foreground; it is ready when its log says so. */
export async function startProgram({
  program,
  folder,
  modelUrl,
  signal,
  isolation = "auto",
  onLine,
}: Launch): Promise<Program> {
  mkdirSync(join(folder, "state"), { recursive: true, mode: 0o700 });
  const settings = ["--model", `anthropic/${modelName}`, "--isolation", isolation];
  const argv = [program, "run", ...stateArguments(folder), ...settings, join(folder, "workspace")];
  const env = { ...plainEnvironment(folder), ANTHROPIC_BASE_URL: modelUrl, ANTHROPIC_API_KEY: "key-of-the-benchmark" };
  const startedAt = performance.now();
  const child = Bun.spawn(argv, { env, signal, stdin: "ignore", stdout: "pipe", stderr: "inherit" });
  const ready = Promise.withResolvers<number>();
  const take = (line: string, at: number) => {
    if (/ ready /.test(line)) ready.resolve(at);
    onLine?.(line, at);
  };
  void eachLine(child.stdout, take).then(() => ready.reject(new Error("remoteagent ended before it was ready")));
  const readyAt = await timely(ready.promise, "remoteagent is not ready");
  const socket = join(folder, "state", "remoteagent.sock");
  return {
    pid: child.pid,
    readyMs: readyAt - startedAt,
    join: (session) => openScreen(socket, session),
    async stop() {
      child.kill();
      await child.exited;
    },
  };
}

/** Starts the minimal program; it is ready when it says so. */
export async function startMinimal({ program, folder, modelUrl, signal }: Launch): Promise<Program> {
  const startedAt = performance.now();
  const child = Bun.spawn([program, databaseOf.minimal(folder), modelUrl, modelName], {
    env: plainEnvironment(folder),
    signal,
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  const ready = Promise.withResolvers<number>();
  const screens = new Map<string, Sights>();
  const take = (text: string, at: number) => {
    const line = JSON.parse(text) as { type: string; session?: string; inputs?: number };
    if (line.type === "ready") ready.resolve(at);
    const sights = screens.get(line.session ?? "");
    if (line.type === "ended" && sights !== undefined) sights.answered += line.inputs ?? 0;
    if (line.type === "message" || line.type === "ended") sights?.add(line.type, at);
  };
  void eachLine(child.stdout, take).then(() => {
    const gone = new Error("The minimal program ended");
    ready.reject(gone);
    for (const sights of screens.values()) sights.fail(gone);
  });
  const readyAt = await timely(ready.promise, "The minimal program is not ready");
  return {
    pid: child.pid,
    readyMs: readyAt - startedAt,
    async join(session) {
      const sights = new Sights();
      screens.set(session, sights);
      return {
        say(text) {
          const at = performance.now();
          void child.stdin.write(`${JSON.stringify({ session, text })}\n`);
          void child.stdin.flush();
          return at;
        },
        next: (sight) => sights.next(sight),
        answered: () => sights.answered,
        async leave() {
          screens.delete(session);
        },
      };
    },
    async stop() {
      child.kill();
      await child.exited;
    },
  };
}

/** Joins a conversation over the control socket, as `remoteagent chat` does. */
async function openScreen(socket: string, conversation: string): Promise<Screen> {
  const gone = new AbortController();
  const post = (path: string, up: ChatUp) =>
    fetch(`http://localhost${path}`, { unix: socket, method: "POST", body: JSON.stringify(up), signal: gone.signal });
  const response = await post("/v1/chat", { type: "open", version: protocolVersion, conversation });
  if (response.body === null || !response.ok) throw new Error(`Cannot join a chat: ${await response.text()}`);
  const sights = new Sights();
  const joined = Promise.withResolvers<string>();
  let connection = "";
  let taken = 0;
  const take = (line: string, at: number) => {
    const frame = JSON.parse(line) as ChatDown;
    if (frame.type === "hello") connection = frame.connection;
    if (frame.type === "state") joined.resolve(connection);
    if (frame.type === "error") sights.fail(new Error(frame.message));
    if (frame.type !== "event") return;
    const { event } = frame;
    if (event.type === "taken") taken += event.inputs.length;
    if (event.type === "message" && event.text !== "") sights.add("message", at);
    if (event.type === "ended") {
      if (event.outcome !== "done") sights.fail(new Error(`A turn ended as ${event.outcome}: ${event.error?.message}`));
      sights.answered += taken;
      taken = 0;
      sights.add("ended", at);
    }
  };
  void eachLine(response.body, take).catch((error: unknown) => {
    if (!gone.signal.aborted) sights.fail(error instanceof Error ? error : new Error(String(error)));
  });
  const path = `/v1/chat/${await timely(joined.promise, "The chat did not open")}`;
  return {
    say(text) {
      const up: ChatUp = { type: "say", id: crypto.randomUUID(), text };
      const at = performance.now();
      post(path, up).then(
        (answer) => answer.ok || sights.fail(new Error(`Cannot say it: status ${answer.status}`)),
        (error: unknown) => gone.signal.aborted || sights.fail(new Error(`Cannot say it: ${String(error)}`)),
      );
      return at;
    },
    next: (sight) => sights.next(sight),
    answered: () => sights.answered,
    async leave() {
      gone.abort();
    },
  };
}

/** The value in time, or the sentence as an error. */
export async function timely<Value>(value: Promise<Value>, sentence: string): Promise<Value> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${sentence} after ${readyMsMax / 1000} s`)), readyMsMax);
  });
  try {
    return await Promise.race([value, late]);
  } finally {
    clearTimeout(timer);
  }
}
