// Commands in containers beside the engine's own command line, each over the same engine.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import type { Sandbox, SandboxDriver } from "../../src/sandbox/sandbox.ts";
import { makePlace, type Place } from "../sandbox/engine-place.ts";
import { debianImage, engines, type RealEngine } from "../sandbox/engine-setup.ts";
import { type Found, type Note, row } from "./row.ts";
import type { Setup } from "./setup.ts";
import { summarise } from "./statistics.ts";

const rounds = { full: 60, quick: 6 };
const crowd = 50;
const streamed = { full: 1_000_000_000, quick: 50_000_000 };

/** Needs root, an installed Docker and its command line; measures nothing where one is missing. */
export async function measureSandbox(setup: Setup): Promise<Found> {
  const choice = engines.find(({ name }) => name === "docker");
  const client = spawnSync("docker", ["--version"]).status === 0;
  if (choice === undefined || choice.missing !== undefined || !client) {
    process.stderr.write(`left out: sandbox: ${choice?.missing ?? "the program docker is not installed"}\n`);
    return { rows: [], notes: [] };
  }
  const engine = await choice.start();
  const place = makePlace(engine.environment);
  try {
    return await measured({ engine, place, quick: setup.quick });
  } finally {
    await engine.close();
    place.remove();
  }
}

interface Bench {
  engine: RealEngine;
  place: Place;
  quick: boolean;
}

async function measured({ engine, place, quick }: Bench): Promise<Found> {
  await engine.container("bench");
  const containers = await place.driver("container:bench");
  const images = await place.driver(`image:${debianImage}`);
  const cold = await coldStart({ images, place, count: quick ? 2 : 8 });
  const inContainer = await containers.open(place.request());
  const inImage = await images.open(place.request());
  const docker = (argv: string[]) => timeDocker(engine, ["exec", "bench", ...argv]);
  const times = { docker: [] as number[], container: [] as number[], image: [] as number[] };
  for (let round = 0; round < (quick ? rounds.quick : rounds.full); round++) {
    times.docker.push(await docker(["true"]));
    times.container.push(await timeOurs(inContainer, ["true"]));
    times.image.push(await timeOurs(inImage, ["true"]));
  }
  const many = { docker: [] as number[], ours: [] as number[] };
  const stream = { docker: [] as number[], ours: [] as number[] };
  const zeros = ["head", "-c", String(quick ? streamed.quick : streamed.full), "/dev/zero"];
  for (let round = 0; round < (quick ? 1 : 3); round++) {
    many.docker.push(await together(() => docker(["true"])));
    many.ours.push(await together(() => timeOurs(inContainer, ["true"])));
    stream.docker.push(await docker(zeros));
    stream.ours.push(await timeOurs(inContainer, zeros));
  }
  await containers.close();
  await images.close();
  const base = summarise(times.docker);
  const common = { unit: "ms", against: "docker exec" } as const;
  const target = { ratio: 0.2, of: "median" } as const;
  return {
    rows: [
      row({ ...common, name: "command in container:<name>", base, ours: summarise(times.container), target }),
      row({ ...common, name: "command in image:<image>", base, ours: summarise(times.image), target }),
      row({ ...common, name: `${crowd} commands at once`, base: summarise(many.docker), ours: summarise(many.ours) }),
      row({
        ...common,
        name: "1 GB of output",
        base: summarise(stream.docker),
        ours: summarise(stream.ours),
        target: { ratio: 1, of: "median" },
      }),
    ],
    notes: [cold],
  };
}

/** From an open request to a shell that waits inside a container that did not exist. */
async function coldStart({
  images,
  place,
  count,
}: {
  images: SandboxDriver;
  place: Place;
  count: number;
}): Promise<Note> {
  const times: number[] = [];
  for (let round = 0; round < count; round++) {
    const startedAt = performance.now();
    const sandbox = await images.open(place.request({ home: join(place.stateDir, `homes/cold-${round}`) }));
    times.push(performance.now() - startedAt);
    await sandbox.close();
  }
  return { name: "cold start of a managed container", value: summarise(times).median, unit: "ms" };
}

async function timeOurs(sandbox: Sandbox, argv: string[]): Promise<number> {
  const startedAt = performance.now();
  const running = await sandbox.spawn({ argv, scope: "bench", stdin: null, limits: { outputBytes: 2e9 } });
  running.stdout.resume();
  running.stderr.resume();
  const exit = await running.done;
  if (!("code" in exit) || exit.code !== 0) throw new Error(`${argv.join(" ")} failed: ${JSON.stringify(exit)}`);
  return performance.now() - startedAt;
}

async function timeDocker(engine: RealEngine, args: string[]): Promise<number> {
  const startedAt = performance.now();
  const child = Bun.spawn(["docker", ...args], {
    env: engine.environment,
    stdin: "ignore",
    stdout: "pipe",
    stderr: "ignore",
  });
  // Read as ours is: by a program that throws it away.
  const reader = child.stdout.getReader();
  while (!(await reader.read()).done);
  if ((await child.exited) !== 0) throw new Error(`docker ${args.join(" ")} failed`);
  return performance.now() - startedAt;
}

async function together(one: () => Promise<number>): Promise<number> {
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: crowd }, one));
  return performance.now() - startedAt;
}
