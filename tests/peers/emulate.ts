// A Slack Web API written by others (npm: emulate), started on loopback from the cache that scripts/peers.sh fills.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

/** Starting takes about one second. */
const startMs = 15_000;
/** A free port may be taken by somebody else before it is used. */
const triesMax = 5;

const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "remoteagent", "peers", "emulate");
const node = join(cache, "node_modules", `node-linux-${process.arch}`, "bin", "node");
const program = join(cache, "node_modules", "emulate", "dist", "index.js");

/** Why it cannot be started here; undefined when it can. */
export const emulatorMissing: string | undefined = missing();

function missing(): string | undefined {
  if (!existsSync(node) || !existsSync(program)) return "it is not in the cache (sh scripts/test.sh install gets it)";
  const lock = (folder: string) => readFileSync(join(folder, "package-lock.json"), "utf8");
  const isSame = lock(cache) === lock(join(import.meta.dirname, "emulate"));
  return isSame ? undefined : "another version is in the cache (sh scripts/test.sh install gets this one)";
}

/**
 * Starts it with a workspace of its own.
 * @param workspace the member `slack` of its settings: users, channels, apps and tokens
 * @throws Error with what it said, when it does not start
 */
export async function startEmulator(workspace: object) {
  const folder = mkdtempSync(join(tmpdir(), "ra-emulate-"));
  const settings = join(folder, "workspace.json");
  writeFileSync(settings, JSON.stringify({ slack: workspace }));
  for (let tries = 1; ; tries += 1) {
    const port = await freePort();
    const origin = `http://127.0.0.1:${port}`;
    // Addresses of files bear the origin that it is told.
    const place = ["--port", String(port), "--base-url", origin];
    const child = spawn(node, [program, "start", "--service", "slack", ...place, "--seed", settings], {
      cwd: folder,
      env: { HOME: folder, PATH: "/usr/bin:/bin", NO_COLOR: "1" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const said = await readiness(child);
    if (said === undefined) {
      const close = async () => {
        await end(child);
        rmSync(folder, { recursive: true, force: true });
      };
      return { origin, close };
    }
    await end(child);
    if (tries >= triesMax || !said.includes("Cannot listen")) {
      rmSync(folder, { recursive: true, force: true });
      throw new Error(`The emulator does not start: ${said}`);
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("There is no free port");
  return address.port;
}

/** Waits until it takes requests. @returns what it said, when it does not come to that */
function readiness(child: ChildProcess): Promise<string | undefined> {
  return new Promise((resolve) => {
    let said = "";
    const late = setTimeout(() => resolve(`nothing but ${JSON.stringify(said)} in ${startMs} ms`), startMs);
    const done = (result: string | undefined) => {
      clearTimeout(late);
      resolve(result);
    };
    const heard = (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-10_000);
      if (/^\s*Ready\./m.test(said)) done(undefined);
    };
    child.stdout?.on("data", heard);
    child.stderr?.on("data", heard);
    child.once("error", (error) => done(error.message));
    child.once("close", () => done(said));
  });
}

/** Ends it; its worker ends by itself without it. (Asked to stop, it was seen to stay.) */
async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const over = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await over;
}
