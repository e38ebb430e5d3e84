// Real engines for the tests of this folder: a Docker and a Podman of their own, with images made without a registry.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import {
  createReadStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import http from "node:http";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

/** An engine that runs for the tests alone. */
export interface RealEngine {
  name: "docker" | "podman";
  /** For `DriverDeps.environment`. */
  environment: { DOCKER_HOST: string; PATH: string; HOME: string };
  /** One call of its API, without our client. */
  api(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }>;
  /** Makes and starts a container that waits. */
  container(name: string, options?: Record<string, unknown>): Promise<string>;
  close(): Promise<void>;
}

/** One that could be started here, or the reason why not. */
export interface EngineChoice {
  name: RealEngine["name"];
  missing: string | undefined;
  start(): Promise<RealEngine>;
}

/** Debian with a shell, coreutils and python3; and a bare busybox. */
export const debianImage = "localhost/remoteagent-test-debian";
export const busyboxImage = "localhost/remoteagent-test-busybox";
/** One program, /sleep, and no shell. */
export const bareImage = "localhost/remoteagent-test-bare";

function missing(program: string): string | undefined {
  if (process.platform !== "linux") return "it needs Linux";
  if (process.getuid?.() !== 0) return "only root can start an engine of its own";
  if (which(program) === undefined) return `${program} is not installed`;
  if (program === "podman" && !existsSync("/usr/lib/podman/netavark")) return "netavark is not installed";
  if (!existsSync(rootTar) && which("debootstrap") === undefined) return "debootstrap is not installed";
  return undefined;
}

function which(program: string): string | undefined {
  const folders = [...(process.env.PATH ?? "").split(":"), "/usr/sbin", "/sbin"];
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path));
}

const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "remoteagent/roots");
const rootTar = join(cache, `sandbox-debian-bookworm-${process.arch}.tar`);

/** Both engines; the names of those that are missing go into the names of skipped tests. */
export const engines: EngineChoice[] = [
  { name: "docker", missing: missing("dockerd"), start: () => started("docker") },
  { name: "podman", missing: missing("podman"), start: () => started("podman") },
];

/** Makes the tree of the Debian image once; some minutes on a slow line. */
function makeRootTar(): void {
  if (existsSync(rootTar)) return;
  mkdirSync(cache, { recursive: true });
  const tree = mkdtempSync(join(cache, "tree-"));
  const sources = ["/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list"].filter((path) =>
    existsSync(path),
  );
  const mirror = sources.map((path) => /https?:\/\/\S+/.exec(readFileSync(path, "utf8"))?.[0]).find(Boolean);
  run("debootstrap", ["--variant=minbase", "--include=python3-minimal", "bookworm", tree, ...(mirror ? [mirror] : [])]);
  const left = [
    "./usr/share/doc",
    "./usr/share/man",
    "./usr/share/locale",
    "./var/cache/apt/*",
    "./var/lib/apt/lists/*",
  ];
  const part = `${rootTar}.${process.pid}`;
  run("tar", [
    "-C",
    tree,
    "--numeric-owner",
    ...left.map((one) => `--exclude=${one}`),
    "--exclude=./dev/*",
    "-cf",
    part,
    ".",
  ]);
  renameSync(part, rootTar);
  rmSync(tree, { recursive: true, force: true });
}

