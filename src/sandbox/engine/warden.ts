// The processes of one container as a table, by a shell that stays inside: what kills and limits are decided by.
import { Failure } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import { type Clock, within } from "../../sys/clock.ts";
import type { ProcessRow, ProcessTable } from "../../sys/process-tree.ts";
import { readControl } from "./control.ts";
import type { ExecStream } from "./engine.ts";
import { parseLook, type Seen } from "./look.ts";

/** What the table needs of its container. */
export interface WardenDeps {
  clock: Clock;
  /** Starts the shell inside, as one of `users`. @throws Failure `sandbox` when that cannot be. */
  open(user: string | undefined): Promise<ExecStream>;
  /** Who the shell may be, best first: one who cannot kill others' processes gives way to the next. */
  users: readonly (string | undefined)[];
  /** Whether the container runs at all; when it does not, everything in it is dead. @throws Failure when nobody knows. */
  runs(): Promise<boolean>;
  /** The text by which our environments are known: `REMOTEAGENT_SANDBOX=<owner>.`. */
  text: string;
  /** A mark's number as the marker of a command; `undefined` for a number of somebody else. */
  markerOf(mark: number): string | undefined;
}

/** The table, and what only this one has. */
export interface Warden {
  table: ProcessTable;
  close(): void;
}

interface Shell {
  stream: ExecStream;
  nonce: string;
  capabilities: bigint;
  /** Sends one line and resolves with the answer. */
  ask(line: string): Promise<Buffer>;
}

/** Makes the table; the shell starts with the first look, and again whenever it has gone. */
export function createWarden(deps: WardenDeps): Warden {
  let shell: Promise<Shell> | undefined;
  let order: Promise<unknown> = Promise.resolve();
  let seen = new Map<number, Seen>();
  /** Markers that had to be read from an environment, by process and start. */
  let read = new Map<string, string | undefined>();
  const opened = (): Promise<Shell> => {
    if (shell !== undefined) return shell;
    const made = openShell(deps);
    shell = made;
    made.then(
      ({ stream }) => stream.ended.then(() => forget(made)),
      () => forget(made),
    );
    return made;
  };
  const forget = (one: Promise<Shell>) => {
    if (shell === one) shell = undefined;
  };
  /** One request at a time; a shell that does not answer is given up. */
  const ask = (line: string): Promise<Buffer> => {
    const answer = order.then(async () => {
      const at = await opened();
      const asked = at.ask(line);
      if (await within(deps.clock, { work: asked.catch(() => undefined), ms: limits.wardenMs })) return asked;
      at.stream.socket.destroy();
      throw new Failure("sandbox", "Cannot look at the processes of the container: it does not answer");
    });
    order = answer.catch(() => undefined);
    return answer;
  };
  const list = async (): Promise<ProcessRow[]> => {
    let answer: Buffer;
    try {
      answer = await ask("L");
    } catch (error) {
      if (await deps.runs()) throw error;
      seen = new Map();
      return [];
    }
    const { nonce } = await opened();
    const look = parseLook(answer, nonce);
    const known = read;
    read = new Map();
    for (const [pid, one] of look) {
      one.marker = one.mark === undefined ? undefined : deps.markerOf(one.mark);
      if (one.marker !== undefined || !one.named) continue;
      const key = `${pid}:${one.row.started}`;
      const marker = known.has(key) ? known.get(key) : valueIn(await ask(`V ${pid}`), deps.text);
      read.set(key, marker);
      one.marker = marker;
    }
    seen = look;
    return [...look.values()].map(({ row }) => row);
  };
  return {
    table: {
      list,
      find: async (pid) => (await list()).find((row) => row.pid === pid),
      children: () => undefined,
      memoryBytes: (pid) => seen.get(pid)?.memoryBytes ?? 0,
      variable: (pid) => seen.get(pid)?.marker,
      describe: ({ pid, command }) => seen.get(pid)?.line || command,
      send: async ({ pid, started }, signal) => {
        const answer = await ask(`S ${pid} ${started} ${signal.replace("SIG", "")}`).catch(() => Buffer.alloc(0));
        return answer.toString("latin1").trim() === "1";
      },
    },
    close: () => {
      void shell?.then(
        ({ stream }) => stream.socket.destroy(),
        () => undefined,
      );
      shell = undefined;
    },
  };
}

/** `REMOTEAGENT_SANDBOX=<marker>` → the marker. */
function valueIn(answer: Buffer, text: string): string | undefined {
  const line = answer
    .toString("latin1")
    .split("\n")
    .find((one) => one.startsWith(text));
  return line?.slice(line.indexOf("=") + 1);
}

async function openShell(deps: WardenDeps): Promise<Shell> {
  for (const user of deps.users.slice(0, -1)) {
    try {
      const shell = await openAs(deps, user);
      if ((shell.capabilities & capabilityKill) !== 0n) return shell;
      shell.stream.socket.destroy();
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      // Not everywhere can one be everybody; the last of them is the one that must work.
    }
  }
  return openAs(deps, deps.users.at(-1));
}

/** CAP_KILL, as capabilities(7) numbers it. */
const capabilityKill = 1n << 5n;

async function openAs(deps: WardenDeps, user: string | undefined): Promise<Shell> {
  const nonce = Buffer.from(deps.clock.random(16)).toString("hex");
  const stream = await deps.open(user);
  const ready = Promise.withResolvers<string>();
  ready.promise.catch(() => undefined);
  let parts: Buffer[] = [];
  let size = 0;
  let waiting: PromiseWithResolvers<Buffer> | undefined;
  const stdout = readControl(nonce, {
    onBytes: (bytes) => {
      size += bytes.byteLength;
      if (size > limits.wardenBytesMax) stream.socket.destroy();
      else parts.push(bytes);
      return undefined;
    },
    onLine: (line) => {
      if (line.startsWith("R ")) ready.resolve(line.split(" ")[2] ?? "0");
      else if (line === "M") parts.push(Buffer.from(`${nonce} M\n`));
      else {
        const answer = Buffer.concat(parts);
        parts = [];
        size = 0;
        waiting?.resolve(answer);
        waiting = undefined;
      }
    },
  });
  stream.read({ stdout, stderr: () => undefined });
  void stream.ended.then(() => {
    const gone = new Failure("sandbox", "Cannot look at the processes of the container: its shell ended");
    ready.reject(gone);
    waiting?.reject(gone);
    waiting = undefined;
  });
  stream.socket.write(`${nonce}\n${deps.text}\n`);
  if (!(await within(deps.clock, { work: ready.promise.catch(() => undefined), ms: limits.wardenMs }))) {
    stream.socket.destroy();
    throw new Failure("sandbox", "Cannot look at the processes of the container: its shell does not answer");
  }
  const text = await ready.promise;
  return {
    stream,
    nonce,
    capabilities: /^[0-9a-f]{1,16}$/i.test(text) ? BigInt(`0x${text}`) : 0n,
    ask: (line) => {
      waiting = Promise.withResolvers<Buffer>();
      const { promise } = waiting;
      stream.socket.write(`${line}\n`);
      return promise;
    },
  };
}
