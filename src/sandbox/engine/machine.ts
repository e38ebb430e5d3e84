// One running container as a place where commands run: their start, limits and kill with proof, by the shared runner.
import { createHash } from "node:crypto";
import { limits } from "../../core/limits.ts";
import type { Clock } from "../../sys/clock.ts";
import type { Log } from "../../sys/log.ts";
import type { ProcessRow, ProcessTable } from "../../sys/process-tree.ts";
import { createExec, type Exec } from "../exec.ts";
import { lineOfArgv } from "../lines.ts";
import { markerName } from "../ownership.ts";
import type { Command, Proof, Running } from "../sandbox.ts";
import { processKey } from "../tree.ts";
import type { Engine } from "./engine.ts";
import { createRunner, type RunnerChild } from "./runner.ts";
import { createRunners, type Runners } from "./runners.ts";
import { runnerScript, wardenScript } from "./scripts.ts";
import { createWarden, type Warden } from "./warden.ts";

/** A container as it runs now. */
export interface Ready {
  /** The engine's id. */
  id: string;
  /** Changes when it is started afresh. */
  startedAt: string;
}

/** What a machine is made of. */
export interface MachineDeps {
  engine(): Engine;
  clock: Clock;
  log: Log;
  /** For messages: `container "dev"`. */
  place: string;
  /** Equal for every start over the same state folder; `run` is for none. */
  owner: string;
  run: string;
  /** Who runs commands; absent: whom the container is for. */
  user?: string;
  /** Everything in the container is a command's, but what was there when it was empty: then an orphan is one's, too. */
  ours: boolean;
  /** The container, started if need be. Asked before each command. @throws Failure `sandbox` when it cannot be used. */
  ready(): Promise<Ready>;
}

/** A container in which commands can run, also over its restarts. Nothing is started in it before the first command. */
export interface Machine {
  readonly exec: Exec;
  /** Starts a command. `env` is added to the container's. @throws Failure `sandbox`. */
  start(command: Command, place: { cwd: string; env: Record<string, string> }): Promise<Running>;
  /** Tries a shell, and keeps it for the first command. @throws Failure `sandbox` when there is none. */
  warm(): Promise<void>;
  /** Kills what an earlier run left in the container, which runs. */
  sweep(): Promise<Proof>;
  /** Lets go of the container: its shells end. */
  close(): void;
}

/** The shells in one life of a container. */
interface Connection extends Ready {
  runners: Runners;
  warden: Warden;
  /** What ran before the first command. */
  own: Set<string>;
}

/** A number that says whose a process is; see `runnerScript`. 20 bits of the owner, 32 of the command. */
function marks({ owner, run }: { owner: string; run: string }) {
  const base = Number.parseInt(createHash("sha256").update(owner).digest("hex").slice(0, 5), 16) * 2 ** 32;
  const first = Number.parseInt(createHash("sha256").update(run).digest("hex").slice(0, 7), 16);
  const known = new Map<number, string>();
  return {
    of: (marker: string): number => {
      const counter = Number(marker.split(".").at(-1));
      const mark = base + ((first + counter) % 2 ** 32);
      known.set(mark, marker);
      if (known.size > marksKeptMax) known.delete(known.keys().next().value ?? 0);
      return mark;
    },
    /** A mark of this owner that no command of this run has is one of an earlier run. */
    markerOf: (mark: number): string | undefined =>
      known.get(mark) ?? (mark >= base && mark < base + 2 ** 32 ? `${owner}.earlier.${mark - base}` : undefined),
  };
}

/** Commands whose processes are told by number; older ones that still run are told by their environment. */
const marksKeptMax = 100_000;

