// The sandbox kind `container:<name>`: commands run in a container that somebody else made and looks after.
import { Failure, failureData } from "../../core/failure.ts";
import type { Clock } from "../../sys/clock.ts";
import type { Log } from "../../sys/log.ts";
import { engineFinder } from "../engine/connect.ts";
import type { Container, Engine } from "../engine/engine.ts";
import { createHold } from "../engine/hold.ts";
import { createMachine, type Machine, ownerOf } from "../engine/machine.ts";
import { type Bind, toInside } from "../paths.ts";
import type { Proof, Sandbox, SandboxDriver, SandboxHealth, SandboxRequest } from "../sandbox.ts";

/** What the driver needs of the world. */
export interface ContainerDeps {
  clock: Clock;
  log: Log;
  stateDir: string;
  /** The host's environment, where the engine's address may stand. */
  environment: Readonly<Record<string, string | undefined>>;
  /** The container's name or id. */
  name: string;
}

interface Driver {
  deps: ContainerDeps;
  /** @throws Failure `sandbox` when there is none. */
  engine(): Engine;
  machine: Machine;
  opened: number;
  closed: boolean;
}

const kind = "container";

/** Makes the driver; the engine is asked when it is first used. */
export function createContainerDriver(deps: ContainerDeps): SandboxDriver & { sweep(): Promise<Proof> } {
  const engine = engineFinder(deps.environment);
  const machine = createMachine({
    engine,
    clock: deps.clock,
    log: deps.log,
    place: `container ${JSON.stringify(deps.name)}`,
    owner: ownerOf(deps.stateDir),
    run: Buffer.from(deps.clock.random(8)).toString("hex"),
    ours: false,
    ready: async () => {
      refuseClosed(driver);
      const { Id, State } = await running(driver);
      return { id: Id, startedAt: State.StartedAt };
    },
  });
  const driver: Driver = { deps, engine, machine, opened: 0, closed: false };
  return {
    kind,
    check: () => health(driver),
    open: (request) => open(driver, request),
    running: () => machine.exec.running(),
    kill: (scope) => machine.exec.kill(scope),
    sweep: () => sweep(driver),
    close: async () => {
      driver.closed = true;
      const { survivors } = await machine.exec.kill();
      machine.close();
      if (survivors.length > 0) deps.log.error("Commands outlived the sandbox", { survivors });
    },
  };
}

function refuseClosed({ closed, deps }: Driver): void {
  if (closed) throw new Failure("sandbox", `Cannot open sandbox "${kind}:${deps.name}": it is closed`);
}

/** Starts nothing: a stopped container is started by the first turn. */
async function health({ deps, engine: connect }: Driver): Promise<SandboxHealth> {
  try {
    const engine = connect();
    const about = await engine.about();
    const found = await find(engine, deps.name);
    if (found.State.Paused) throw pausedFailure(deps.name);
    const plain = engine.endpoint.tls === undefined && "host" in engine.endpoint.address;
    const reason = `${about.shown} is reached without encryption: whoever is on the way can use it`;
    return { works: true, isolation: "container", ...(plain ? { reason } : {}) };
  } catch (error) {
    const { message, hint } = failureData(error);
    return { works: false, isolation: "container", reason: message, ...(hint === undefined ? {} : { hint }) };
  }
}

async function find(engine: Engine, name: string): Promise<Container> {
  const found = await engine.inspect(name);
  if (found !== undefined) return found;
  throw new Failure("sandbox", `Cannot use container ${JSON.stringify(name)}: it does not exist`, {
    hint: `Create it first, or take "image:<image>", which makes its own`,
  });
}

function pausedFailure(name: string): Failure {
  return new Failure("sandbox", `Cannot use container ${JSON.stringify(name)}: it is paused`, {
    hint: `docker unpause ${name}`,
  });
}

/** The container as it runs now, started when it was stopped. */
async function running({ deps, engine: connect }: Driver): Promise<Container> {
  const engine = connect();
  const found = await find(engine, deps.name);
  if (found.State.Paused) throw pausedFailure(deps.name);
  if (found.State.Running) return found;
  await engine.start(found.Id);
  const started = await find(engine, deps.name);
  if (started.State.Running) return started;
  throw new Failure("sandbox", `Cannot use container ${JSON.stringify(deps.name)}: it ends as soon as it is started`, {
    hint: `docker logs ${deps.name} shows why`,
  });
}

async function open(driver: Driver, request: SandboxRequest): Promise<Sandbox> {
  refuseClosed(driver);
  await request.prepare?.();
  const container = await running(driver);
  await driver.machine.warm();
  driver.opened += 1;
  return createHold({
    kind,
    ...whereOf(container, request),
    generation: Math.max(1, Math.floor(Date.parse(container.State.StartedAt) / 1000) || 1),
    env: request.env ?? {},
    scope: `files-${driver.opened}`,
    machine: driver.machine,
    kill: (scope) => driver.machine.exec.kill(scope),
    release: () => undefined,
  });
}

/** Where the workspace and the turn's folder are inside, as the container's own mounts say; else where it starts. */
function whereOf(container: Container, request: SandboxRequest): { root: string; cwd: string } {
  const binds = container.Mounts.filter(({ Type }) => Type === "bind").map(
    ({ Source, Destination, RW }): Bind => ({ host: Source, inside: Destination, access: RW ? "rw" : "ro" }),
  );
  const start = container.Config.WorkingDir === "" ? "/" : container.Config.WorkingDir;
  const root = toInside(binds, request.workspace) ?? start;
  return { root, cwd: toInside(binds, request.cwd) ?? root };
}

/** Kills what an earlier run of this program left in the container, if that runs. */
async function sweep(driver: Driver): Promise<Proof> {
  const container = await driver.engine().inspect(driver.deps.name);
  if (container === undefined || !container.State.Running || container.State.Paused) {
    return { killed: [], survivors: [] };
  }
  return driver.machine.sweep();
}
