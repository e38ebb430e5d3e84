// The calls of the engine's API that are used here, with their answers parsed.
import type { Duplex } from "node:stream";
import * as v from "valibot";
import { Failure } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import { type About, createClient, type EngineAnswer, type EngineClient } from "./client.ts";
import type { Endpoint } from "./endpoint.ts";
import { readRaw, splitFrames, type Takers } from "./frames.ts";

const labels = v.optional(v.nullable(v.record(v.string(), v.string())), {});

/** `GET /containers/{id}/json`, the part that is used. */
const containerSchema = v.object({
  Id: v.string(),
  Name: v.optional(v.string(), ""),
  Image: v.optional(v.string(), ""),
  State: v.object({
    Status: v.optional(v.string(), ""),
    Running: v.boolean(),
    Paused: v.optional(v.boolean(), false),
    /** RFC 3339; the year 1 for a container that never ran. */
    StartedAt: v.optional(v.string(), ""),
    OOMKilled: v.optional(v.boolean(), false),
  }),
  Config: v.object({
    Labels: labels,
    WorkingDir: v.optional(v.string(), ""),
    User: v.optional(v.string(), ""),
  }),
  Mounts: v.optional(
    v.array(
      v.object({
        Type: v.optional(v.string(), ""),
        Source: v.optional(v.string(), ""),
        Destination: v.string(),
        RW: v.optional(v.boolean(), true),
      }),
    ),
    [],
  ),
});
export type Container = v.InferOutput<typeof containerSchema>;

/** One row of `GET /containers/json`. */
const rowSchema = v.object({ Id: v.string(), State: v.optional(v.string(), ""), Labels: labels });
export type ContainerRow = v.InferOutput<typeof rowSchema>;

/** `GET /images/{name}/json`, the part that is used. */
const imageSchema = v.object({
  Id: v.string(),
  Config: v.optional(
    v.nullable(v.object({ Labels: labels, Volumes: v.optional(v.nullable(v.record(v.string(), v.unknown()))) })),
  ),
});
export type EngineImage = v.InferOutput<typeof imageSchema>;

/** `GET /info`, the part that is used. What an engine does not say, it has. */
const infoSchema = v.object({
  MemoryLimit: v.optional(v.boolean(), true),
  PidsLimit: v.optional(v.boolean(), true),
  CpuCfsQuota: v.optional(v.boolean(), true),
  SecurityOptions: v.optional(v.nullable(v.array(v.string())), []),
  OSType: v.optional(v.string(), "linux"),
  NCPU: v.optional(v.number(), 1),
  CgroupVersion: v.optional(v.string(), ""),
});
export type EngineInfo = v.InferOutput<typeof infoSchema>;

const idSchema = v.object({ Id: v.string() });
const execSchema = v.object({ Running: v.boolean(), ExitCode: v.nullish(v.number()) });
const networkSchema = v.object({ Id: v.string(), Name: v.string(), Labels: labels });

/** A command's streams in a container, as the engine gives them. */
export interface ExecStream {
  id: string;
  /** Ended: the command's input ends. Destroyed: the engine lets go of its streams, while the command goes on. */
  socket: Duplex;
  /** Begins to read its output; called once. A terminal has one stream only, which is taken as stdout. */
  read(takers: Takers): void;
  /** Resolves when the connection has ended. */
  ended: Promise<void>;
}

/** What one exec is made of. Variables go by the API, never on a command line. */
export interface ExecOptions {
  argv: string[];
  user?: string;
  env?: Record<string, string>;
  cwd?: string;
  stdin: boolean;
  tty?: boolean;
}

export type Engine = ReturnType<typeof createEngine>;

/** The engine behind an address. Every call: @throws Failure `sandbox` with one sentence. */
export function createEngine(endpoint: Endpoint) {
  const client = createClient(endpoint);
  return {
    endpoint,
    about: (): Promise<About> => client.about(),
    info: async (): Promise<EngineInfo> => read(infoSchema, await client.call({ path: "/info" }), "ask the engine"),
    ...containerCalls(client),
    ...networkCalls(client),
    ...execCalls(client),
    /** `undefined`: there is no such image here. */
    image: async (name: string): Promise<EngineImage | undefined> => {
      const answer = await client.call({ path: `/images/${name.split("/").map(encodeURIComponent).join("/")}/json` });
      return answer.status === 404 ? undefined : read(imageSchema, answer, "look at the image");
    },
    /** Fetches an image. @throws Failure `sandbox` with what the engine or the registry says against it. */
    pull: (name: string) => pull(client, name),
  };
}

function containerCalls(client: EngineClient) {
  const one = (id: string) => `/containers/${encodeURIComponent(id)}`;
  return {
    /** `undefined`: there is none of that name. */
    inspect: async (id: string): Promise<Container | undefined> => {
      const answer = await client.call({ path: `${one(id)}/json` });
      return answer.status === 404 ? undefined : read(containerSchema, answer, "look at the container");
    },
    /** All containers with a label, running or not. */
    list: async (label: string): Promise<ContainerRow[]> => {
      const query = { all: "true", filters: JSON.stringify({ label: [label] }) };
      const answer = await client.call({ path: "/containers/json", query });
      return read(v.array(rowSchema), answer, "list containers");
    },
    create: async (name: string, body: unknown): Promise<string> => {
      const answer = await client.call({ path: "/containers/create", query: { name }, body });
      return read(idSchema, answer, "create the container").Id;
    },
    start: async (id: string): Promise<void> => {
      success(await client.call({ method: "POST", path: `${one(id)}/start` }), "start the container");
    },
    /** SIGTERM, and SIGKILL after `seconds`. */
    stop: async (id: string, seconds: number): Promise<void> => {
      const answer = await client.call({ method: "POST", path: `${one(id)}/stop`, query: { t: String(seconds) } });
      if (answer.status !== 404) success(answer, "stop the container");
    },
    remove: async (id: string): Promise<void> => {
      const answer = await client.call({ method: "DELETE", path: one(id), query: { force: "true", v: "true" } });
      if (answer.status !== 404) success(answer, "remove the container");
    },
  };
}

