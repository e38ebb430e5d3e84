// The contract of a web part: its routes and assets, and what every part is given.
import type { Hono } from "hono";
import type { Door } from "../access/admission.ts";
import type { Session, TurnRow } from "../core/session.ts";
import type { StatusReport } from "../core/status.ts";
import type { AdapterHealth } from "../gateway/handle.ts";
import type { Hub } from "../gateway/hub.ts";
import type { Store } from "../store/store.ts";
import type { Clock } from "../sys/clock.ts";
import type { Log } from "../sys/log.ts";
import type { WebAddress } from "./address.ts";
import type { Caller } from "./caller.ts";
import type { Links } from "./links.ts";
import type { Rates } from "./rates.ts";

/** What routes find beside the request. */
export type WebEnv = { Bindings: { caller: Caller } };

/** What the program says of itself to whoever watches over it. */
export interface Vitals {
  version: string;
  startedAt: number;
  /** Goes once through store and main loop. @throws the error of either. */
  pulse(): Promise<void>;
  adapters(): StatusReport["adapters"];
  health(adapter: string): AdapterHealth | undefined;
  running(): number;
  databaseBytes(): number;
  memoryBytes(): number;
  /** The token with which others than this machine may ask; looked up at each use. */
  token(): string | undefined;
}

/** What the web needs of the rest of the program. */
export interface WebParts {
  store: Store;
  hub: Pick<Hub, "subscribe" | "forming">;
  /** Takes secrets out of everything that is shown. */
  redact(text: string): string;
  /** Markdown as a tree that holds no markup; how it is drawn is the page's. */
  markdown(text: string): readonly object[];
  /** What settings say of a door; none for an adapter that is not configured any more. */
  door(adapter: string): Door | undefined;
  modelOf(session: Session): string;
  running(session: number): TurnRow | undefined;
  /** The folder below which kept files are. */
  workspace: string;
  vitals: Vitals;
  clock: Clock;
  log: Log;
}

/** What a part is given. */
export interface WebDeps extends WebParts {
  /** Where people reach the pages; known once it listens. */
  address(): WebAddress;
  links: Links;
  rates: Rates;
}

/** One part: pages with their data. */
export interface WebPart {
  /** Files of the page, by the name that they have below `/assets/`. */
  assets: Readonly<Record<string, string>>;
  /** Adds its routes. @returns what ends its open streams. */
  mount(app: Hono<WebEnv>, deps: WebDeps): () => void;
}
