// What a managed container is made of, worked out from one request; pure, so that two turns can be compared.
import { createHash } from "node:crypto";
import { limits } from "../../core/limits.ts";
import type { EngineImage, EngineInfo } from "../engine/engine.ts";
import { initScript } from "../engine/scripts.ts";
import { insideHome, insideRoot, type Mounts } from "../mounts.ts";
import type { SandboxRequest } from "../sandbox.ts";

/** Labels of what we made. Their values are ours, never a turn's. */
export const labelNames = {
  owner: "remoteagent.owner",
  key: "remoteagent.key",
  spec: "remoteagent.spec",
  home: "remoteagent.home",
  image: "remoteagent.image",
} as const;

/** An image says by this label that its programs write outside of home, /tmp, /run and the workspace. */
export const writableRootLabel = "remoteagent.writable-root";

/** A container as it is wanted. */
export interface Spec {
  /** Of the container and of its network. */
  name: string;
  key: string;
  user: string;
  labels: Record<string, string>;
  /** The body of `POST /containers/create`. Nothing in it comes from a chat; the folders are checked ones. */
  body: Record<string, unknown>;
}

/** Who owns files that are made inside, as the engine numbers people. */
export interface Owner {
  uid: number;
  gid: number;
}

/** What a spec is worked out from. */
export interface SpecInput {
  request: SandboxRequest;
  mounts: Mounts;
  /** Of the program over this state folder. */
  owner: string;
  /** As the settings name it, and as the engine has it. */
  image: { name: string; found: EngineImage };
  info: EngineInfo;
  /** Of the workspace. */
  workspaceOwner: Owner;
  /** The engine runs as a normal user: root inside is that user outside. */
  rootless: boolean;
}

/**
 * Whose container it is: one for each agent, vault and home. The home is the conversation's where the workspace is
 * mounted in part, and the agent's where all of it is.
 */
export function keyOf({ agent, vault, requester, env, home }: SandboxRequest, owner: string): string {
  const secrets = vault ?? (Object.keys(env ?? {}).length > 0 ? `person ${requester}` : "");
  return digest([owner, agent, secrets, home]).slice(0, 12);
}

/** The container for a request. Equal requests give equal names; a changed folder, image or limit gives another one. */
export function specOf(input: SpecInput): Spec {
  const { request, owner, image, workspaceOwner, rootless } = input;
  const key = keyOf(request, owner);
  const user = rootless ? "0:0" : `${workspaceOwner.uid}:${workspaceOwner.gid}`;
  const body = bodyOf(input, user);
  const spec = digest([image.found.Id, body]).slice(0, 12);
  const name = `remoteagent-${key}-${spec}`;
  const labels = {
    [labelNames.owner]: owner,
    [labelNames.key]: key,
    [labelNames.spec]: spec,
    [labelNames.home]: request.home,
    [labelNames.image]: image.name,
  };
  return { name, key, user, labels, body: withNetwork({ ...body, Labels: labels }, name) };
}

function withNetwork(body: Record<string, unknown>, network: string): Record<string, unknown> {
  return { ...body, HostConfig: { ...(body.HostConfig as object), NetworkMode: network } };
}

function bodyOf({ mounts, image, info }: SpecInput, user: string): Record<string, unknown> {
  const writable = image.found.Config?.Labels?.[writableRootLabel] === "true";
  const remapped = (info.SecurityOptions ?? []).some((option) => option.startsWith("name=userns"));
  return {
    Image: image.found.Id,
    Entrypoint: ["/bin/sh", "-c", initScript, "remoteagent-init"],
    Cmd: [],
    User: user,
    WorkingDir: insideRoot,
    Env: [`HOME=${insideHome}`, "TMPDIR=/tmp"],
    Tty: false,
    OpenStdin: false,
    HostConfig: {
      CapDrop: ["ALL"],
      SecurityOpt: ["no-new-privileges"],
      ReadonlyRootfs: !writable,
      IpcMode: "private",
      ShmSize: limits.containerSharedBytes,
      Tmpfs: { "/run": "rw,nosuid,nodev,size=64m,mode=1777", "/var/tmp": "rw,nosuid,nodev,size=256m,mode=1777" },
      Mounts: mounts.binds.map(({ host, inside, access }) => ({
        Type: "bind",
        Source: host,
        Target: inside,
        ReadOnly: access === "ro",
        BindOptions: { Propagation: "rprivate" },
      })),
      RestartPolicy: { Name: "no" },
      // Numbers of the host mean the same inside, so that files belong to the workspace's owner.
      ...(remapped ? { UsernsMode: "host" } : {}),
      ...boundsOf(info),
    },
  };
}

/** The bounds that this engine can hold. */
function boundsOf(info: EngineInfo): Record<string, unknown> {
  return {
    ...(info.MemoryLimit ? { Memory: limits.memoryBytesMax, MemorySwap: limits.memoryBytesMax } : {}),
    ...(info.PidsLimit ? { PidsLimit: limits.containerProcessesMax } : {}),
    ...(info.CpuCfsQuota ? { NanoCpus: Math.min(info.NCPU, limits.containerCpusMax) * 1e9 } : {}),
  };
}

/** What this engine cannot bound, as words for people. */
export function missingBounds(info: EngineInfo): string[] {
  return [
    ...(info.MemoryLimit ? [] : ["memory"]),
    ...(info.PidsLimit ? [] : ["processes"]),
    ...(info.CpuCfsQuota ? [] : ["processor time"]),
  ];
}

function digest(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("hex");
}
