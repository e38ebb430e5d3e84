// Finds the engine (Docker or Podman) as its own command line would: variables, contexts, the usual sockets.
import { createHash } from "node:crypto";
import { join } from "node:path";
import * as v from "valibot";
import { Failure } from "../../core/failure.ts";

/** Where an engine's HTTP API is. */
export interface Endpoint {
  /** As people write it: `unix:///var/run/docker.sock`. */
  shown: string;
  /** A sentence part about who chose it: `DOCKER_HOST`, `context "build"`, `the usual socket`. */
  chosenBy: string;
  address: { socketPath: string } | { host: string; port: number };
  tls?: { ca?: string; cert?: string; key?: string; verify: boolean };
}

/** What the search needs of the world. Files that are missing or unreadable are `undefined`. */
export interface EndpointDeps {
  environment: Readonly<Record<string, string | undefined>>;
  readText(path: string): string | undefined;
  exists(path: string): boolean;
  /** The user's number; absent where the system has none. */
  uid?: number;
}

/** `~/.docker/config.json`, of which one field matters here. */
const configSchema = v.object({ currentContext: v.optional(v.string()) });

/** `~/.docker/contexts/meta/<sha256 of the name>/meta.json`, as `docker context create` writes it. */
const contextSchema = v.object({
  Endpoints: v.object({
    docker: v.object({ Host: v.optional(v.string()), SkipTLSVerify: v.optional(v.boolean()) }),
  }),
});

/**
 * The engine that is meant here. Order as in Docker's command line: `DOCKER_HOST`, `DOCKER_CONTEXT`, the chosen context;
 * then `CONTAINER_HOST` (Podman's), then the first socket of the usual places that exists.
 * @throws Failure `sandbox` for an address that cannot be used, a context that does not exist, and no engine at all.
 */
export function findEndpoint(deps: EndpointDeps): Endpoint {
  const { environment } = deps;
  const given = (name: string) => (environment[name] === "" ? undefined : environment[name]);
  const dockerHost = given("DOCKER_HOST");
  if (dockerHost !== undefined) {
    return endpointOf(dockerHost, { chosenBy: "DOCKER_HOST", ...variableTls(deps) });
  }
  const folder = given("DOCKER_CONFIG") ?? join(environment.HOME ?? "/", ".docker");
  const context = given("DOCKER_CONTEXT") ?? currentContext(deps, folder);
  if (context !== undefined && context !== "default") return contextEndpoint(deps, { folder, context });
  const podmanHost = given("CONTAINER_HOST");
  if (podmanHost !== undefined) return endpointOf(podmanHost, { chosenBy: "CONTAINER_HOST" });
  const socket = usualSockets(deps).find((path) => deps.exists(path));
  if (socket !== undefined) {
    return { shown: `unix://${socket}`, chosenBy: "the usual socket", address: { socketPath: socket } };
  }
  throw new Failure("sandbox", "Cannot find a container engine: there is no Docker or Podman socket", {
    hint: 'Install and start Docker, or run "systemctl --user enable --now podman.socket", or set DOCKER_HOST',
  });
}

function currentContext({ readText }: EndpointDeps, folder: string): string | undefined {
  const parsed = v.safeParse(configSchema, parseJson(readText(join(folder, "config.json"))));
  return parsed.success ? parsed.output.currentContext : undefined;
}

function contextEndpoint(deps: EndpointDeps, { folder, context }: { folder: string; context: string }): Endpoint {
  const id = createHash("sha256").update(context).digest("hex");
  const chosenBy = `context ${JSON.stringify(context)}`;
  const meta = parseJson(deps.readText(join(folder, "contexts/meta", id, "meta.json")));
  const parsed = v.safeParse(contextSchema, meta);
  const host = parsed.success ? parsed.output.Endpoints.docker.Host : undefined;
  if (!parsed.success || host === undefined) {
    throw new Failure("sandbox", `Cannot use Docker's ${chosenBy}: it does not exist`, {
      hint: "docker context ls shows those that do",
    });
  }
  const file = (name: string) => deps.readText(join(folder, "contexts/tls", id, "docker", name));
  const files = pem(file);
  const verify = parsed.output.Endpoints.docker.SkipTLSVerify !== true;
  return endpointOf(host, { chosenBy, ...(files === undefined ? {} : { tls: { ...files, verify } }) });
}

/** TLS as Docker's command line takes it from the environment; only when it is asked for there. */
function variableTls({ environment, readText }: EndpointDeps): Pick<Endpoint, "tls"> {
  const asked = (environment.DOCKER_TLS_VERIFY ?? "") !== "";
  if (!asked) return {};
  const folder = environment.DOCKER_CERT_PATH ?? join(environment.HOME ?? "/", ".docker");
  return { tls: { ...pem((name) => readText(join(folder, name))), verify: true } };
}

function pem(read: (name: string) => string | undefined): { ca?: string; cert?: string; key?: string } | undefined {
  const [ca, cert, key] = ["ca.pem", "cert.pem", "key.pem"].map(read);
  if (ca === undefined && cert === undefined && key === undefined) return undefined;
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

function endpointOf(text: string, rest: Pick<Endpoint, "chosenBy" | "tls">): Endpoint {
  const refuse = (reason: string, hint?: string) =>
    new Failure(
      "sandbox",
      `Cannot use engine ${JSON.stringify(text)} (${rest.chosenBy}): ${reason}`,
      hint === undefined ? {} : { hint },
    );
  const [, scheme = "", place = ""] = /^([a-z]+):\/\/(.*)$/.exec(text) ?? [];
  if (scheme === "unix" && place.startsWith("/")) return { shown: text, ...rest, address: { socketPath: place } };
  if (scheme === "ssh") {
    throw refuse(
      "ssh addresses are not supported",
      "Forward its socket: ssh -NL /tmp/engine.sock:/var/run/docker.sock <host>, with DOCKER_HOST=unix:///tmp/engine.sock",
    );
  }
  if (scheme !== "tcp" && scheme !== "http" && scheme !== "https") {
    throw refuse("it is no address of an engine", "Addresses look like unix:///var/run/docker.sock or tcp://host:2376");
  }
  const url = URL.parse(`http://${place}`);
  if (url === null || url.hostname === "" || url.pathname !== "/" || url.username !== "" || url.search !== "") {
    throw refuse("it is no host with a port");
  }
  const secure = scheme === "https" || rest.tls !== undefined;
  const tls = secure ? { tls: rest.tls ?? { verify: true } } : {};
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  // URL leaves out the port 80 of its own scheme.
  const port = url.port === "" ? (place.endsWith(":80") ? 80 : secure ? 2376 : 2375) : Number(url.port);
  return { shown: text, chosenBy: rest.chosenBy, address: { host, port }, ...tls };
}

function usualSockets({ environment, uid }: EndpointDeps): string[] {
  const runtime = environment.XDG_RUNTIME_DIR ?? (uid === undefined ? undefined : `/run/user/${uid}`);
  const own = runtime === undefined ? [] : [`${runtime}/docker.sock`];
  const ownPodman = runtime === undefined ? [] : [`${runtime}/podman/podman.sock`];
  const desktop = environment.HOME === undefined ? [] : [join(environment.HOME, ".docker/run/docker.sock")];
  return [...own, "/var/run/docker.sock", ...desktop, ...ownPodman, "/run/podman/podman.sock"];
}

function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? "null");
  } catch {
    return undefined; // A broken file is as good as none: the schema then refuses it.
  }
}
