// Where people reach the pages: the address from settings, or this machine and the port that it got.
import { isIP } from "node:net";

/** The base of every address that is given out. */
export interface WebAddress {
  /** `https://agent.example.com` */
  origin: string;
  /** The path below which everything stands: empty, or `/agent`. */
  prefix: string;
  /** True when people come by https. */
  secure: boolean;
  /** Reachable from other machines than this one, as far as settings say. */
  elsewhere: boolean;
}

/** The address for settings, or for a port of this machine. */
export function webAddress({ url, host }: { url?: string | undefined; host: string }, port: number): WebAddress {
  const base = url === undefined ? undefined : URL.parse(url);
  if (base == null) {
    const name = isIP(host) === 6 ? `[${host}]` : host;
    return { origin: `http://${name}:${port}`, prefix: "", secure: false, elsewhere: false };
  }
  const prefix = base.pathname.replace(/\/+$/, "");
  return { origin: base.origin, prefix, secure: base.protocol === "https:", elsewhere: !isLoopback(base.hostname) };
}

/** The path that routes see: with or without the prefix, since some proxies take it off. */
export function routePath(pathname: string, { prefix }: WebAddress): string {
  if (prefix === "" || !pathname.startsWith(`${prefix}/`)) return pathname;
  return pathname.slice(prefix.length);
}

/** True for names and addresses of this machine alone, as a URL's `hostname` has them. */
export function isLoopback(hostname: string): boolean {
  const name = hostname.toLowerCase();
  if (name === "localhost" || name === "[::1]" || name === "::1") return true;
  return isIP(name) === 4 && name.startsWith("127.");
}

/**
 * Whether a Host header names us: by the address of settings, by a name of this machine, or by an address on which we
 * listen. Any other is somebody else's name that was made to lead here (DNS rebinding).
 */
export function isOurHost(header: string | null, { address, bound }: { address: WebAddress; bound: string }): boolean {
  const scheme = address.secure ? "https" : "http";
  // A Host header is a host and a port, nothing else: a path or a user in it must not be parsed away.
  if (header === null || !/^[A-Za-z0-9.\-[\]:]{1,255}$/.test(header)) return false;
  const asked = URL.parse(`${scheme}://${header}/`);
  if (asked === null) return false;
  if (asked.origin === address.origin || isLoopback(asked.hostname)) return true;
  const name = asked.hostname.replace(/^\[|\]$/g, "");
  // An address cannot be made to lead elsewhere; on all of this machine's, each of them is ours.
  return isIP(name) !== 0 && (name === bound || bound === "0.0.0.0" || bound === "::");
}
