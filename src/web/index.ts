// The web: its parts in a table, its socket, and the links that lead to its pages. Loaded when it is first needed.
import { serve } from "#serve";
import { limits } from "../core/limits.ts";
import type { LinkScope } from "../store/links.ts";
import { type WebAddress, webAddress } from "./address.ts";
import { createWebApp } from "./app.ts";
import { createLinks } from "./links.ts";
import { ops } from "./ops/routes.ts";
import type { WebPart, WebParts } from "./part.ts";
import { createRates } from "./rates.ts";
import { maySee } from "./rights.ts";
import { viewer } from "./viewer/routes.ts";

/** Every part, in the order in which routes are looked up. */
const parts: readonly WebPart[] = [ops, viewer];

/** Where it listens and how it is reached. Port 0 takes a free one. */
export interface WebSettings {
  url?: string | undefined;
  host: string;
  port: number;
  trustedProxies: readonly string[];
}

/** The listening web. */
export interface Web {
  address: WebAddress;
  port: number;
  /** Makes a link to a session's page; in the caller's transaction. */
  sessionLink(scope: Omit<LinkScope, "purpose">): { url: string; expiresAt: number };
  close(): Promise<void>;
}

/** Opens it. @throws Failure `state` when the address cannot be had. */
export async function openWeb(given: WebParts, settings: WebSettings): Promise<Web> {
  const { store, clock, door } = given;
  let address = webAddress(settings, settings.port);
  const links = createLinks({ store, clock, may: maySee({ store, door }) });
  const app = createWebApp(
    { ...given, links, rates: createRates(clock), address: () => address },
    { parts, bound: settings.host, trustedProxies: settings.trustedProxies },
  );
  const server = await serve({ hostname: settings.host, port: settings.port }, app.answer);
  const port = server.port ?? settings.port;
  address = webAddress(settings, port);
  return {
    address,
    port,
    sessionLink(scope) {
      const { secret, expiresAt } = links.issue({ ...scope, purpose: "session" }, { lastsMs: limits.viewLinkMs });
      return { url: `${address.origin}${address.prefix}/session/open/${secret}`, expiresAt };
    },
    async close() {
      app.close();
      await server.close();
    },
  };
}
