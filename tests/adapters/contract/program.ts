// The whole program in this process, on a state folder of its own, with a model that answers as a test says.
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import { adapterParts } from "../../../src/adapters/index.ts";
import type { App } from "../../../src/app/options.ts";
import { startApp } from "../../../src/app.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { systemClock } from "../../../src/sys/clock.ts";
import { type Answer, openModel } from "../../bench/model.ts";
import { memoryLog } from "../../gateway/fixture.ts";
import type { Example, Platform } from "./platform.ts";

/** Longest wait for something to happen, in milliseconds. */
const patienceMs = 15_000;

/** What the model was asked: what people said so far, the last of it, and the whole request. */
export interface Question {
  last: string;
  all: string;
}

export interface Program {
  /** Decides what the model answers. */
  answers: (question: Question) => Answer | undefined;
  /** Every request so far. */
  readonly asked: Question[];
  readonly stateDir: string;
  readonly workspace: string;
  log(): string;
  app(): App;
  start(): Promise<void>;
  stop(options?: { drainMs?: number }): Promise<void>;
  /** Time between two pieces of an answer, in milliseconds. */
  pace(ms: number): void;
  close(): Promise<void>;
}

interface Body {
  messages: { role: string; content: string | { type: string; text?: string }[] }[];
}

function question(body: string): Question {
  const { messages } = JSON.parse(body) as Body;
  const people = messages.filter(({ role }) => role === "user");
  const text = (content: Body["messages"][number]["content"] | undefined) =>
    typeof content === "string" ? content : (content ?? []).map((block) => block.text ?? "").join("\n");
  // Before the words stand time and name: `[2026-01-31 09:05:00+01:00] [Ada]: `.
  const last = text(people.at(-1)?.content).replace(/^(?:\[[^\]]*\] ?){2}(?:\([^)]*\))?: /, "");
  return { last, all: people.map(({ content }) => text(content)).join("\n") };
}

/** Starts the program with these platforms as adapters, by name. */
export async function startProgram(
  platforms: Readonly<Record<string, Pick<Platform, "settings" | "ownerId" | "started">>>,
  { example, ...more }: { example?: Example | undefined; [setting: string]: unknown } = {},
): Promise<Program> {
  const home = mkdtempSync(join(tmpdir(), "ra-contract-"));
  const stateDir = join(home, "state");
  mkdirSync(stateDir, { mode: 0o700 });
  const model = openModel();
  model.pauseMs = 0;
  const asked: Question[] = [];
  model.answerTo = (body) => {
    const found = question(body);
    asked.push(found);
    return program.answers(found);
  };
  const adapters = Object.fromEntries(
    Object.entries(platforms).flatMap(([name, { settings, ownerId }]) =>
      settings === undefined ? [] : [[name, { ...settings, admins: [ownerId] }] as const],
    ),
  );
  const settings = {
    model: "anthropic/claude-sonnet-4-5:off",
    models: { anthropic: { apiKey: "invented-key-of-the-contract", baseUrl: model.url } },
    adapters,
    ...more,
  };
  writeFileSync(join(stateDir, "settings.json"), JSON.stringify(settings), { mode: 0o600 });
  const log = memoryLog();
  let app: App | undefined;
  const stop = async ({ drainMs = 0 } = {}) => {
    await app?.stop({ drainMs, reason: "stop" });
    app = undefined;
  };
  const program: Program = {
    answers: ({ last }) => ({ text: `You said: ${last.split("\n").at(-1) ?? ""}` }),
    asked,
    stateDir,
    workspace: join(stateDir, "workspace"),
    log: () => log.lines.join("\n"),
    app: () => {
      if (app === undefined) throw new Error("The program does not run");
      return app;
    },
    async start() {
      const env = { HOME: home, PATH: process.env.PATH ?? "" };
      const parts = example === undefined ? adapterParts : { adapters: { lines: example.schema } };
      const config = await loadConfig({ flags: { stateDir }, env, parts });
      app = await startApp({
        config,
        alone: false,
        version: "1",
        log,
        clock: systemClock,
        ...(example === undefined
          ? {}
          : {
              openAdapter: async (found, deps) =>
                example.open(v.parse(v.object(example.schema.entries), found) as never, deps),
            }),
      });
      for (const { started } of Object.values(platforms)) started?.(stateDir);
    },
    stop,
    pace: (ms) => {
      model.pauseMs = ms;
    },
    async close() {
      await stop();
      await model.close();
      if (existsSync(home)) rmSync(home, { recursive: true, force: true });
    },
  };
  await program.start();
  return program;
}

/** Waits until something holds, and tells what is there when it does not come. */
export async function eventually(holds: () => boolean, what: string | (() => string)): Promise<void> {
  const end = performance.now() + patienceMs;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`Waited in vain: ${typeof what === "string" ? what : what()}`);
    await systemClock.sleep(10);
  }
}

/** Long enough that what should not happen would have happened. */
export const quietMs = 400;
export const quiet = () => systemClock.sleep(quietMs);