function networkCalls(client: EngineClient) {
  return {
    createNetwork: async (name: string, options: { labels: Record<string, string> }): Promise<string> => {
      const body = { Name: name, Driver: "bridge", CheckDuplicate: true, Labels: options.labels };
      const answer = await client.call({ path: "/networks/create", body });
      return read(idSchema, answer, "make the network").Id;
    },
    networks: async (label: string) => {
      const answer = await client.call({ path: "/networks", query: { filters: JSON.stringify({ label: [label] }) } });
      return read(v.array(networkSchema), answer, "list networks");
    },
    removeNetwork: async (id: string): Promise<void> => {
      const answer = await client.call({ method: "DELETE", path: `/networks/${encodeURIComponent(id)}` });
      if (answer.status !== 404) success(answer, "remove the network");
    },
  };
}

function execCalls(client: EngineClient) {
  return {
    /** Starts a command in a running container. */
    exec: async (container: string, options: ExecOptions): Promise<ExecStream> => {
      const { argv, user, env, cwd, stdin, tty = false } = options;
      const created = await client.call({
        path: `/containers/${encodeURIComponent(container)}/exec`,
        body: {
          AttachStdin: stdin,
          AttachStdout: true,
          AttachStderr: true,
          Tty: tty,
          Cmd: argv,
          ...(user === undefined ? {} : { User: user }),
          ...(cwd === undefined ? {} : { WorkingDir: cwd }),
          ...(env === undefined ? {} : { Env: Object.entries(env).map(([name, value]) => `${name}=${value}`) }),
        },
      });
      const id = read(idSchema, created, "start a command").Id;
      const { socket, head } = await client.hijack({ path: `/exec/${id}/start`, body: { Detach: false, Tty: tty } });
      return streamOf({ id, socket, head, tty });
    },
    /** How an exec stands; `undefined` when the engine has forgotten it. */
    execState: async (id: string) => {
      const answer = await client.call({ path: `/exec/${encodeURIComponent(id)}/json` });
      return answer.status === 404 ? undefined : read(execSchema, answer, "look at a command");
    },
    /** New size of a terminal that was started with `tty`. */
    resize: async (id: string, { cols, rows }: { cols: number; rows: number }): Promise<void> => {
      const query = { h: String(rows), w: String(cols) };
      success(await client.call({ method: "POST", path: `/exec/${encodeURIComponent(id)}/resize`, query }), "resize");
    },
  };
}

/** One line of the progress of `POST /images/create`. */
const progressSchema = v.object({ error: v.optional(v.string()) });

async function pull(client: EngineClient, name: string): Promise<void> {
  const action = `get image ${JSON.stringify(name)}`;
  const signal = AbortSignal.timeout(limits.enginePullMs);
  // Without a tag the engine would fetch every one that there is.
  const query: Record<string, string> = /[:@][^/]*$/.test(name)
    ? { fromImage: name }
    : { fromImage: name, tag: "latest" };
  const request = { method: "POST", path: "/images/create", query, signal, action } as const;
  for await (const line of client.lines(request)) {
    const parsed = v.safeParse(progressSchema, line);
    const error = parsed.success ? parsed.output.error : "the engine's answer has another form";
    if (error !== undefined) throw new Failure("sandbox", `Cannot ${action}: ${lowered(error)}`);
  }
  if (signal.aborted)
    throw new Failure("sandbox", `Cannot ${action}: it takes longer than ${limits.enginePullMs / 60_000} minutes`);
}

function streamOf(parts: { id: string; socket: Duplex; head: Uint8Array; tty: boolean }): ExecStream {
  const { id, socket, head, tty } = parts;
  const ended = Promise.withResolvers<void>();
  socket.on("close", () => ended.resolve());
  return {
    id,
    socket,
    ended: ended.promise,
    read: (takers) => {
      const reading = tty ? readRaw(socket, { head, take: takers.stdout }) : splitFrames(socket, { head, takers });
      void reading.then(ended.resolve);
    },
  };
}

/** A success, parsed. @throws Failure `sandbox` with the engine's words, or when its answer has another form. */
function read<Schema extends v.GenericSchema>(
  schema: Schema,
  answer: EngineAnswer,
  action: string,
): v.InferOutput<Schema> {
  const parsed = v.safeParse(schema, success(answer, action));
  if (parsed.success) return parsed.output;
  throw new Failure("sandbox", `Cannot ${action}: the engine's answer has another form`);
}

/** The body of a success. 304 means: it is so already. @throws Failure `sandbox` with the engine's words. */
function success({ status, body, said }: EngineAnswer, action: string): unknown {
  if ((status >= 200 && status < 300) || status === 304) return body;
  throw new Failure("sandbox", `Cannot ${action}: ${lowered(said)}`);
}

/** Sentences of the engine go on after a colon of ours. */
function lowered(text: string): string {
  const bare = text.replace(/^Error response from daemon: /, "").replace(/[.\s]+$/, "");
  return /^[A-Z][a-z]/.test(bare) ? `${bare.charAt(0).toLowerCase()}${bare.slice(1)}` : bare;
}
