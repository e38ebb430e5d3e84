// For whoever watches over the program: whether it lives, whether it can do its work, and its figures.
import type { Context } from "hono";
import { errorText } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import { within } from "../../sys/clock.ts";
import { isSameSecret } from "../links.ts";
import type { WebDeps, WebEnv, WebPart } from "../part.ts";
import { type Problem, problemResponse } from "../problem.ts";
import { createMetrics } from "./metrics.ts";

/** What was found to work, or why not. */
interface Check {
  name: string;
  ok: boolean;
  /** One clause. */
  why?: string;
}

const noEntry: Problem = {
  status: 401,
  title: "A token is needed",
  text: "This is for this machine itself, and for whoever sends the token of the setting web.token.",
  headers: { "www-authenticate": "Bearer" },
};

/** `/healthz`, `/readyz` and `/metrics`. */
export const ops: WebPart = {
  assets: {},
  mount(app, deps) {
    const metrics = createMetrics(deps);
    // That this is answered at all is what it says; it tells nothing else, so anybody may ask.
    app.get("/healthz", (context) => context.text("ok\n"));
    app.get("/readyz", async (context) => {
      const refused = refusal(context, deps);
      if (refused !== undefined) return refused;
      const checks = await readiness(deps);
      const ready = checks.every(({ ok }) => ok);
      return context.json({ ready, checks }, ready ? 200 : 503);
    });
    app.get("/metrics", (context) => {
      const headers = { "content-type": "text/plain; version=0.0.4; charset=utf-8" };
      return refusal(context, deps) ?? new Response(metrics.text(), { headers });
    });
    return metrics.leave;
  },
};

/** Only this machine's own programs, past no proxy, or whoever has the token. */
function refusal(context: Context<WebEnv>, { vitals, address, log }: WebDeps): Response | undefined {
  if (context.env.caller.local) return undefined;
  const sent = /^Bearer (\S{1,1000})$/i.exec(context.req.header("authorization") ?? "")?.[1];
  let token: string | undefined;
  try {
    token = vitals.token();
  } catch (error) {
    log.warn("Cannot read web.token", { error: errorText(error) });
  }
  if (sent !== undefined && token !== undefined && isSameSecret(sent, token)) return undefined;
  return problemResponse(noEntry, { request: context.req.raw, assets: `${address().prefix}/assets` });
}

/** Each by trying it: the store answers, the main loop moves, and something was lately heard of each adapter. */
async function readiness({ store, vitals, clock }: WebDeps): Promise<Check[]> {
  const loop = vitals.pulse().then(
    () => undefined,
    (error: unknown) => errorText(error),
  );
  const moves = await within(clock, { work: loop, ms: limits.webReadyMs });
  const failed = moves ? await loop : `nothing within ${limits.webReadyMs} ms`;
  return [
    attempt("store", () => void store.turns.lastEvent()),
    { name: "loop", ok: failed === undefined, ...(failed === undefined ? {} : { why: "it does not move" }) },
    ...vitals.adapters().map(({ name, state, reason }): Check => {
      if (state === "connected") return { name: `adapter ${name}`, ok: true };
      return { name: `adapter ${name}`, ok: false, why: reason ?? state };
    }),
  ];
}

function attempt(name: string, work: () => void): Check {
  try {
    work();
    return { name, ok: true };
  } catch {
    // Its words may name paths; the log has them.
    return { name, ok: false, why: "it does not answer" };
  }
}
