// The sandbox kind `image:<image>`: commands run in containers that this program makes, shares, stops and removes.
import { chownSync, existsSync, statSync } from "node:fs";
import { posix, relative } from "node:path";
import process from "node:process";
import { errorText, Failure, failureData } from "../../core/failure.ts";
import { isWithin } from "../../core/folder.ts";
import { limits } from "../../core/limits.ts";
import type { Clock } from "../../sys/clock.ts";
import type { Log } from "../../sys/log.ts";
import { engineFinder } from "../engine/connect.ts";
import type { Engine, EngineImage, EngineInfo } from "../engine/engine.ts";
import { createHold } from "../engine/hold.ts";
import { ownerOf } from "../engine/machine.ts";
import { folderOf, insideHome, insideRoot, type Mounts, planMounts, realPath } from "../mounts.ts";
import { shown, toInside } from "../paths.ts";
import type { Proof, Sandbox, SandboxDriver, SandboxHealth, SandboxRequest, Whereabouts } from "../sandbox.ts";
import { createSlot, removeContainer, type Slot } from "./slot.ts";
import { labelNames, missingBounds, type Owner, specOf } from "./spec.ts";

/** What the driver needs of the world. */
export interface ImageDeps {
  clock: Clock;
  log: Log;
  /** Never visible inside; also what our containers are recognised by. */
  stateDir: string;
  /** The host's environment, where the engine's address may stand. */
  environment: Readonly<Record<string, string | undefined>>;
  /** The image, as the engine names it. */
  name: string;
  /** How long a container stays without use, in milliseconds; absent: `limits.containerIdleMs`. */
  idleMs?: number;
}

interface Driver {
  deps: ImageDeps;
  /** @throws Failure `sandbox` when there is none. */
  engine(): Engine;
  owner: string;
  run: string;
  /** What the engine can do; asked for once, since it takes long. */
  info(): Promise<EngineInfo>;
  /** By the name of the container. */
  slots: Map<string, Slot>;
  opened: number;
  closed: boolean;
}

const kind = "image";

/** Makes the driver; the engine is asked when it is first used. */
export function createImageDriver(deps: ImageDeps): SandboxDriver & { sweep(): Promise<Proof> } {
  const engine = engineFinder(deps.environment);
  let info: Promise<EngineInfo> | undefined;
  const driver: Driver = {
    deps,
    engine,
    info: () => {
      info ??= linuxInfo(engine()).catch((error: unknown) => {
        info = undefined;
        throw error;
      });
      return info;
    },
    owner: ownerOf(deps.stateDir),
    run: Buffer.from(deps.clock.random(8)).toString("hex"),
    slots: new Map(),
    opened: 0,
    closed: false,
  };
  const slots = () => [...driver.slots.values()];
  return {
    kind,
    check: () => health(driver),
    open: (request) => open(driver, request),
    whereabouts: (request) => whereabouts(driver, request),
    running: () => slots().flatMap(({ machine }) => machine.exec.running()),
    kill: async (scope) => joined(await Promise.all(slots().map((slot) => slot.kill(scope)))),
    sweep: () => sweep(driver),
    close: async () => {
      driver.closed = true;
      const { survivors } = joined(await Promise.all(slots().map((slot) => slot.kill())));
      if (survivors.length > 0) deps.log.error("Commands outlived the sandbox", { survivors });
      await Promise.all(slots().map((slot) => stopQuietly(driver, slot)));
    },
  };
}

function joined(proofs: readonly Proof[]): Proof {
  return { killed: proofs.flatMap(({ killed }) => killed), survivors: proofs.flatMap(({ survivors }) => survivors) };
}

async function stopQuietly({ deps }: Driver, slot: Slot): Promise<void> {
  await slot.stop().catch((error: unknown) => {
    deps.log.warn("A container could not be stopped", { container: slot.spec.name, error: errorText(error) });
  });
}

