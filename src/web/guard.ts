// What every request passes before any route sees it, and what every response carries.
import { limits } from "../core/limits.ts";
import { isOurHost, type WebAddress } from "./address.ts";
import type { Caller } from "./caller.ts";
import { type Problem, tooMany } from "./problem.ts";
import { neighbourhood, type Rates } from "./rates.ts";

/** What the guard goes by. */
export interface GuardDeps {
  address(): WebAddress;
  /** The address on which we listen. */
  bound: string;
  rates: Rates;
}

const methods = ["GET", "HEAD", "POST"];

/** Scripts and styles of our own files alone, no frames, no plugins, no other hosts. */
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join("; ");

const headers: Readonly<Record<string, string>> = {
  "content-security-policy": policy,
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
  "x-robots-tag": "noindex, nofollow",
};

/** The guard. */
export function createGuard({ address, bound, rates }: GuardDeps) {
  return {
    /** Why a request is refused; nothing when it may go on. Its body is not read here, see {@link boundedBody}. */
    refusal(request: Request, caller: Caller): Problem | undefined {
      const rate = { burst: limits.webAddressBurst, perSecond: limits.webAddressPerSecond };
      if (!rates.take(`address ${neighbourhood(caller.address)}`, rate)) return tooMany;
      if (request.url.length > limits.webUrlCharsMax) {
        return { status: 414, title: "The address is too long", text: "Shorten it and try again." };
      }
      if (!isOurHost(request.headers.get("host"), { address: address(), bound })) return wrongHost;
      if (!methods.includes(request.method)) {
        return { ...wrongMethod, headers: { allow: methods.join(", ") } };
      }
      if (Number(request.headers.get("content-length") ?? 0) > limits.webBodyBytesMax) return tooLarge;
      return request.method === "POST" ? changeRefusal(request, { address: address(), bound }) : undefined;
    },
    /** Adds what every response carries; a route's own word about caching and its stricter policy stay. */
    finish(response: Response, caller: Caller): Response {
      for (const [name, value] of Object.entries(headers)) {
        if (!response.headers.has(name)) response.headers.set(name, value);
      }
      if (caller.secure) response.headers.set("strict-transport-security", "max-age=31536000");
      return response;
    },
  };
}

const wrongHost: Problem = {
  status: 403,
  title: "Wrong address",
  text: "This program does not answer under this name. The setting web.url says under which it does.",
};
const wrongMethod: Problem = { status: 405, title: "Not possible", text: "This cannot be done with a page." };
const tooLarge: Problem = {
  status: 413,
  title: "Too large",
  text: `More than ${limits.webBodyBytesMax / 1024} KiB are not taken.`,
};
const foreign: Problem = {
  status: 403,
  title: "Asked from another page",
  text: "Only the pages of this program may do this.",
};
const wrongType: Problem = { status: 415, title: "Wrong kind of content", text: "Send it as application/json." };

/** What changes something comes from our own pages, as JSON: no form of another page can send that. */
function changeRefusal(request: Request, where: { address: WebAddress; bound: string }): Problem | undefined {
  const { headers: sent } = request;
  const origin = sent.get("origin");
  const from = origin === null ? null : URL.parse(origin);
  if (from === null || from.origin !== origin || !isOurHost(from.host, where)) return foreign;
  // The page and what it calls have one name, else another program of this machine could be the one who asks.
  if (from.host !== sent.get("host") && from.origin !== where.address.origin) return foreign;
  const site = sent.get("sec-fetch-site");
  if (site !== null && site !== "same-origin") return foreign;
  const type = (sent.get("content-type") ?? "").split(";", 1)[0]?.trim().toLowerCase();
  return type === "application/json" ? undefined : wrongType;
}

/** The request with a body that breaks off once it is longer than allowed, also when it does not say its length. */
export function boundedBody(request: Request): Request {
  if (request.body === null) return request;
  let left: number = limits.webBodyBytesMax;
  const bound = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      left -= chunk.byteLength;
      if (left < 0) controller.error(new TooLarge());
      else controller.enqueue(chunk);
    },
  });
  return new Request(request, { body: request.body.pipeThrough(bound), duplex: "half" } as RequestInit);
}

class TooLarge extends Error {
  override name = "TooLarge";
}

/** The problem behind what a route threw, when it is the body that was too long. */
export function bodyProblem(error: unknown): Problem | undefined {
  return error instanceof TooLarge ? tooLarge : undefined;
}