/** Makes the machine; the container is looked at when it is first used. */
export function createMachine(deps: MachineDeps): Machine {
  const { clock, owner, run, ours } = deps;
  const mark = marks(deps);
  let connected: Connection | undefined;
  /** Changes of the connection happen one after the other. */
  let order: Promise<unknown> = Promise.resolve();
  const fits = (ready: Ready) => connected?.id === ready.id && connected.startedAt === ready.startedAt;
  const connection = async (): Promise<Connection> => {
    const ready = await deps.ready();
    if (connected !== undefined && fits(ready)) return connected;
    const made = order.then(async () => {
      if (connected !== undefined && fits(ready)) return connected;
      if (connected !== undefined) await commandsOver(connected);
      connected = await connect(deps, { ready, markerOf: mark.markerOf });
      return connected;
    });
    order = made.catch(() => undefined);
    return made;
  };
  /** In an earlier life of the container all numbers were others: what is known of it must be gone before the next. */
  const commandsOver = async (before: Connection) => {
    before.runners.close();
    const end = clock.monotonic() + limits.proofMs;
    while (exec.running().length > 0 && clock.monotonic() < end) await clock.sleep(limits.lookMs);
    before.warden.close();
  };
  const exec = createExec({
    clock,
    log: deps.log,
    table: tableOf(() => connected),
    owner,
    run,
    reaper: () => undefined,
    remote: {
      left: (child) => (child as RunnerChild).left,
      ...(ours
        ? { stranger: (row: ProcessRow) => row.parent === 1 && connected?.own.has(processKey(row)) === false }
        : {}),
    },
    spawn: async (argv, { cwd = "/", env, stdio }) => {
      const { runners } = await connection();
      return runners.run({ argv, cwd, env, mark: mark.of(env[markerName] ?? ""), stdin: stdio[0] === "pipe" });
    },
  });
  return {
    exec,
    start: (command, { cwd, env }) =>
      exec.start(command, async (marker) => ({
        argv: command.argv,
        cwd,
        env: { ...env, [markerName]: marker },
        extra: [],
        contained: false,
        wrappers: wrappersOf(command.argv),
        release: () => undefined,
      })),
    warm: async () => (await connection()).runners.warm(),
    sweep: async () => {
      await connection();
      return exec.sweep();
    },
    close: () => {
      connected?.runners.close();
      connected?.warden.close();
      connected = undefined;
    },
  };
}

async function connect(
  deps: MachineDeps,
  { ready, markerOf }: { ready: Ready; markerOf(mark: number): string | undefined },
): Promise<Connection> {
  const { clock, place, owner, user } = deps;
  const engine = deps.engine();
  const shell = (script: string, { name, as }: { name: string; as: string | undefined }) =>
    engine.exec(ready.id, {
      argv: ["/bin/sh", "-c", script, `remoteagent-${name}`],
      stdin: true,
      ...(as === undefined ? {} : { user: as }),
    });
  const warden = createWarden({
    clock,
    open: (as) => shell(wardenScript, { name: "warden", as }),
    // In somebody else's container a command may have become root.
    users: deps.ours ? [user] : ["0:0", user],
    runs: async () => {
      const found = await engine.inspect(ready.id);
      return found?.State.Running === true && found.State.StartedAt === ready.startedAt;
    },
    text: `${markerName}=${owner}.`,
    markerOf,
  });
  const nonce = () => Buffer.from(clock.random(16)).toString("hex");
  const runners = createRunners(async () =>
    createRunner({ stream: await shell(runnerScript, { name: "runner", as: user }), nonce: nonce(), clock, place }),
  );
  const own = new Set<string>();
  if (deps.ours) for (const row of await warden.table.list()) own.add(processKey(row));
  return { ...ready, runners, warden, own };
}

/** The table of the container's present life; before the first there is nothing. */
function tableOf(connected: () => Connection | undefined): ProcessTable {
  const table = () => connected()?.warden.table;
  return {
    list: async () => (await table()?.list()) ?? [],
    find: async (pid) => table()?.find(pid),
    children: () => undefined,
    memoryBytes: (pid) => table()?.memoryBytes(pid) ?? 0,
    variable: (pid, name) => table()?.variable(pid, name),
    describe: (row) => table()?.describe(row) ?? row.command,
    send: async (row, signal) => (await table()?.send(row, signal)) ?? false,
  };
}

/** The lines of a command that has not become itself yet. */
function wrappersOf(argv: readonly string[]): string[] {
  return [
    lineOfArgv(["/bin/sh", "-c", runnerScript, "remoteagent-runner"]),
    ...["setsid", "/usr/bin/setsid", "/bin/setsid"].map((program) => lineOfArgv([program, "--", ...argv])),
  ];
}

/** How a container's processes are told apart over restarts of this program. */
export function ownerOf(stateDir: string): string {
  return createHash("sha256").update(stateDir).digest("hex").slice(0, 16);
}
