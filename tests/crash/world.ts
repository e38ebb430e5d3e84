// One world of the crash test: a state folder, a model, a person, and the lives of the program in it.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Life, type Syscall, startLife, statusOf, until } from "./instance.ts";
import { type ModelServer, startModel, type Task, taskText } from "./model.ts";
import { createPerson, type Person } from "./person.ts";

/** What was said, and the number it was acknowledged with. */
export interface Said {
  task: Task;
  input: number | null | undefined;
}

export interface World {
  home: string;
  stateDir: string;
  model: ModelServer;
  person: Person;
  said: Said[];
  kills: number;
  /** Kills that strace made at the planned system call. */
  struck: number;
  /** Orderly ends that may have cut a turn off. */
  stops: number;
  start(at?: Syscall): Life;
  say(task: Task): void;
  /** Lines of the file in which calls write down that they have begun and ended. */
  calls(): string[];
  /** Waits until all that was said is acknowledged and nothing is left to do. */
  idle(life: Life): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Makes a world. `program` is the executable. */
export async function createWorld(program: string): Promise<World> {
  const home = mkdtempSync(join(tmpdir(), "ra-crash-"));
  const stateDir = join(home, "state");
  const model = await startModel();
  mkdirSync(stateDir, { mode: 0o700 });
  const provider = { apiKey: "key", baseUrl: model.url, api: "anthropic-messages", models: ["test"] };
  // The calls' own file is written without bubblewrap just as well; where it works, it is used.
  const settings = { model: "scripted/test", models: { scripted: provider } };
  writeFileSync(join(stateDir, "settings.json"), JSON.stringify(settings), { mode: 0o600 });
  const env = { PATH: process.env.PATH ?? "", HOME: home, REMOTEAGENT_STATE_DIR: stateDir };
  const lives = new Set<Life>();
  const said: Said[] = [];
  const person = createPerson(stateDir);
  const callsFile = join(stateDir, "workspace/channels/terminal/main/scratch/calls");
  return {
    home,
    stateDir,
    model,
    person,
    said,
    kills: 0,
    struck: 0,
    stops: 0,
    start(at) {
      const life = startLife(program, { home, env, at });
      lives.add(life);
      void life.ended.then(() => lives.delete(life));
      return life;
    },
    say(task) {
      const one: Said = { task, input: undefined };
      said.push(one);
      void person.say(taskText(task)).then((input) => {
        one.input = input;
      });
    },
    calls: () => (existsSync(callsFile) ? readFileSync(callsFile, "utf8").split("\n").filter(Boolean) : []),
    async idle(life) {
      await until(
        async () => {
          if (!life.alive()) throw new Error(`The last life ended by itself: ${life.said()}`);
          // Before it is ready, what was interrupted is not gone on with yet.
          if (said.some(({ input }) => input === undefined) || !life.said().includes("ready")) return false;
          const status = await statusOf(stateDir);
          return status !== undefined && status.turns.length === 0 && status.waiting === 0;
        },
        () => `It does not come to rest: ${JSON.stringify(said)}\n${life.said()}`,
      );
    },
    async [Symbol.asyncDispose]() {
      await person.leave();
      for (const life of lives) life.kill();
      await Promise.all([...lives].map((life) => life.ended));
      await model.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}
