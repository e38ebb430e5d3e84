// HTTP over loopback TCP or a unix socket; `#serve` is Bun.serve under Bun and Deno.serve under Deno.
import { chmodSync, lstatSync, unlinkSync } from "node:fs";
import process from "node:process";
import { Failure } from "../core/failure.ts";

/** Where to listen. Port 0 takes a free one. */
export type Where = { unix: string } | { hostname: string; port: number };

/** Who asks: the address of a TCP peer; absent over a unix socket. */
export interface Peer {
  address?: string;
}

/** Answers one request. What it throws is answered with a bare 500, so it should not throw. */
export type Handler = (request: Request, peer: Peer) => Response | Promise<Response>;

/** A listening server. */
export interface Server {
  /** The socket's path, or the address in the form `127.0.0.1`. */
  address: string;
  /** The port it got; absent for a unix socket. */
  port?: number;
  /** Ends open connections and frees the address. A second call does nothing. */
  close(): Promise<void>;
}

/**
 * What `#serve` exports. A response may stream for as long as it likes; a request's body is cut off with 413
 * beyond `limits.frameBytesMax`. A unix socket is 0600 from its first moment; an existing path is never removed.
 * @throws Failure `state` when the address cannot be had.
 */
export type Serve = (where: Where, handler: Handler) => Promise<Server>;

/** Runs `listen` so that a unix socket comes into being with mode 0600. Binding is synchronous in both runtimes. */
export function listenPrivately<Result>(where: Where, listen: () => Result): Result {
  if (!("unix" in where)) return attempt(where, listen);
  const before = process.umask(0o177);
  try {
    const server = attempt(where, listen);
    chmodSync(where.unix, 0o600);
    return server;
  } finally {
    process.umask(before);
  }
}

function attempt<Result>(where: Where, listen: () => Result): Result {
  try {
    return listen();
  } catch (error) {
    throw listenFailure(where, error);
  }
}

function listenFailure(where: Where, error: unknown): Failure {
  const code = (error as NodeJS.ErrnoException | undefined)?.code ?? "";
  const name = "unix" in where ? where.unix : `${where.hostname}:${where.port}`;
  const options = { cause: error, detail: error instanceof Error ? error.message : String(error) };
  const cannot = `Cannot listen on ${JSON.stringify(name)}`;
  if (code === "EADDRINUSE") {
    return new Failure("state", `${cannot}: the address is in use`, { ...options, hint: inUseHint(where) });
  }
  // Too long a path has three faces: ENAMETOOLONG, EINVAL and a bare message.
  if ("unix" in where && Buffer.byteLength(where.unix) > socketPathBytesMax) {
    const hint = "Choose a shorter state folder with --state-dir";
    return new Failure("state", `${cannot}: the path is longer than ${socketPathBytesMax} bytes`, { ...options, hint });
  }
  if (code === "ENOENT") return new Failure("state", `${cannot}: its folder is missing`, options);
  if (code === "EACCES" || code === "EPERM") return new Failure("state", `${cannot}: permission denied`, options);
  return new Failure("state", `${cannot}: ${code === "" ? "unknown reason" : code}`, options);
}

function inUseHint(where: Where): string {
  return "unix" in where ? "Another instance may be running: remoteagent status" : "Choose another port in settings";
}

/** `sun_path` less its closing zero: 108 bytes on Linux, 104 on macOS. */
const socketPathBytesMax = process.platform === "linux" ? 107 : 103;

/**
 * Removes what a killed instance left at a unix socket's path. Only the holder of the instance lock may call this.
 * @throws Failure `state` when something else than a socket is there.
 */
export function removeStaleSocket(path: string): void {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  if (stats === undefined) return;
  if (!stats.isSocket()) {
    throw new Failure("state", `Cannot listen on ${JSON.stringify(path)}: a file that is no socket is there`, {
      hint: "Move it away",
    });
  }
  unlinkSync(path);
}

/** The answer when a handler throws: nothing of the error goes out. */
export function brokenAnswer(): Response {
  return new Response("Something went wrong inside remoteagent\n", { status: 500 });
}
