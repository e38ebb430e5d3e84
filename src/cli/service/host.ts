// The machine as service management needs it: systemd's commands, its folders, and the users. Tests play their own.
import { existsSync, readFileSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import process from "node:process";
import { systemEnvironment } from "../../config/load.ts";
import { Failure } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import { systemClock } from "../../sys/clock.ts";
import { codeOf } from "../../sys/errno.ts";
import { type Child, systemSpawn } from "../../sys/spawn.ts";
import { selfCommand } from "../self.ts";
import type { Scope } from "./unit-text.ts";

/** An entry of the user database. */
export interface User {
  name: string;
  uid: number;
  gid: number;
  home: string;
}

/** How a command ended; `code` is undefined when it could not be started or was stopped. */
export interface Ran {
  code: number | undefined;
  out: string;
  err: string;
}

export interface Host {
  /** systemd runs this machine (sd_booted(3)). */
  booted: boolean;
  uid: number;
  env: Readonly<Record<string, string | undefined>>;
  /** The argv that starts this program. */
  program: readonly string[];
  /** Where unit files stand. */
  folders: Readonly<Record<Scope, string>>;
  /** A file for each user whose services run without a login. */
  lingers: string;
  /** By name or number. */
  user(name: string): Promise<User | undefined>;
  /** Runs a command to its end, at most `ms`. Never throws. */
  run(argv: readonly string[], options?: { ms?: number }): Promise<Ran>;
}

/** This machine. */
export function systemHost(): Host {
  const env = systemEnvironment();
  const uid = process.getuid?.() ?? 0;
  const runtime = `/run/user/${uid}`;
  // After su and in cron it is not set, and without it the user's own manager is not found.
  const childEnv =
    env.XDG_RUNTIME_DIR === undefined && existsSync(runtime) ? { ...env, XDG_RUNTIME_DIR: runtime } : env;
  const run: Host["run"] = (argv, { ms = limits.serviceAskMs } = {}) => runToEnd(argv, { ms, env: childEnv });
  const { HOME = "/", XDG_CONFIG_HOME } = env;
  const config = XDG_CONFIG_HOME !== undefined && isAbsolute(XDG_CONFIG_HOME) ? XDG_CONFIG_HOME : join(HOME, ".config");
  return {
    booted: process.platform === "linux" && existsSync("/run/systemd/system"),
    uid,
    env,
    program: selfCommand(),
    folders: { system: "/etc/systemd/system", user: join(config, "systemd/user") },
    lingers: "/var/lib/systemd/linger",
    run,
    async user(name) {
      const { out } = await run(["getent", "passwd", name]);
      return parseUser(out.split("\n")[0] ?? "") ?? localUser(name);
    },
  };
}

/** One line of passwd(5). */
function parseUser(line: string): User | undefined {
  const [name = "", , uid = "", gid = "", , home = ""] = line.split(":");
  if (name === "" || !/^\d+$/.test(uid) || !/^\d+$/.test(gid)) return undefined;
  return { name, uid: Number(uid), gid: Number(gid), home };
}

/** Where there is no getent: users of this machine alone. */
function localUser(name: string): User | undefined {
  try {
    const users = readFileSync("/etc/passwd", "utf8")
      .split("\n")
      .flatMap((line) => parseUser(line) ?? []);
    return users.find((user) => user.name === name || String(user.uid) === name);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function runToEnd(
  argv: readonly string[],
  { ms, env }: { ms: number; env: Record<string, string> },
): Promise<Ran> {
  let child: Child;
  try {
    // Dates come in a form that can be read back, and no pager waits for a key.
    const spoken = { ...env, LC_ALL: "C", TZ: "UTC", SYSTEMD_PAGER: "", SYSTEMD_COLORS: "0" };
    child = await systemSpawn(argv, { cwd: "/", env: spoken, stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { code: undefined, out: "", err: error.message };
  }
  const over = new AbortController();
  void systemClock.sleep(ms, over.signal).then(() => over.signal.aborted || child.kill("SIGKILL"));
  const [out, err] = await Promise.all([collect(child.stdout), collect(child.stderr)]);
  const exited = await child.exited;
  over.abort();
  return { code: "code" in exited ? exited.code : undefined, out, err };
}

/** The beginning of a stream, which is read to its end. */
async function collect(stream: AsyncIterable<unknown> | null): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream ?? []) {
    const room = limits.serviceTextBytesMax - bytes;
    if (room <= 0 || !(chunk instanceof Uint8Array)) continue;
    chunks.push(Buffer.from(chunk.subarray(0, room)));
    bytes += chunk.byteLength;
  }
  return Buffer.concat(chunks).toString("utf8");
}
