// The contract of the family: where everything runs that a turn starts (CONTRACTS.md 8).
import type { Readable, Writable } from "node:stream";

/** One spawn, by argv; no shell unless argv says so. */
export interface Command {
  argv: string[];
  /** A path inside the sandbox. */
  cwd?: string;
  /** Added to the sandbox's own allow-listed environment. */
  env?: Record<string, string>;
  /** What it belongs to (`turn-12`, `session-3`); `kill(scope)` kills by it. */
  scope: string;
  /** `null`: no input. Bytes: written and closed. `"pipe"`: the caller writes to `Running.stdin`. */
  stdin: null | Uint8Array | "pipe";
  limits?: CommandLimits;
}

/** Bounds of one command; what is left out has the defaults of core/limits.ts. */
export interface CommandLimits {
  timeMs?: number;
  /** stdout and stderr together. */
  outputBytes?: number;
  /** Resident memory of the whole trees of all commands of its scope. */
  memoryBytes?: number;
  /** Processes of the same trees. */
  processes?: number;
}

/** How a command ended. `limit` names the bound that ended it; then the tree was killed with proof. */
export type Exit = { code: number } | { signal: string } | { limit: "time" | "output" | "memory" | "processes" };

/** A started command. The caller consumes both streams. `done` never rejects. */
export interface Running {
  /** Number of the process as the host sees it, for display. */
  pid: number;
  stdin: Writable | null;
  stdout: Readable;
  stderr: Readable;
  /** Sends a signal to the command itself; for certain death use `Sandbox.kill`. */
  signal(name: "SIGINT" | "SIGTERM" | "SIGKILL"): void;
  done: Promise<Exit>;
}

/**
 * What a kill reached, observed and not assumed. Empty `survivors` = everything is dead. What a sandbox puts around a
 * command is not named among the killed.
 */
export interface Proof {
  killed: ProcessInfo[];
  survivors: ProcessInfo[];
}
export interface ProcessInfo {
  /** As the host numbers it; 0 for one that has no number yet. */
  pid: number;
  /** Its command line, cut when it is long. */
  command: string;
}

/** Files as the sandbox sees them; every path is untrusted and resolved inside (SECURITY.md 17). */
export interface SandboxFiles {
  /** Bytes from `offset`, at most `length`; `size` is the whole file's. @throws Failure `sandbox` with the reason. */
  read(path: string, range: { offset?: number; length: number }): Promise<{ bytes: Uint8Array; size: number }>;
  /** Replaces the file as a whole, or leaves it as it was; makes the folders above it. */
  write(path: string, bytes: Uint8Array): Promise<void>;
  list(path: string): Promise<{ name: string; kind: "file" | "folder" | "other" }[]>;
}

/** One turn's hold on a place to run things. */
export interface Sandbox {
  readonly kind: string;
  /** Where the workspace is inside: `/workspace`, or a host path where nothing is remapped. */
  readonly root: string;
  /** The folder in which commands start. */
  readonly cwd: string;
  /** Rises when the sandbox is started afresh. */
  readonly generation: number;
  /** What separates it from the host, as data for `/status` and `doctor`. */
  readonly isolation: "bubblewrap" | "container" | "vm" | "remote" | "none";
  /** @throws Failure `sandbox` when the command cannot be started (cwd missing, program not found, …). */
  spawn(command: Command): Promise<Running>;
  readonly files: SandboxFiles;
  /** Kills every tree of `scope` and waits for proof (SECURITY.md 29). */
  kill(scope: string): Promise<Proof>;
  /** Releases this turn's hold; the driver decides when the machine stops. */
  close(): Promise<void>;
}

/** A folder of the owner's, bound at its own path. */
export interface FolderGrant {
  /** The real path, found out when the owner named it: what stands there later may be another's link. */
  path: string;
  access: "ro" | "rw";
  /** The link by which the owner named it. */
  link?: string;
}

/** What a sandbox may see; computed for each turn from what the requester may see. Host paths. */
export interface SandboxRequest {
  agent: string;
  requester: string;
  session: number;
  /** Root of the workspace. */
  workspace: string;
  /** Folders below the workspace that are bound writable, and those bound read-only. Nothing else of it exists inside. */
  writable: string[];
  readable: string[];
  /** The owner's own folders. */
  folders: FolderGrant[];
  /** Start folder (a host path below one of the above). */
  cwd: string;
  /** Home and temporary folder, kept between commands. */
  home: string;
  /** Environment added for every command (vault, settings). */
  env?: Record<string, string>;
  /** Files in the home while the turn has the sandbox open, mode 0600; paths are relative to the home. */
  files?: readonly { path: string; bytes: Uint8Array }[];
  /** Whose secrets `env` and `files` hold; a place that outlives the turn is never shared by two of them. */
  vault?: string;
  /** Makes the folders above, where they are missing; called before they are looked at. */
  prepare?(): Promise<void>;
}

/** What is known of a sandbox before it is open; it looks so once it is. */
export type Whereabouts = Pick<Sandbox, "kind" | "root" | "cwd" | "generation" | "isolation">;

/** What a driver can say before it is used. */
export interface SandboxHealth {
  works: boolean;
  isolation: Sandbox["isolation"];
  /** One sentence when it does not work, or works less than it should. */
  reason?: string;
  /** What to do about it. */
  hint?: string;
}

/** One kind of sandbox. A driver is made once and lives as long as the program. */
export interface SandboxDriver {
  readonly kind: string;
  check(): Promise<SandboxHealth>;
  open(request: SandboxRequest): Promise<Sandbox>;
  /**
   * What the sandbox of a request will look like, found out without its folders; undefined (or no such method) when only
   * opening it tells. @throws Failure `sandbox` when none can be opened now, whatever the request.
   */
  whereabouts?(request: SandboxRequest): Promise<Whereabouts | undefined>;
  /** Everything that still runs, for `/status`. */
  running(): { scope: string; pid: number; command: string; startedAt: number }[];
  /** Kills whatever `scope` (or all) left running, also after its sandbox was closed. */
  kill(scope?: string): Promise<Proof>;
  close(): Promise<void>;
}