function run(program: string, args: string[]): void {
  const { status, stderr } = spawnSync(which(program) ?? program, args, {
    stdio: ["ignore", "ignore", "pipe"],
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`${program} failed: ${stderr.slice(-2_000)}`);
}

/** A busybox with its own names, as a tar file in `folder`; absent where there is no static busybox. */
function busyboxTar(folder: string): string | undefined {
  const program = ["/bin/busybox", "/usr/bin/busybox"].find((path) => existsSync(path));
  if (program === undefined) return undefined;
  const tree = join(folder, "busybox");
  mkdirSync(join(tree, "bin"), { recursive: true });
  run("cp", [program, join(tree, "bin/busybox")]);
  const names = spawnSync(program, ["--list"], { encoding: "utf8" }).stdout.split("\n").filter(Boolean);
  for (const name of names) if (name !== "busybox") run("ln", ["-sf", "busybox", join(tree, "bin", name)]);
  mkdirSync(join(tree, "tmp"));
  run("tar", ["-C", tree, "-cf", `${tree}.tar`, "."]);
  return `${tree}.tar`;
}

function bareTar(folder: string): string {
  const tree = join(folder, "bare");
  mkdirSync(tree);
  run("cp", [join(folder, "busybox/bin/busybox"), join(tree, "sleep")]);
  run("tar", ["-C", tree, "-cf", `${tree}.tar`, "."]);
  return `${tree}.tar`;
}

async function started(name: RealEngine["name"]): Promise<RealEngine> {
  makeRootTar();
  const folder = realpathSync(mkdtempSync(join(tmpdir(), `engine-${name}-`)));
  const socket = join(folder, "engine.sock");
  const child = name === "docker" ? startDocker(folder, socket) : startPodman(folder, socket);
  const api = (method: string, path: string, body?: unknown) => call(socket, { method, path, body });
  await until(async () => (await api("GET", "/version").catch(() => undefined))?.status === 200, `${name} answers`);
  const close = async () => {
    const { body } = await api("GET", "/v1.41/containers/json?all=true");
    for (const { Id } of body as { Id: string }[]) await api("DELETE", `/v1.41/containers/${Id}?force=true&v=true`);
    await api("POST", "/v1.41/networks/prune");
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    await ended;
    for (const mount of mountsBelow(folder)) spawnSync("umount", ["-l", mount]);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await importTar(socket, { file: rootTar, image: debianImage });
    const busybox = busyboxTar(folder);
    if (busybox !== undefined) {
      await importTar(socket, { file: busybox, image: busyboxImage });
      await importTar(socket, { file: bareTar(folder), image: bareImage });
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    name,
    environment: { DOCKER_HOST: `unix://${socket}`, PATH: process.env.PATH ?? "", HOME: folder },
    api,
    container: async (container, options = {}) => {
      const made = await api("POST", `/v1.41/containers/create?name=${container}`, {
        Image: debianImage,
        Cmd: ["sleep", "infinity"],
        ...options,
      });
      if (made.status !== 201) throw new Error(JSON.stringify(made.body));
      await api("POST", `/v1.41/containers/${container}/start`);
      return (made.body as { Id: string }).Id;
    },
    close,
  };
}

function startDocker(folder: string, socket: string): ChildProcess {
  const args = ["--data-root", join(folder, "data"), "--exec-root", join(folder, "exec")];
  return daemon(folder, ["dockerd", ...args, "--pidfile", join(folder, "pid"), "-H", `unix://${socket}`]);
}

/** What Podman raises by itself needs a right that root of a container often lacks; so its limits are what we have. */
function startPodman(folder: string, socket: string): ChildProcess {
  const limit = (name: string) =>
    Number(new RegExp(`^${name} +\\S+ +(\\d+)`, "m").exec(readFileSync("/proc/self/limits", "utf8"))?.[1]);
  const files = Math.min(limit("Max open files") || 1_048_576, 1_048_576);
  const processes = Math.min(limit("Max processes") || 32_768, 32_768);
  writeFileSync(
    join(folder, "containers.conf"),
    `[containers]
default_ulimits = ["nofile=${files}:${files}", "nproc=${processes}:${processes}"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
[network]
network_backend = "netavark"
network_config_dir = "${join(folder, "networks")}"
`,
  );
  writeFileSync(
    join(folder, "storage.conf"),
    `[storage]\ndriver = "overlay"\ngraphroot = "${join(folder, "root")}"\nrunroot = "${join(folder, "run")}"\n`,
  );
  return daemon(folder, ["podman", "system", "service", "--time=0", `unix://${socket}`], {
    CONTAINERS_CONF: join(folder, "containers.conf"),
    CONTAINERS_STORAGE_CONF: join(folder, "storage.conf"),
  });
}

function daemon(folder: string, [program = "", ...args]: string[], env: Record<string, string> = {}): ChildProcess {
  const log = openSync(join(folder, "log"), "w");
  return spawn(which(program) ?? program, args, {
    stdio: ["ignore", log, log],
    env: { ...process.env, DOCKER_HOST: undefined, PATH: `${process.env.PATH}:/usr/sbin:/sbin`, ...env },
  });
}

function mountsBelow(folder: string): string[] {
  const lines = readFileSync("/proc/self/mounts", "utf8").split("\n");
  return lines
    .map((line) => line.split(" ")[1] ?? "")
    .filter((path) => path.startsWith(`${folder}/`))
    .toReversed();
}

/** Waits for a condition, at most 30 s. */
export async function until(condition: () => Promise<boolean> | boolean, what: string): Promise<void> {
  const end = Date.now() + 30_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`Waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** Some answers of Podman are no JSON; nobody here reads those. */
function parsed(answer: string): unknown {
  try {
    return JSON.parse(answer);
  } catch {
    return answer;
  }
}

function call(
  socketPath: string,
  { method, path, body }: { method: string; path: string; body?: unknown },
): Promise<{ status: number; body: unknown }> {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const headers =
      text === undefined ? {} : { "content-type": "application/json", "content-length": Buffer.byteLength(text) };
    const request = http.request({ socketPath, method, path, headers, agent: false }, (response) => {
      let answer = "";
      response.on("data", (chunk) => {
        answer += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, body: parsed(answer) }));
    });
    request.on("error", reject);
    request.end(text);
  });
}

function importTar(socketPath: string, { file, image }: { file: string; image: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    const path = `/v1.41/images/create?fromSrc=-&repo=${image}&tag=latest`;
    const headers = { "content-type": "application/x-tar", "content-length": statSync(file).size };
    const request = http.request({ socketPath, method: "POST", path, headers, agent: false }, (response) => {
      let answer = "";
      response.on("data", (chunk) => {
        answer += chunk;
      });
      response.on("end", () =>
        /"error"/.test(answer) || response.statusCode !== 200 ? reject(new Error(answer)) : resolve(),
      );
    });
    request.on("error", reject);
    createReadStream(file).pipe(request);
  });
}
