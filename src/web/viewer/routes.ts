// The session page: opening a link, the page, its data, its live stream, its files.
import type { Context, Hono } from "hono";
import { getCookie } from "hono/cookie";
import * as v from "valibot";
import { publicId } from "../../core/ids.ts";
import { limits } from "../../core/limits.ts";
import type { Session } from "../../core/session.ts";
import type { Link } from "../../store/links.ts";
import { fill } from "../fill.ts";
import type { WebDeps, WebEnv, WebPart } from "../part.ts";
import { deadLink, type Problem, problemResponse, tooMany } from "../problem.ts";
import { neighbourhood } from "../rates.ts";
import { parseCursor } from "./branch.ts";
import draw from "./draw.js" with { type: "text" };
import { fileResponse } from "./files.ts";
import type { About } from "./item.ts";
import items from "./items.js" with { type: "text" };
import page from "./page.html" with { type: "text" };
import { createStreams, type Streams } from "./streams.ts";
import { createSums } from "./sums.ts";
import { createTimeline, type Timeline } from "./timeline.ts";
import { createView } from "./view.ts";
import style from "./viewer.css" with { type: "text" };
import script from "./viewer.js" with { type: "text" };

const purpose = "session";
const cookieName = "remoteagent-session";

/** The session viewer. */
export const viewer: WebPart = {
  assets: { "viewer.css": style, "viewer.js": script, "items.js": items, "draw.js": draw },
  mount(app, deps) {
    const streams = createStreams(deps);
    mountOpening(app, deps);
    mountData(app, deps, streams);
    return streams.close;
  },
};

type Request = Context<WebEnv>;

function refuse(context: Request, { address }: Pick<WebDeps, "address">, problem: Problem): Response {
  return problemResponse(problem, { request: context.req.raw, assets: `${address().prefix}/assets` });
}

/** The way from the address in the chat to the page: the secret becomes a cookie, and leaves the address. */
function mountOpening(app: Hono<WebEnv>, deps: WebDeps): void {
  const { address, clock, links, rates } = deps;
  app.get("/session/open/:secret", (context) => {
    const secret = context.req.param("secret");
    const { secure, address: from } = context.env.caller;
    const guesses = { burst: limits.webGuessesMax, perSecond: 1000 / limits.webGuessMs };
    const key = `guess ${neighbourhood(from)}`;
    if (!rates.has(key, guesses)) return refuse(context, deps, tooMany);
    // A look at where a link leads, as some programs take ahead of people, opens nothing.
    const opened = context.req.method === "HEAD" ? undefined : links.open(secret, purpose);
    if (opened === undefined) {
      if (context.req.method === "HEAD") return new Response(null, { status: 204 });
      rates.take(key, guesses);
      return refuse(context, deps, deadLink);
    }
    const path = `${address().prefix}/session/${opened.link.id}/`;
    const seconds = Math.max(1, Math.floor((opened.link.expiresAt - clock.now()) / 1000));
    const cookie = [`${cookieName}=${opened.visit}`, `Path=${path}`, `Max-Age=${seconds}`, "HttpOnly", "SameSite=Lax"];
    return new Response(null, {
      status: 303,
      headers: { location: path, "set-cookie": [...cookie, ...(secure ? ["Secure"] : [])].join("; ") },
    });
  });
}

/** What a route behind a link works with. */
interface Seen {
  link: Link;
  session: Session;
  timeline: Timeline;
}

const placeSchema = v.optional(v.pipe(v.string(), v.regex(/^[TE][0-9.]{1,32}$/)));
const pageQuery = v.object({
  before: placeSchema,
  after: placeSchema,
  around: placeSchema,
  first: v.optional(
    v.pipe(
      v.literal("1"),
      v.transform(() => true),
    ),
  ),
});
const searchQuery = v.object({ q: v.pipe(v.string(), v.maxLength(limits.viewQueryCharsMax)), before: placeSchema });

