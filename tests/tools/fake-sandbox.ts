// A sandbox for tests: real processes and files of this machine in a temporary folder, no walls.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { appendFile, open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { errorText, Failure } from "../../src/core/failure.ts";
import type { Command, Exit, Running, Sandbox } from "../../src/sandbox/sandbox.ts";
import type { ScheduleRequest, ToolContext } from "../../src/tools/tool.ts";

type Limit = "time" | "output" | "memory" | "processes";

/** A context whose doings are recorded. */
export interface Bench {
  root: string;
  sandbox: Sandbox;
  context: ToolContext;
  abort: AbortController;
  outputs: string[];
  attached: { name: string; bytes: Uint8Array; caption?: string }[];
  commands: Command[];
  scheduled: ScheduleRequest[];
  memory: Map<string, string>;
  /** Ends what runs in `scope` as a limit would. */
  strike(limit: Limit): void;
  close(): void;
}

/** A fresh temporary folder and a context over it. */
export function createBench(): Bench {
  const root = mkdtempSync(join(tmpdir(), "remoteagent-tools-"));
  const groups = new Map<string, Set<{ pid: number; limit(name: Limit): void }>>();
  const commands: Command[] = [];
  const failing = <Result>(work: () => Result): Result => {
    try {
      return work();
    } catch (error) {
      throw new Failure("sandbox", `Cannot do it: ${errorText(error)}`);
    }
  };
  const sandbox: Sandbox = {
    kind: "fake",
    root,
    cwd: root,
    generation: 1,
    isolation: "none",
    async spawn(command) {
      commands.push(command);
      return start(command, { cwd: root, groups });
    },
    files: {
      async read(path, { offset = 0, length }) {
        const full = resolve(root, path);
        const size = failing(() => {
          const found = statSync(full);
          if (found.isDirectory()) throw new Error("it is a folder");
          return found.size;
        });
        const file = await open(full, "r");
        const buffer = new Uint8Array(Math.min(length, Math.max(0, size - offset)));
        const { bytesRead } = await file.read(buffer, 0, buffer.length, offset);
        await file.close();
        return { bytes: buffer.subarray(0, bytesRead), size };
      },
      async write(path, bytes) {
        const full = resolve(root, path);
        failing(() => {
          mkdirSync(dirname(full), { recursive: true });
          writeFileSync(full, bytes);
        });
      },
      async list(path) {
        return failing(() =>
          readdirSync(resolve(root, path), { withFileTypes: true }).map((entry) => ({
            name: entry.name,
            kind: entry.isDirectory() ? ("folder" as const) : entry.isFile() ? ("file" as const) : ("other" as const),
          })),
        );
      },
    },
    async kill(scope) {
      const killed = [...(groups.get(scope) ?? [])].map(({ pid }) => {
        killGroup(pid);
        return { pid, command: "bash" };
      });
      return { killed, survivors: [] };
    },
    close: async () => undefined,
  };
  const abort = new AbortController();
  const outputs: string[] = [];
  const attached: Bench["attached"] = [];
  const scheduled: ScheduleRequest[] = [];
  const memory = new Map<string, string>();
  let spilled = 0;
  const context: ToolContext = {
    sandbox,
    scope: "turn-1",
    sessionScope: "session-1",
    signal: abort.signal,
    output: (text) => void outputs.push(text),
    attach: async (file) => void attached.push(file),
    async spill(name, bytes) {
      spilled += 1;
      const path = join(root, `spill-${spilled}-${name}`);
      writeFileSync(path, "");
      for await (const chunk of bytes instanceof Uint8Array ? [bytes] : bytes) await appendFile(path, chunk);
      return path;
    },
    memory: {
      read: async (scope) => memory.get(scope) ?? "",
      append: async (scope, line) => void memory.set(scope, `${memory.get(scope) ?? ""}${line}\n`),
      replace: async (scope, { old, text }) => void memory.set(scope, (memory.get(scope) ?? "").replace(old, text)),
    },
    schedule: {
      add: async (event) => {
        scheduled.push(event);
        return { file: `event-${scheduled.length}.json`, next: event.type === "one-shot" ? event.at : "soon" };
      },
      list: async () =>
        scheduled.map((event, index) => ({ file: `event-${index + 1}.json`, text: event.text, next: "soon" })),
      cancel: async (file) => file === "event-1.json",
    },
  };
  return {
    root,
    sandbox,
    context,
    abort,
    outputs,
    attached,
    commands,
    scheduled,
    memory,
    strike: (limit) => {
      for (const all of groups.values()) for (const one of all) one.limit(limit);
    },
    close() {
      for (const all of groups.values()) for (const { pid } of all) killGroup(pid);
      rmSync(root, { recursive: true, force: true });
    },
  };
}

/** The text of a result. */
export function textOf(result: { content: { type: string; text?: string }[] }): string {
  return result.content.map((part) => part.text ?? `<${part.type}>`).join("\n");
}

/** The text of a file that must exist. */
export function fileText(path: string): string {
  return readFileSync(path, "utf8");
}

function start(
  command: Command,
  { cwd, groups }: { cwd: string; groups: Map<string, Set<{ pid: number; limit(name: Limit): void }>> },
): Running {
  const [program = "", ...args] = command.argv;
  const child = spawn(program, args, { cwd, stdio: ["ignore", "pipe", "pipe"], detached: true });
  const pid = child.pid ?? 0;
  let limit: Limit | undefined;
  const member = {
    pid,
    limit(name: Limit) {
      limit = name;
      killGroup(pid);
    },
  };
  const group = groups.get(command.scope) ?? new Set();
  groups.set(command.scope, group.add(member));
  const timer = setTimeout(() => member.limit("time"), command.limits?.timeMs ?? 60_000);
  let seen = 0;
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (bytes: Uint8Array) => {
      seen += bytes.length;
      if (seen > (command.limits?.outputBytes ?? Number.POSITIVE_INFINITY) && limit === undefined)
        member.limit("output");
    });
    stream.pause();
  }
  const done = new Promise<Exit>((settle) => {
    child.once("exit", (code, signal) => {
      clearTimeout(timer);
      group.delete(member);
      settle(limit !== undefined ? { limit } : code !== null ? { code } : { signal: signal ?? "SIGKILL" });
    });
  });
  return {
    pid,
    stdin: null,
    stdout: child.stdout,
    stderr: child.stderr,
    signal: (name) => void child.kill(name),
    done,
  };
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    // It is over already.
    if (!(error instanceof Error)) throw error;
  }
}
