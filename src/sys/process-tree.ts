// The machine's processes as rows: what kills and limits are decided by, and what proves a death.
import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { promisify } from "node:util";

/** One process at one moment. `pid` and `started` together never mean another process. */
export interface ProcessRow {
  pid: number;
  parent: number;
  session: number;
  /** When it began, in the kernel's own unit: only good for comparing. */
  started: string;
  /** It has ended and only waits to be collected by its parent. */
  dead: boolean;
  command: string;
}

/** Reads processes and sends signals. Unreadable and vanished processes are left out. */
export interface ProcessTable {
  /** @throws Error when the machine is out of descriptors or memory: then nothing is known. */
  list(): Promise<ProcessRow[]>;
  /**
   * The numbers of all processes, without a look at any; absent where the system cannot say that.
   * @throws Error as `list` does.
   */
  pids?(): number[];
  /** One process; `undefined` when there is none. @throws Error as `list` does. */
  find(pid: number): Promise<ProcessRow | undefined>;
  /**
   * The children of a process, without looking at all others; `undefined` where the system cannot say.
   * @throws Error as `list` does.
   */
  children(pid: number): number[] | undefined;
  /** Resident bytes that the process does not share with others; 0 when it is gone. */
  memoryBytes(pid: number): number;
  /**
   * One variable of the environment that the process was started with; `undefined` when unset or unreadable.
   * @throws Error as `list` does.
   */
  variable(pid: number, name: string): string | undefined;
  /** The command line, for people; the short name when there is none. */
  describe(row: ProcessRow): string;
  /** Sends a signal unless the number has become another process. False when there is nobody to get it. */
  send(row: ProcessRow, signal: "SIGSTOP" | "SIGKILL" | "SIGTERM" | "SIGINT"): Promise<boolean>;
}

/** The table of this machine: `/proc` on Linux, `ps` elsewhere (no memory, so no watched memory limit). */
export function processTable(platform: string = process.platform): ProcessTable {
  return platform === "linux" ? procTable("/proc") : psTable();
}

/** A table over a procfs mounted at `root`. Fields of `stat` as in proc_pid_stat(5). */
export function procTable(root: string): ProcessTable {
  const read = (pid: number, name: string): string | undefined => {
    try {
      return readFileSync(`${root}/${pid}/${name}`, "latin1");
    } catch (error) {
      // It has ended meanwhile, or belongs to someone else. Out of descriptors or memory is neither: then a living
      // process must not look dead.
      if (isShortage(error)) throw error;
      return undefined;
    }
  };
  /** For what no death is concluded from. */
  const readUnless = (pid: number, name: string): string | undefined => {
    try {
      return read(pid, name);
    } catch {
      return undefined; // Out of descriptors: the caller tries again.
    }
  };
  const row = (pid: number): ProcessRow | undefined => parseStat(read(pid, "stat") ?? "");
  const pids = () =>
    readdirSync(root)
      .map(Number)
      .filter((pid) => Number.isInteger(pid));
  return {
    list: async () => pids().flatMap((pid) => row(pid) ?? []),
    pids,
    find: async (pid) => row(pid),
    children: (pid) => {
      const lists = tasksOf(`${root}/${pid}/task`).map((task) => read(pid, `task/${task}/children`));
      if (lists.length === 0 || lists.includes(undefined)) return undefined;
      return lists.flatMap((list) => (list ?? "").split(" ").filter(Boolean).map(Number));
    },
    memoryBytes: (pid) => {
      const [, resident = 0, shared = 0] = (readUnless(pid, "statm") ?? "").split(" ").map(Number);
      return Math.max(0, resident - shared) * pageBytes;
    },
    variable: (pid, name) => environmentValue(read(pid, "environ") ?? "", name),
    describe: ({ pid, command }) => {
      const line = (readUnless(pid, "cmdline") ?? "").replaceAll("\0", " ").trim();
      return line === "" ? command : Buffer.from(line, "latin1").toString("utf8");
    },
    send: async (target, signal) => {
      const current = parseStat(readUnless(target.pid, "stat") ?? "");
      if (current === undefined || current.dead || current.started !== target.started) return false;
      return signalProcess(target.pid, signal);
    },
  };
}

function isShortage(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === "EMFILE" || code === "ENFILE" || code === "ENOMEM";
}

/** Pages as statm counts them. 4 KiB but on a few arm64 kernels, where the watched limit is then met later. */
const pageBytes = 4_096;

function tasksOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (isShortage(error)) throw error;
    return []; // It has ended.
  }
}

/** One line of `/proc/<pid>/stat`. The name in parentheses may hold spaces and parentheses itself. */
export function parseStat(line: string): ProcessRow | undefined {
  const match = /^(\d+) \((.*)\) (\S) ([^)]*)$/s.exec(line.trimEnd());
  if (match === null) return undefined;
  const [, pid, command = "", state = "", rest = ""] = match;
  const fields = rest.split(" ");
  // A first thread that has ended leaves the others running: the process shows Z and is alive.
  const threads = Number(fields[16]);
  return {
    pid: Number(pid),
    parent: Number(fields[0]),
    session: Number(fields[2]),
    started: fields[18] ?? "",
    dead: state === "X" || (state === "Z" && threads <= 1),
    command,
  };
}

function environmentValue(block: string, name: string): string | undefined {
  const line = block.split("\0").find((entry) => entry.startsWith(`${name}=`));
  return line?.slice(name.length + 1);
}

function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false; // Gone between the look and the signal, or not ours.
  }
}

const execute = promisify(execFile);

/** A table over `ps` with the options that macOS and procps share; `-E` (environment) is macOS alone. */
export function psTable(): ProcessTable {
  const environments = new Map<number, string>();
  return {
    find: async (pid) => {
      const rows = await execute("ps", ["-p", String(pid), "-o", psColumns], psOptions).catch(() => undefined);
      return parsePs(rows?.stdout.trimEnd() ?? "");
    },
    list: async () => {
      const { stdout } = await execute("ps", ["-axo", psColumns], psOptions);
      const rows = stdout.split("\n").flatMap((line) => parsePs(line) ?? []);
      environments.clear();
      if (process.platform === "darwin") {
        const withEnvironment = await execute("ps", ["-axEwwo", "pid=,command="], psOptions);
        for (const line of withEnvironment.stdout.split("\n")) environments.set(Number.parseInt(line, 10), line);
      }
      return rows;
    },
    children: () => undefined,
    memoryBytes: () => 0,
    variable: (pid, name) => new RegExp(`\\s${name}=(\\S+)`).exec(environments.get(pid) ?? "")?.[1],
    describe: ({ command }) => command,
    send: async (target, signal) => signalProcess(target.pid, signal),
  };
}

const psColumns = "pid=,ppid=,sess=,stat=,lstart=,comm=";
const psOptions = { timeout: 5_000, maxBuffer: 32 * 1024 * 1024, env: { PATH: "/bin:/usr/bin", LC_ALL: "C" } };

/** One line of `ps -axo pid=,ppid=,sess=,stat=,lstart=,comm=` in the C locale. */
export function parsePs(line: string): ProcessRow | undefined {
  const match = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(\S+)\s+(\w{3} \w{3}\s+\d+ [\d:]{8} \d{4})\s+(.*)$/.exec(line);
  if (match === null) return undefined;
  const [, pid, parent, session, state = "", started = "", command = ""] = match;
  return {
    pid: Number(pid),
    parent: Number(parent),
    session: Number(session) || 0,
    started,
    dead: state.startsWith("Z"),
    command,
  };
}
