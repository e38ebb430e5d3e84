// The web pages: loaded and opened when settings want them, or when the first link is asked for, and not before.
import { statSync } from "node:fs";
import process from "node:process";
import { errorText, Failure, failureData, failureText } from "../core/failure.ts";
import type { SessionPage } from "../gateway/commands/command.ts";
import type { Web, WebSettings } from "../web/index.ts";
import type { WebParts } from "../web/part.ts";
import type { Doors } from "./doors.ts";
import type { Middle } from "./middle.ts";
import type { StartOptions } from "./options.ts";
import type { Parts } from "./parts.ts";

/** What the pages are made from. `middle` is there by the time that anybody asks. */
export interface WebDoorParts {
  parts: Parts;
  doors: Doors;
  middle(): Middle;
}

/** The pages, open or not. */
export interface WebDoor {
  /** Opens them when settings want them, or when an earlier link still works. What prevents it is said in `status`. */
  start(): Promise<void>;
  /** Opens them if need be. @throws Failure `state` when the address cannot be had. */
  sessionPage(): Promise<SessionPage>;
  close(): Promise<void>;
}

/** Where the port is kept that was taken without settings: links of before a restart go on working. */
const portFact = "web-port";

/** Makes it; nothing is loaded yet. */
export function createWebDoor(options: StartOptions, made: WebDoorParts): WebDoor {
  const { config, clock, log } = options;
  const { facts, links } = made.parts.store;
  const { web: wanted } = config.settings;
  let opening: Promise<Web> | undefined;
  let closed = false;
  const closedNotices = oneNotice(made.parts.notices);

  const load = async (): Promise<Web> => {
    const [{ openWeb }, { parseMarkdown }] = await Promise.all([
      import("../web/index.ts"),
      import("../adapters/markdown.ts"),
    ]);
    const given = webParts(options, { ...made, parseMarkdown });
    if (wanted !== undefined) return openWeb(given, wanted);
    const own: WebSettings = { host: "127.0.0.1", port: Number(facts.get(portFact) ?? 0), trustedProxies: [] };
    const web = await openWeb(given, own).catch((error: unknown) => {
      // Somebody else has that port now: any other does as well.
      if (own.port === 0 || !(error instanceof Failure)) throw error;
      return openWeb(given, { ...own, port: 0 });
    });
    facts.set(portFact, String(web.port));
    return web;
  };
  const open = (): Promise<Web> => {
    if (closed) return Promise.reject(new Failure("state", "Cannot open the web pages: the program ends"));
    opening ??= load().then(
      (web) => {
        log.info("The web pages are open", { host: wanted?.host ?? "127.0.0.1", port: web.port });
        closedNotices.take();
        return web;
      },
      (error: unknown) => {
        opening = undefined;
        throw error;
      },
    );
    return opening;
  };
  return {
    async start() {
      if (wanted === undefined && !links.live(clock.now())) return;
      try {
        await open();
      } catch (error) {
        log.error("Cannot open the web pages", { error: errorText(error) });
        closedNotices.put(`The web pages are closed. ${failureText(failureData(error))}`);
      }
    },
    async sessionPage() {
      const web = await open();
      return { elsewhere: web.address.elsewhere, link: web.sessionLink };
    },
    async close() {
      closed = true;
      await (await opening)?.close();
    },
  };
}

/** A notice that is taken back when it is no longer true. */
function oneNotice(notices: string[]) {
  let said: string | undefined;
  const take = (): void => {
    const at = said === undefined ? -1 : notices.indexOf(said);
    if (at !== -1) notices.splice(at, 1);
    said = undefined;
  };
  return {
    put(text: string): void {
      take();
      said = text;
      notices.push(text);
    },
    take,
  };
}

function webParts(
  { config, clock, log, version }: StartOptions,
  { parts, doors, middle, parseMarkdown }: WebDoorParts & { parseMarkdown: WebParts["markdown"] },
): WebParts {
  const { store, hub, redactor, layout } = parts;
  const { settings, paths } = config;
  const startedAt = clock.now();
  return {
    store,
    hub,
    redact: redactor.all,
    markdown: parseMarkdown,
    door(adapter) {
      const known = doors.known(adapter);
      return known.local || Object.hasOwn(settings.adapters, adapter) ? known : undefined;
    },
    modelOf: parts.modelOf,
    running: (session) => middle().gateway.runningIn(session)?.row,
    workspace: layout.root,
    vitals: {
      version,
      startedAt,
      async pulse() {
        store.inputs.waitingCount();
        await middle().scheduler.settled();
      },
      adapters: doors.status,
      health: (adapter) => doors.handle(adapter)?.health(),
      running: () => middle().gateway.running().length,
      databaseBytes: () => sizeOf(paths.database) + sizeOf(`${paths.database}-wal`),
      memoryBytes: () => process.memoryUsage.rss(),
      token: () => (settings.web?.token === undefined ? undefined : config.secret(settings.web.token)),
    },
    clock,
    log: log.child({ part: "web" }),
  };
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
