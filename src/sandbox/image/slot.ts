// One managed container: made when it is needed, shared by the turns that fit it, stopped when nobody uses it.
import { errorText, Failure } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import type { Clock } from "../../sys/clock.ts";
import type { Log } from "../../sys/log.ts";
import type { Container, Engine } from "../engine/engine.ts";
import { createMachine, type Machine, type Ready } from "../engine/machine.ts";
import { realPath } from "../mounts.ts";
import { type Bind, shown } from "../paths.ts";
import type { Proof } from "../sandbox.ts";
import type { Spec } from "./spec.ts";

/** What a slot is made of. */
export interface SlotDeps {
  engine(): Engine;
  clock: Clock;
  log: Log;
  owner: string;
  run: string;
  spec: Spec;
  binds: readonly Bind[];
  /** The image as the settings name it, for messages. */
  image: string;
  /** How long it stays without use, in milliseconds. */
  idleMs: number;
  /** Frees what other containers of ours hold and do not use; false: there was nothing. */
  makeRoom(): Promise<boolean>;
}

/** A place for turns with the same wishes. */
export interface Slot {
  readonly spec: Spec;
  readonly machine: Machine;
  /** Begins a use; the container does not stop while one lasts. */
  hold(): void;
  release(): void;
  /** Nobody holds it, and nothing runs in it. */
  unused(): boolean;
  /** Seconds of its last start since 1970: it rises with each start, also over starts of this program. */
  generation(): number;
  /** Makes and starts it now. @throws Failure `sandbox`. */
  prepare(): Promise<void>;
  kill(scope?: string): Promise<Proof>;
  /** Stops the container; the next command starts it afresh. */
  stop(): Promise<void>;
  /** Stops, and removes container and network. */
  remove(): Promise<void>;
}

interface State {
  deps: SlotDeps;
  holders: number;
  ready?: Ready;
  starting?: Promise<Ready>;
  /** A stop on its way: a use that begins meanwhile waits, and then starts the container afresh. */
  stopping?: Promise<void>;
  generation: number;
  idle?: AbortController;
  closed: boolean;
}

/** Makes the slot; the engine is asked when it is first used. */
export function createSlot(deps: SlotDeps): Slot {
  const { engine, clock, log, owner, run, spec } = deps;
  const state: State = { deps, holders: 0, generation: 1, closed: false };
  const machine = createMachine({
    engine,
    clock,
    log,
    place: `image ${JSON.stringify(deps.image)}`,
    owner,
    run,
    user: spec.user,
    ours: true,
    ready: () => ensure(state),
  });
  const unused = () => state.holders === 0 && machine.exec.running().length === 0;
  const stop = async () => {
    state.idle?.abort();
    machine.close();
    delete state.ready;
    state.stopping = engine()
      .stop(spec.name, limits.containerStopSeconds)
      .finally(() => {
        delete state.stopping;
      });
    await state.stopping;
  };
  return {
    spec,
    machine,
    hold: () => {
      state.idle?.abort();
      state.holders += 1;
    },
    release: () => {
      state.holders -= 1;
      if (state.holders === 0) void waitIdle(state, { unused, stop });
    },
    unused,
    generation: () => state.generation,
    prepare: () => machine.warm(),
    kill: (scope) => killIn(state, { machine, scope }),
    stop,
    remove: async () => {
      state.closed = true;
      state.idle?.abort();
      machine.close();
      await removeContainer(engine(), spec.name);
    },
  };
}

/** Removes a container with its network. */
export async function removeContainer(engine: Engine, name: string): Promise<void> {
  await engine.remove(name);
  await engine.removeNetwork(name);
}

/** Clears the way for a new try; what cannot be removed now is met again by that. */
async function clear({ engine, log, spec }: SlotDeps): Promise<void> {
  try {
    await removeContainer(engine(), spec.name);
  } catch (error) {
    log.warn("A container could not be removed", { container: spec.name, error: errorText(error) });
  }
}

async function waitIdle(state: State, { unused, stop }: { unused(): boolean; stop(): Promise<void> }): Promise<void> {
  const { clock, log, idleMs, spec } = state.deps;
  const idle = new AbortController();
  state.idle = idle;
  await clock.sleep(idleMs, idle.signal);
  if (idle.signal.aborted) return;
  // Something still runs for the session: it is looked at again after the same time.
  if (!unused()) return waitIdle(state, { unused, stop });
  await stop().catch((error: unknown) =>
    log.warn("An idle container could not be stopped", { container: spec.name, error: errorText(error) }),
  );
}