async function health(driver: Driver): Promise<SandboxHealth> {
  const { deps } = driver;
  try {
    const engine = driver.engine();
    const info = await driver.info();
    const image = await engine.image(deps.name);
    const missing = missingBounds(info);
    const reasons = [
      ...(image === undefined ? [`Image ${JSON.stringify(deps.name)} is not here yet: the first turn gets it`] : []),
      ...(missing.length === 0 ? [] : [`The engine cannot bound ${missing.join(" and ")} here`]),
    ];
    return { works: true, isolation: "container", ...(reasons.length === 0 ? {} : { reason: reasons.join(". ") }) };
  } catch (error) {
    const { message, hint } = failureData(error);
    return { works: false, isolation: "container", reason: message, ...(hint === undefined ? {} : { hint }) };
  }
}

async function linuxInfo(engine: Engine): Promise<EngineInfo> {
  const info = await engine.info();
  // A rootless engine says that it has them, and then ignores them, where control groups are of version 1.
  const ignored = info.CgroupVersion === "1" && isRootless(engine, info);
  const bounds = ignored ? { MemoryLimit: false, PidsLimit: false, CpuCfsQuota: false } : {};
  if (info.OSType === "linux") return { ...info, ...bounds };
  throw new Failure("sandbox", `Cannot use the engine at ${engine.endpoint.shown}: its containers are not Linux`);
}

/** The image, fetched when it is not here. */
async function imageOf({ deps }: Driver, engine: Engine): Promise<EngineImage> {
  const found = await engine.image(deps.name);
  if (found !== undefined) return found;
  deps.log.info("The image is fetched", { image: deps.name });
  await engine.pull(deps.name);
  const pulled = await engine.image(deps.name);
  if (pulled !== undefined) return pulled;
  throw new Failure("sandbox", `Cannot use image ${shown(deps.name)}: it is not there after it was fetched`);
}

function refuseClosed({ closed, deps }: Driver): void {
  if (closed) throw new Failure("sandbox", `Cannot open sandbox "${kind}:${deps.name}": it is closed`);
}

/** Where a turn will be, from the request alone. */
async function whereabouts(driver: Driver, request: SandboxRequest): Promise<Whereabouts | undefined> {
  refuseClosed(driver);
  await driver.engine().about();
  const { cwd, workspace, home } = request;
  const inWorkspace = isWithin(cwd, workspace) ? posix.join(insideRoot, relative(workspace, cwd)) : undefined;
  const inHome = cwd === folderOf.home(home) ? insideHome : undefined;
  const inside = inHome ?? inWorkspace ?? realPath(cwd);
  if (inside === undefined) return undefined;
  return { kind, root: insideRoot, cwd: inside, generation: 1, isolation: "container" };
}

async function open(driver: Driver, request: SandboxRequest): Promise<Sandbox> {
  refuseClosed(driver);
  const { deps } = driver;
  await request.prepare?.();
  const mounts = planMounts(request, { stateDir: deps.stateDir, remap: true });
  const real = realPath(request.cwd);
  const cwd = real === undefined ? undefined : toInside(mounts.binds, real);
  if (cwd === undefined) {
    const reason = real === undefined ? "it does not exist" : "it is not bound";
    throw new Failure("sandbox", `Cannot start in ${shown(request.cwd)}: ${reason}`);
  }
  const slot = await slotOf(driver, { request, mounts });
  slot.hold();
  try {
    await slot.prepare();
    refuseClosed(driver);
  } catch (error) {
    slot.release();
    throw error;
  }
  driver.opened += 1;
  return createHold({
    kind,
    root: insideRoot,
    cwd,
    generation: slot.generation(),
    env: request.env ?? {},
    scope: `files-${driver.opened}`,
    machine: slot.machine,
    kill: (scope) => slot.kill(scope),
    release: () => slot.release(),
  });
}

