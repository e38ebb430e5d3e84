// Who calls: the address and the scheme, of which proxies are believed when settings name them.
import { BlockList, isIP } from "node:net";
import type { Peer } from "../sys/serve.ts";
import { isLoopback, type WebAddress } from "./address.ts";

/** What is known of whoever made a request. */
export interface Caller {
  /** Their address, or that of the last machine that is believed. */
  address: string;
  /** They came by https. */
  secure: boolean;
  /** A program of this machine itself: from a loopback address, to a loopback name, past no proxy. */
  local: boolean;
}

/** Headers by which a proxy gives itself away. */
const traces = ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"];
const otherTraces = ["cf-connecting-ip", "true-client-ip", "x-forwarded-server", "x-forwarded-port"];
/** Proxies in a row that are looked at. */
const hopsMax = 20;

/** Reads requests; `trusted` are addresses and blocks of them as settings have them. */
export function createCallers(trusted: readonly string[]) {
  const proxies = new BlockList();
  for (const block of trusted) {
    const [address = "", bits] = block.split("/");
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    proxies.addSubnet(address, bits === undefined ? (family === "ipv6" ? 128 : 32) : Number(bits), family);
  }
  const isProxy = (address: string) => {
    const family = isIP(address);
    return family !== 0 && proxies.check(address, family === 6 ? "ipv6" : "ipv4");
  };
  return (request: Request, peer: Peer, { address }: { address: WebAddress }): Caller => {
    const { headers } = request;
    const from = plain(peer.address ?? "");
    const believed = isProxy(from);
    const proxied = [...traces, ...otherTraces].some((name) => headers.has(name));
    // No proxy of ours is named, yet people come by the https address: only a proxy can have brought them there.
    const byName = address.secure && headers.get("host") === URL.parse(address.origin)?.host;
    const scheme = headers.get("x-forwarded-proto")?.split(",").at(-1)?.trim().toLowerCase();
    return {
      address: believed ? clientOf(headers.get("x-forwarded-for"), { from, isProxy }) : from,
      secure: byName || (believed && scheme === "https"),
      local: isLoopback(from) && !proxied && isLoopback(URL.parse(`http://${headers.get("host")}/`)?.hostname ?? ""),
    };
  };
}

/** The nearest address that is no proxy of ours: what stands before it anybody may have written. */
function clientOf(
  header: string | null,
  { from, isProxy }: { from: string; isProxy: (address: string) => boolean },
): string {
  let found = from;
  for (const hop of (header ?? "").split(",").slice(-hopsMax).reverse()) {
    const address = plain(hop.trim());
    if (isIP(address) === 0) break;
    found = address;
    if (!isProxy(address)) break;
  }
  return found;
}

/** Without the form that IPv4 has on a socket for both. */
function plain(address: string): string {
  return /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i.exec(address)?.[1] ?? address;
}