const wrongQuery: Problem = { status: 400, title: "Not understood", text: "A part of the address has the wrong form." };

function mountData(app: Hono<WebEnv>, deps: WebDeps, streams: Streams): void {
  const { store, address, links, rates, redact } = deps;
  const view = createView(deps);
  const sums = createSums(store);

  /** The session behind the link that this browser opened; every request asks anew (SECURITY.md 5). */
  const seen = (context: Request): Seen | Problem => {
    const id = Number(/^[1-9]\d{0,14}$/.exec(context.req.param("link") ?? "")?.[0]);
    const link = Number.isNaN(id) ? undefined : links.visited(getCookie(context, cookieName), { id, purpose });
    const session = link?.session == null ? undefined : store.sessions.get(link.session);
    if (link === undefined || session === undefined) return deadLink;
    const rate = { burst: limits.webLinkBurst, perSecond: limits.webLinkPerSecond };
    if (!rates.take(`link ${link.id}`, rate)) return tooMany;
    return { link, session, timeline: createTimeline({ store, view, redact }, session.id) };
  };
  const get = (path: string, answer: (found: Seen, context: Request) => unknown) =>
    app.get(`/session/:link/${path}`, async (context) => {
      const found = seen(context);
      if ("status" in found) return refuse(context, deps, found);
      // The router takes a HEAD for a GET and drops the body: a stream would never hear that nobody reads it.
      if (context.req.method === "HEAD") return new Response(null);
      const made = await answer(found, context);
      if (made === undefined) return refuse(context, deps, wrongQuery);
      return made instanceof Response ? made : context.json(made);
    });

  app.get("/session/:link", (context) =>
    context.redirect(`${address().prefix}/session/${encodeURIComponent(context.req.param("link"))}/`, 303),
  );
  get("", (_found, context) => context.html(fill(page, { assets: `${address().prefix}/assets` })));
  get("about", ({ link, session }) => about(deps, { link, session }));
  get("used", ({ session }) => sums(session.id));
  get("timeline", ({ timeline }, context) => {
    const query = v.safeParse(pageQuery, context.req.query());
    return query.success ? timeline.page(query.output) : undefined;
  });
  get("item/:id", ({ timeline }, context) => timeline.whole(context.req.param("id") ?? ""));
  get("search", ({ timeline }, context) => {
    const query = v.safeParse(searchQuery, context.req.query());
    return query.success ? timeline.search(query.output.q, query.output.before) : undefined;
  });
  get("file/:ref", ({ timeline }, context) =>
    fileResponse({ ...deps, store }, { timeline, ref: context.req.param("ref") ?? "" }),
  );
  get("events", ({ link, session, timeline }, context) => {
    const after = context.req.header("last-event-id") ?? context.req.query("after") ?? "";
    const from = after === "" ? undefined : parseCursor(after);
    if (after !== "" && from === undefined) return undefined;
    const state = () => about(deps, { link, session: store.sessions.get(session.id) ?? session });
    const opened = streams.open({ link, session: session.id, timeline, from, state, signal: context.req.raw.signal });
    return opened ?? refuse(context, deps, tooMany);
  });
}

/** What stands above the timeline. */
function about({ store, redact, modelOf, running }: WebDeps, { link, session }: Omit<Seen, "timeline">): About {
  const parent = session.parent === null ? undefined : store.sessions.get(session.parent);
  const named = ({ id, title }: Pick<Session, "id" | "title">) => ({ session: publicId(id), title: redact(title) });
  return {
    ...named(session),
    agent: redact(session.agent),
    model: redact(modelOf(session)),
    running: running(session.id) !== undefined,
    createdAt: session.createdAt,
    expiresAt: link.expiresAt,
    ...(parent === undefined ? {} : { parent: named(parent) }),
    forks: store.timeline.forks(session.id, limits.viewForksMax).map(named),
  };
}
