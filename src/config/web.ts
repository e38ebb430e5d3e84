// The `web` settings: what listens where, and who is believed about addresses.
import { isIP } from "node:net";
import * as v from "valibot";
import { secretSchema } from "./secret.ts";

const loopback = new Set(["127.0.0.1", "::1", "localhost"]);

/** An address or a block of them, parsed and not matched by its beginning. */
function isAddressBlock(text: string): boolean {
  const [address = "", bits, ...rest] = text.split("/");
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return bits === undefined || (/^[0-9]{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128));
}

/** A plain origin, or one with a path below which everything stands; nothing that could hold a secret. */
function isBaseUrl(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) return false;
  return url.username === "" && url.password === "" && url.search === "" && url.hash === "";
}

const port = "expected a port from 1 to 65535";

/** `web`; another host than loopback wants an https `url`, else links and tokens would travel in the open. */
export const webSchema = v.pipe(
  v.strictObject({
    url: v.optional(
      v.pipe(
        v.string(),
        v.check(isBaseUrl, "expected an http:// or https:// address without user, query and fragment"),
        v.description("The address under which people reach the pages."),
      ),
    ),
    port: v.optional(
      v.pipe(
        v.number(port),
        v.integer(port),
        v.minValue(1, port),
        v.maxValue(65_535, port),
        v.description("The port."),
      ),
      8181,
    ),
    host: v.optional(
      v.pipe(
        v.string(),
        v.check(
          (host) => loopback.has(host) || isIP(host) !== 0,
          'expected an address such as "127.0.0.1" or "0.0.0.0"',
        ),
        v.description("The address on which to listen; another one than 127.0.0.1 wants an https url."),
      ),
      "127.0.0.1",
    ),
    token: v.optional(
      v.pipe(
        secretSchema,
        v.description(
          "With it others than this machine may ask for /readyz and /metrics: Authorization: Bearer <token>.",
        ),
      ),
    ),
    trustedProxies: v.optional(
      v.pipe(
        v.array(v.pipe(v.string(), v.check(isAddressBlock, 'expected an address such as "10.0.0.1" or "10.0.0.0/8"'))),
        v.description("Proxies that are believed about scheme and client address."),
      ),
      [],
    ),
  }),
  v.forward(
    v.partialCheck(
      [["host"], ["url"]],
      // A host that is no address has its own problem.
      ({ host, url }) =>
        loopback.has(host) || isIP(host) === 0 || (url !== undefined && URL.parse(url)?.protocol === "https:"),
      "expected an https:// address, because web.host is not this machine alone",
    ),
    ["url"],
  ),
);
