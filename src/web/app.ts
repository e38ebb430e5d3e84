// The web server as one function from request to response: guard, routes of the parts, and what goes wrong.
import { Hono } from "hono";
import { errorText } from "../core/failure.ts";
import type { Peer } from "../sys/serve.ts";
import { routePath } from "./address.ts";
import { mountAssets } from "./assets.ts";
import { type Caller, createCallers } from "./caller.ts";
import { bodyProblem, boundedBody, createGuard } from "./guard.ts";
import type { WebDeps, WebEnv, WebPart } from "./part.ts";
import { broken, notThere, type Problem, problemResponse } from "./problem.ts";

/** How it listens. */
export interface WebAppOptions {
  parts: readonly WebPart[];
  /** The address on which it listens. */
  bound: string;
  trustedProxies: readonly string[];
}

/** The web server without its socket. */
export interface WebApp {
  /** Answers every request and never rejects. */
  answer(request: Request, peer: Peer): Promise<Response>;
  /** Ends what is open for long. */
  close(): void;
}

/** Makes it from its parts. */
export function createWebApp(deps: WebDeps, { parts, bound, trustedProxies }: WebAppOptions): WebApp {
  const { address, log, rates } = deps;
  const guard = createGuard({ address, bound, rates });
  const callerOf = createCallers(trustedProxies);
  const app = new Hono<WebEnv>({
    getPath: (request) => routePath(URL.parse(request.url)?.pathname ?? "/", address()),
  });
  const problem = (what: Problem, request: Request) =>
    problemResponse(what, { request, assets: `${address().prefix}/assets` });
  mountAssets(app, Object.assign({}, ...parts.map(({ assets }) => assets)));
  const closers = parts.map((part) => part.mount(app, deps));
  app.notFound((context) => problem(notThere, context.req.raw));
  app.onError((error, context) => {
    const known = bodyProblem(error);
    if (known === undefined) log.error("A web request failed", { error: errorText(error) });
    return problem(known ?? broken, context.req.raw);
  });
  const respond = (request: Request, caller: Caller): Response | Promise<Response> => {
    const refused = guard.refusal(request, caller);
    return refused === undefined ? app.fetch(boundedBody(request), { caller }) : problem(refused, request);
  };
  return {
    async answer(request, peer) {
      const caller = callerOf(request, peer, { address: address() });
      return guard.finish(await respond(request, caller), caller);
    },
    close() {
      for (const close of closers) close();
    },
  };
}