/** The slot that a request fits; others of the same key that nobody uses are out of date, and go. */
async function slotOf(driver: Driver, { request, mounts }: { request: SandboxRequest; mounts: Mounts }): Promise<Slot> {
  const { deps, owner, run } = driver;
  const engine = driver.engine();
  const [info, found] = await Promise.all([driver.info(), imageOf(driver, engine)]);
  const rootless = isRootless(engine, info);
  const workspaceOwner = ownFolders(mounts, rootless);
  const spec = specOf({ request, mounts, owner, image: { name: deps.name, found }, info, workspaceOwner, rootless });
  const known = driver.slots.get(spec.name);
  if (known !== undefined) return known;
  refuseClosed(driver);
  const slot = createSlot({
    engine: driver.engine,
    clock: deps.clock,
    log: deps.log,
    owner,
    run,
    spec,
    binds: mounts.binds,
    image: deps.name,
    idleMs: deps.idleMs ?? limits.containerIdleMs,
    makeRoom: () => makeRoom(driver),
  });
  driver.slots.set(spec.name, slot);
  await removeOld(driver, slot);
  return slot;
}

/** Root inside is the engine's user outside. */
function isRootless({ endpoint }: Engine, { SecurityOptions }: EngineInfo): boolean {
  if ((SecurityOptions ?? []).some((option) => option.includes("rootless"))) return true;
  if (!("socketPath" in endpoint.address)) return false;
  return (statSync(endpoint.address.socketPath, { throwIfNoEntry: false })?.uid ?? 0) !== 0;
}

/**
 * Who owns the workspace. Home and temporary folder are given to the same, so that commands can write there when this
 * program is root and the workspace is somebody else's.
 */
function ownFolders({ workspace, home, temporary }: Mounts, rootless: boolean): Owner {
  const { uid, gid } = statSync(workspace);
  if (!rootless && process.getuid?.() === 0) for (const folder of [home, temporary]) chownSync(folder, uid, gid);
  return { uid, gid };
}

/** Containers of the same key with another spec: their image, folders or limits have changed since. */
async function removeOld(driver: Driver, slot: Slot): Promise<void> {
  const engine = driver.engine();
  const rows = await engine.list(`${labelNames.key}=${slot.spec.key}`);
  for (const { Labels } of rows) {
    const name = `remoteagent-${slot.spec.key}-${Labels?.[labelNames.spec] ?? ""}`;
    if (name === slot.spec.name || Labels?.[labelNames.owner] !== driver.owner) continue;
    const held = driver.slots.get(name);
    if (held !== undefined && !held.unused()) continue;
    driver.slots.delete(name);
    await (held?.remove() ?? removeContainer(engine, name));
  }
}

/** Removes stopped containers of ours with their networks, for a new one that finds no room. */
async function makeRoom(driver: Driver): Promise<boolean> {
  const engine = driver.engine();
  let freed = false;
  for (const row of await ownRows(driver)) {
    if (row.State === "running" || driver.slots.get(row.name)?.unused() === false) continue;
    driver.slots.delete(row.name);
    await removeContainer(engine, row.name);
    freed = true;
  }
  return freed;
}

async function ownRows(driver: Driver) {
  const rows = await driver.engine().list(`${labelNames.owner}=${driver.owner}`);
  return rows.map(({ Labels, State }) => ({
    State,
    home: Labels?.[labelNames.home] ?? "",
    image: Labels?.[labelNames.image] ?? "",
    name: `remoteagent-${Labels?.[labelNames.key] ?? ""}-${Labels?.[labelNames.spec] ?? ""}`,
  }));
}

/**
 * Brings order after an earlier run: containers that still run are stopped with everything in them, those of another
 * image or of a home that is gone are removed, and so are networks without a container.
 */
async function sweep(driver: Driver): Promise<Proof> {
  const engine = driver.engine();
  const names = new Set<string>();
  for (const { name, home, image, State } of await ownRows(driver)) {
    if (image !== driver.deps.name || !existsSync(home) || State === "paused") await removeContainer(engine, name);
    else {
      names.add(name);
      if (State === "running") await engine.stop(name, 0);
    }
  }
  for (const { Id, Name } of await engine.networks(`${labelNames.owner}=${driver.owner}`)) {
    if (!names.has(Name)) await engine.removeNetwork(Id);
  }
  return { killed: [], survivors: [] };
}
