// The sandbox kind `host`: commands run on this machine, inside bubblewrap where that works.
import { createHash } from "node:crypto";
import { posix, relative } from "node:path";
import { Failure } from "../../core/failure.ts";
import { isWithin } from "../../core/folder.ts";
import { limits } from "../../core/limits.ts";
import type { Clock } from "../../sys/clock.ts";
import type { Log } from "../../sys/log.ts";
import type { ProcessTable } from "../../sys/process-tree.ts";
import type { Spawn } from "../../sys/spawn.ts";
import { createExec, type Exec } from "../exec.ts";
import { spawnFiles } from "../files.ts";
import { folderOf, insideHome, insideRoot, type Mounts, planMounts, realPath } from "../mounts.ts";
import { shown, toInside } from "../paths.ts";
import type { Command, Proof, Sandbox, SandboxDriver, SandboxHealth, SandboxRequest, Whereabouts } from "../sandbox.ts";
import { seccompProgram } from "../seccomp.ts";
import { type Fences, findFences } from "./cgroup.ts";
import { checkBubblewrap, readSmallText } from "./check.ts";
import { isWorking, launch, type Place, type WorkingWrapper, type Wrapper } from "./launch.ts";
import { procReadOnly, systemEntries } from "./system.ts";

/** What the driver needs of the world. */
export interface HostDeps {
  spawn: Spawn;
  clock: Clock;
  log: Log;
  table: ProcessTable;
  /** `auto`: bubblewrap where it works. `bubblewrap`: that or nothing. `none`: as the owner, with everything in reach. */
  isolation: "auto" | "bubblewrap" | "none";
  /** Never visible inside; also what our processes are recognised by after a crash. */
  stateDir: string;
  /** The host's environment; only a few variables of it are passed on. */
  environment: Readonly<Record<string, string | undefined>>;
  /** Where bwrap is, if not in the system's folders. */
  bwrapPath?: string;
  /** Keeps trees together; absent: the control groups of this machine. */
  fences?: Fences;
  /** Makes orphans ours and collects them, where the system can (`#ffi`). Used without bubblewrap. */
  orphans?: { becomeSubreaper(): boolean; reap(pid: number): boolean };
}

/** The driver, and what only this kind has. */
export interface HostDriver extends SandboxDriver {
  /** Kills what an earlier run over the same state folder left behind; to be called when the instance's lock is held. */
  sweep(): Promise<Proof>;
  /** Forgets what was found out about bubblewrap and tries again. */
  recheck(): Promise<SandboxHealth>;
}

interface Driver {
  deps: HostDeps;
  exec: Exec;
  /** Makes orphans ours from now on. */
  adopt(): void;
  fences: Fences;
  opened: number;
  wrapper?: Promise<Wrapper>;
}

/** What commands make is not writable for others, however the program was started. */
const commandUmask = 0o022;

/** Init collects the last dead of a group within moments; a group that stays longer is removed by the next sweep. */
const tidyLooksMax = 10;

/** Makes the driver; nothing is started or tried before it is used. */
export function createHostDriver(deps: HostDeps): HostDriver {
  const owner = createHash("sha256")
    .update(realPath(deps.stateDir) ?? deps.stateDir)
    .digest("hex")
    .slice(0, 16);
  const run = Buffer.from(deps.clock.random(8)).toString("hex");
  // In a pid namespace orphans stay inside; only without one are they ours to collect.
  let adopting: boolean | undefined;
  const exec = createExec({
    ...deps,
    spawn: (argv, options) => deps.spawn(argv, { ...options, umask: commandUmask }),
    owner: createHash("sha256")
      .update(realPath(deps.stateDir) ?? deps.stateDir)
      .digest("hex")
      .slice(0, 16),
    run: Buffer.from(deps.clock.random(8)).toString("hex"),
    reaper: () => (adopting === true ? deps.orphans?.reap : undefined),
  });
  const adopt = () => {
    adopting ??= deps.orphans?.becomeSubreaper() ?? false;
  };
  const fences = deps.fences ?? findFences({ log: deps.log, readText: readSmallText });
  const driver: Driver = { deps, exec, adopt, fences, opened: 0 };
  let closed = false;
  return {
    kind: "host",
    check: () => health(driver),
    recheck: () => {
      delete driver.wrapper;
      return health(driver);
    },
    open: async (request) => {
      if (closed) throw new Failure("sandbox", 'Cannot open sandbox "host": it is closed');
      return open(driver, request);
    },
    whereabouts: (request) => whereabouts(driver, request),
    running: () => exec.running(),
    kill: (scope) => exec.kill(scope),
    sweep: async () => {
      const proof = await exec.sweep();
      fences.tidy(`${owner}.`);
      return proof;
    },
    close: async () => {
      closed = true;
      const { survivors } = await exec.kill();
      for (let look = 0; look < tidyLooksMax && !fences.tidy(`${owner}.${run}.`); look++) {
        await deps.clock.sleep(limits.lookMs);
      }
      if (survivors.length > 0) deps.log.error("Commands outlived the sandbox", { survivors });
    },
  };
}