/** The container, running. Callers at the same time share one start. */
async function ensure(state: State): Promise<Ready> {
  const { deps } = state;
  if (state.closed) throw new Failure("sandbox", `Cannot use image ${shown(deps.image)}: its container was removed`);
  // Whether it succeeds is the stopper's to tell.
  if (state.stopping !== undefined) await Promise.allSettled([state.stopping]);
  const found = await deps.engine().inspect(deps.spec.name);
  if (found?.State.Paused === true) {
    throw new Failure("sandbox", `Cannot use image ${shown(deps.image)}: its container is paused`, {
      hint: `docker unpause ${deps.spec.name}`,
    });
  }
  if (found?.State.Running === true && state.starting === undefined) return noted(state, found);
  state.starting ??= startOrMake(state, found !== undefined).finally(() => {
    delete state.starting;
  });
  return state.starting;
}

async function startOrMake(state: State, exists: boolean): Promise<Ready> {
  const { spec, binds, image } = state.deps;
  const engine = state.deps.engine();
  checkFolders(binds);
  if (!exists) await make(state);
  try {
    await engine.start(spec.name);
    // A folder that was swapped for a link while the engine looked at it: then what is bound is not what was checked.
    checkFolders(binds);
  } catch (error) {
    await clear(state.deps);
    throw /\/bin\/sh/.test(errorText(error)) ? noShell(image, errorText(error)) : error;
  }
  const started = await engine.inspect(spec.name);
  if (started?.State.Running !== true) {
    await removeContainer(engine, spec.name);
    throw noShell(image, "it ended as soon as it was started");
  }
  return noted(state, started);
}

function noShell(image: string, detail: string): Failure {
  return new Failure("sandbox", `Cannot use image ${shown(image)}: it has no shell that stays`, {
    hint: "The image needs a POSIX shell at /bin/sh, and the program sleep",
    detail,
  });
}

/** Network and container. An engine has room for some 30 networks: unused ones of ours are given up for a new one. */
async function make({ deps }: State): Promise<void> {
  const { spec, makeRoom } = deps;
  const engine = deps.engine();
  const { [labelOwner]: owner = "" } = spec.labels;
  const network = () => engine.createNetwork(spec.name, { labels: { [labelOwner]: owner } });
  await clear(deps);
  await network().catch(async (error: unknown) => {
    if (!(await makeRoom())) throw error;
    return network();
  });
  try {
    await engine.create(spec.name, spec.body);
  } catch (error) {
    await clear(deps);
    throw error;
  }
}

const labelOwner = "remoteagent.owner";

function noted(state: State, { Id, State }: Container): Ready {
  state.ready = { id: Id, startedAt: State.StartedAt };
  state.generation = Math.max(state.generation, Math.floor(Date.parse(State.StartedAt) / 1000) || 1);
  return state.ready;
}

/** @throws Failure `sandbox` when a bound folder is gone or a link leads elsewhere. */
function checkFolders(binds: readonly Bind[]): void {
  for (const { host } of binds) {
    const real = realPath(host);
    if (real === host) continue;
    const reason = real === undefined ? "it does not exist" : "a link leads elsewhere since it was given";
    throw new Failure("sandbox", `Cannot bind folder ${shown(host)}: ${reason}`);
  }
}

/**
 * Kills with proof. A container of ours whose processes do not die, or cannot be looked at, is removed as a whole when
 * nobody else's commands run in it: what the engine has removed is dead.
 */
async function killIn(
  { deps }: State,
  { machine, scope }: { machine: Machine; scope: string | undefined },
): Promise<Proof> {
  const mine = machine.exec.running().filter((one) => scope === undefined || one.scope === scope);
  const others = () => machine.exec.running().some((one) => scope !== undefined && one.scope !== scope);
  const removed = async () => {
    try {
      await deps.engine().remove(deps.spec.name);
      return true;
    } catch (error) {
      deps.log.error("A container could not be removed", { container: deps.spec.name, error: errorText(error) });
      return false;
    }
  };
  // Frozen processes die only when they are thawed, so there is no use in waiting for that.
  const frozen = mine.length > 0 && !others() && (await isPaused(deps)) && (await removed());
  const proof = await machine.exec.kill(scope);
  const killed =
    proof.killed.length === 0 && frozen ? mine.map(({ pid, command }) => ({ pid, command })) : proof.killed;
  if (proof.survivors.length === 0) return { killed, survivors: [] };
  if (others() || !(await removed())) return proof;
  return { killed: [...killed, ...proof.survivors.filter(({ pid }) => pid !== 0)], survivors: [] };
}

async function isPaused({ engine, spec }: SlotDeps): Promise<boolean> {
  try {
    return (await engine().inspect(spec.name))?.State.Paused === true;
  } catch {
    return false; // Nobody knows: then the kill finds out what it can reach.
  }
}
