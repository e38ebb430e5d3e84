// One world of the crash test over Telegram: the fake platform with its people, a model, and the lives of the program.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDatabase } from "#sqlite";
import { unixRequest } from "../../src/sys/unix-client.ts";
import type { Person } from "../adapters/telegram/fake/people.ts";
import { createPlatform, type Platform } from "../adapters/telegram/fake/platform.ts";
import { startServer } from "../adapters/telegram/fake/server.ts";
import type { Bot, Chat } from "../adapters/telegram/fake/world.ts";
import { random } from "../random.ts";
import { deadlineMs, type Life, type Syscall, startLife, statusOf, until } from "./instance.ts";
import { type ModelServer, startModel, type Task } from "./model.ts";
import type { Place, Step } from "./telegram-plan.ts";

export const adapterName = "tg";

/** What a person wrote, or wrote anew; `order` counts over all that people did. */
export interface Sent {
  kind: "message" | "edit";
  place: Place;
  by: "ann" | "ben";
  id: number;
  task: Task;
  order: number;
  document?: Uint8Array;
}

/** Somebody wanted what ran to end. */
export interface Stop {
  place: Place;
  order: number;
  how: "text" | "button";
  id: string;
}

export interface TelegramWorld {
  home: string;
  stateDir: string;
  model: ModelServer;
  platform: Platform;
  bot: Bot;
  people: Record<"ann" | "ben", Person>;
  chats: Record<Place, Chat>;
  sent: Sent[];
  stops: Stop[];
  /** Counts what people do. */
  order(): number;
  kills: number;
  struck: number;
  /** Orderly ends that may have cut a turn off. */
  ends: number;
  /** Hears of which tasks the model is asked. */
  onAsked: (tasks: string[]) => void;
  /** Hears of each step; who says true keeps the call from acting. */
  onStep(listener: (step: Step) => boolean | undefined): () => void;
  start(at?: Syscall): Life;
  /** All starts so far look as if they had lived for long. */
  age(): void;
  /** Lines of the files in which calls write down that they have begun and ended. */
  calls(): string[];
  /** True when nothing is left to do, for the program and for the platform. */
  resting(): Promise<boolean>;
  /** What `remoteagent deliveries list` says, while the program runs. */
  undelivered(): Promise<{ fate: string; kind: string }[] | undefined>;
  idle(life: Life): Promise<void>;
  /** Ends everything; the folder stays when `keep` says so. */
  close(options: { keep: boolean }): Promise<void>;
}