/** What to wrap commands with; tried once and remembered. */
function wrapperOf(driver: Driver): Promise<Wrapper> {
  const { deps } = driver;
  driver.wrapper ??= (async () => {
    const root = process.getuid?.() === 0;
    const bubblewrap = await checkBubblewrap({
      ...deps,
      platform: process.platform,
      root,
      readText: readSmallText,
      ...(deps.bwrapPath === undefined ? {} : { program: deps.bwrapPath }),
    });
    const works = bubblewrap.works;
    return {
      bubblewrap,
      system: works ? systemEntries() : [],
      procReadOnly: works && !bubblewrap.userNamespace ? procReadOnly() : [],
      seccomp: seccompProgram(process.arch),
    };
  })();
  return driver.wrapper;
}

async function health(driver: Driver): Promise<SandboxHealth> {
  const { isolation } = driver.deps;
  if (isolation === "none") {
    return { works: true, isolation: "none", reason: "Commands run without isolation, as the settings say" };
  }
  const { bubblewrap, seccomp } = await wrapperOf(driver);
  if (!bubblewrap.works) {
    const { reason, hint } = bubblewrap;
    const sentence = `${reason.charAt(0).toUpperCase()}${reason.slice(1)}`;
    return { works: isolation === "auto", isolation: "none", reason: sentence, hint };
  }
  const reason = `The filter of kernel calls is missing for ${process.arch}`;
  return { works: true, isolation: "bubblewrap", ...(seccomp === undefined ? { reason } : {}) };
}

/** What commands are wrapped with now, if with anything. @throws Failure `sandbox` when they must be and cannot. */
async function isolationOf(driver: Driver): Promise<WorkingWrapper | undefined> {
  const { isolation } = driver.deps;
  const wrapper = isolation === "none" ? undefined : await wrapperOf(driver);
  if (isolation === "bubblewrap" && wrapper?.bubblewrap.works === false) {
    const { reason, hint } = wrapper.bubblewrap;
    throw new Failure("sandbox", `Cannot start sandbox "host": ${reason}`, { hint });
  }
  return wrapper !== undefined && isWorking(wrapper) ? wrapper : undefined;
}

/** Without bubblewrap the paths inside are the host's own, which only a look at the folders tells. */
async function whereabouts(driver: Driver, request: SandboxRequest): Promise<Whereabouts | undefined> {
  if ((await isolationOf(driver)) === undefined) return undefined;
  const { cwd, workspace, home } = request;
  const inWorkspace = isWithin(cwd, workspace) ? posix.join(insideRoot, relative(workspace, cwd)) : undefined;
  const inHome = cwd === folderOf.home(home) ? insideHome : undefined;
  const inside = inHome ?? inWorkspace ?? realPath(cwd);
  return inside === undefined
    ? undefined
    : { kind: "host", root: insideRoot, cwd: inside, generation: 1, isolation: "bubblewrap" };
}

async function open(driver: Driver, request: SandboxRequest): Promise<Sandbox> {
  const { deps, exec } = driver;
  const wrapped = await isolationOf(driver);
  if (wrapped === undefined) driver.adopt();
  await request.prepare?.();
  const mounts = planMounts(request, { stateDir: deps.stateDir, remap: wrapped !== undefined });
  const cwd = startFolder(request, { mounts, remap: wrapped !== undefined });
  const place: Place = { request, mounts, cwd, ...(wrapped === undefined ? {} : { wrapper: wrapped }) };
  driver.opened += 1;
  const scope = `files-${driver.opened}`;
  let closed = false;
  const spawn = async (command: Command) => {
    if (closed) throw new Failure("sandbox", `Cannot run ${shown(command.argv[0] ?? "")}: its sandbox is closed`);
    checkCommand(command);
    return exec.start(command, async (marker) =>
      launch(place, { command, marker, environment: deps.environment, log: deps.log, fences: driver.fences }),
    );
  };
  return {
    kind: "host",
    root: wrapped === undefined ? mounts.workspace : insideRoot,
    cwd,
    generation: 1,
    isolation: wrapped === undefined ? "none" : "bubblewrap",
    spawn,
    files: spawnFiles({ spawn, cwd, scope }),
    kill: (killed) => exec.kill(killed),
    close: async () => {
      closed = true;
      await exec.kill(scope);
    },
  };
}

/** The folder in which commands start, as they see it. */
function startFolder(request: SandboxRequest, { mounts, remap }: { mounts: Mounts; remap: boolean }): string {
  const real = realPath(request.cwd);
  if (real === undefined) throw new Failure("sandbox", `Cannot start in ${shown(request.cwd)}: it does not exist`);
  const inside = remap ? toInside(mounts.binds, real) : real;
  if (inside === undefined) throw new Failure("sandbox", `Cannot start in ${shown(request.cwd)}: it is not bound`);
  return inside;
}

function checkCommand({ argv, scope }: Command): void {
  const program = argv[0];
  if (program === undefined || program === "") throw new Failure("sandbox", "Cannot run a command: it is empty");
  if (scope === "") throw new Failure("sandbox", `Cannot run ${shown(program)}: it belongs to nothing`);
  const bytes = argv.map((argument) => Buffer.byteLength(argument));
  const total = bytes.reduce((sum, count) => sum + count, 0);
  if (total > limits.argumentsBytesMax || bytes.some((count) => count > limits.argumentBytesMax)) {
    throw new Failure("sandbox", `Cannot run ${shown(program)}: its arguments are too long`, {
      hint: `One argument may have ${limits.argumentBytesMax} bytes, all together ${limits.argumentsBytesMax}; put more in a file`,
    });
  }
  if (argv.some((argument) => argument.includes("\0"))) {
    throw new Failure("sandbox", `Cannot run ${shown(program)}: an argument has a NUL character`);
  }
}