/** Makes a world. `program` is the executable. */
export async function createTelegramWorld(program: string, seed: number): Promise<TelegramWorld> {
  const home = mkdtempSync(join(tmpdir(), `ra-telegram-${seed}-`));
  const stateDir = join(home, "state");
  mkdirSync(stateDir, { mode: 0o700 });
  const listeners = new Set<(step: Step) => boolean | undefined>();
  // Everybody is asked: a listener that counts must not miss a step.
  const emit = (step: Step) => [...listeners].map((listener) => listener(step)).includes(true);
  const model = await startModel();
  const platform = createPlatform({ random: random(seed) });
  const bot = platform.newBot({ username: "helper_bot", canReadAll: true });
  const people = { ann: platform.newPerson({ firstName: "Ann" }), ben: platform.newPerson({ firstName: "Ben" }) };
  const group = platform.newGroup({ title: "Team", members: [people.ann, people.ben, bot] });
  const chats = { ann: platform.privateChat(bot, people.ann), ben: platform.privateChat(bot, people.ben), group };
  const server = await startServer(watched(platform, emit));
  writeSettings(stateDir, { token: bot.token, apiRoot: server.url, model: model.url, people });
  const env = { PATH: process.env.PATH ?? "", HOME: home, REMOTEAGENT_STATE_DIR: stateDir };
  const lives = new Set<Life>();
  let order = 0;
  const world: TelegramWorld = {
    home,
    stateDir,
    model,
    platform,
    bot,
    people,
    chats,
    sent: [],
    stops: [],
    kills: 0,
    struck: 0,
    ends: 0,
    order: () => ++order,
    onAsked: () => undefined,
    onStep(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    start(at) {
      const life = startLife(program, { home, env, at });
      lives.add(life);
      void life.ended.then(() => lives.delete(life));
      return life;
    },
    age: () => ageStarts(join(stateDir, "remoteagent.db")),
    calls: () => readCalls(join(stateDir, "workspace/channels")),
    async resting() {
      if (platform.pending(bot).length > 0) return false;
      const status = await statusOf(stateDir);
      if (status === undefined || status.turns.length > 0 || status.waiting > 0) return false;
      const open = await world.undelivered();
      return open?.every(({ fate }) => fate === "unknown" || fate === "failed") === true;
    },
    undelivered: () => askDeliveries(stateDir),
    idle: (life) => idle(world, life),
    async close({ keep }) {
      for (const life of lives) life.kill();
      await Promise.all([...lives].map((life) => life.ended));
      await model.close();
      await server.close();
      if (!keep) rmSync(home, { recursive: true, force: true });
    },
  };
  model.onStep = (step, tasks) => {
    if (step === "request") world.onAsked(tasks);
    emit(step);
  };
  return world;
}

function writeSettings(
  stateDir: string,
  given: { token: string; apiRoot: string; model: string; people: Record<string, Person> },
): void {
  const { token, apiRoot, people } = given;
  const provider = { apiKey: "key", baseUrl: given.model, api: "anthropic-messages", models: ["test"] };
  const admins = Object.values(people).map(({ id }) => String(id));
  const settings = {
    model: "scripted/test",
    models: { scripted: provider },
    adapters: { [adapterName]: { type: "telegram", botToken: token, apiRoot, admins } },
  };
  writeFileSync(join(stateDir, "settings.json"), JSON.stringify(settings), { mode: 0o600 });
}

const kinds: Record<string, "poll" | "send" | "edit" | "file" | "sign"> = {
  getUpdates: "poll",
  sendMessage: "send",
  editMessageText: "edit",
  deleteMessage: "edit",
  sendDocument: "file",
  sendPhoto: "file",
  sendChatAction: "sign",
  setMessageReaction: "sign",
};

/** The platform, which says when a call has come and when it is answered. */
function watched(platform: Platform, emit: (step: Step) => boolean): Platform {
  return {
    ...platform,
    poll(request, settle) {
      const kind = kinds[request.method] ?? "other";
      if (emit(`${kind}:received`)) {
        settle({ kind: "closed", acted: false, delayMs: 0 });
        return { waitMs: 0, expire() {}, abandon() {} };
      }
      return platform.poll(request, (outcome) => {
        settle(outcome);
        emit(`${kind}:answered`);
        const updates = outcome.kind === "answer" && outcome.answer.ok ? outcome.answer.result : [];
        if (kind === "poll" && Array.isArray(updates) && updates.length > 0) emit("updates");
      });
    },
    file(token, path) {
      emit("download");
      return platform.file(token, path);
    },
  };
}

/** Between two lives. Before the first one has made its tables there is nothing to change. */
function ageStarts(path: string): void {
  if (!existsSync(path)) return;
  const db = openDatabase(path);
  try {
    // Without a prepared statement, which would hold the file until it is collected.
    db.exec("UPDATE starts SET alive_at = at + 120000");
  } catch (error) {
    if (!String(error).includes("no such table")) throw error;
  } finally {
    db.close();
  }
}

function readCalls(channels: string): string[] {
  if (!existsSync(channels)) return [];
  return readdirSync(channels, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith("/scratch/calls"))
    .flatMap((path) => readFileSync(join(channels, path), "utf8").split("\n").filter(Boolean));
}

async function askDeliveries(stateDir: string): Promise<{ fate: string; kind: string }[] | undefined> {
  try {
    const json = { id: "1", command: "deliveries-list", args: {} };
    const response = await unixRequest(join(stateDir, "remoteagent.sock"), "/v1/admin", { json, timeoutMs: 5_000 });
    const answer = (await response.json()) as { ok: boolean; data: { fate: string; kind: string }[] };
    return answer.ok ? answer.data : undefined;
  } catch {
    // Just killed.
    return undefined;
  }
}

async function idle(world: TelegramWorld, life: Life): Promise<void> {
  // Once more a moment later: between an update and its row there is an instant in which nothing is seen of it.
  let seen = 0;
  await until(
    async () => {
      if (!life.alive()) throw new Error(`The last life ended by itself: ${life.said()}`);
      if (!life.said().includes("ready")) return false;
      seen = (await world.resting()) ? seen + 1 : 0;
      if (seen < 2) await new Promise((resume) => setTimeout(resume, 15));
      return seen >= 2;
    },
    () => `It does not come to rest:\n${life.said()}`,
    deadlineMs / 2,
  );
}
