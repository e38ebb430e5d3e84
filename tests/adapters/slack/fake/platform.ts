// The fake Slack as one object: who calls with which token, what there is, and how tests reach both ends of it.
import { createFaults, type Faults } from "./faults.ts";
import { createHub, type Hub } from "./hub.ts";
import { type Inspection, inspection } from "./inspection.ts";
import { type Method, missingScope } from "./method.ts";
import { chatMethods } from "./methods-chat.ts";
import { conversationMethods } from "./methods-conversations.ts";
import { fileMethods } from "./methods-files.ts";
import { streamMethods } from "./methods-stream.ts";
import { userMethods } from "./methods-users.ts";
import { viewMethods } from "./methods-views.ts";
import { decoded, text } from "./params.ts";
import { createRates } from "./rates.ts";
import { Refusal } from "./refusal.ts";
import { builders, newApp, newWorld, type Setup, type SlackOptions } from "./setup.ts";
import type { App, Json, World } from "./world.ts";

/** What a method answers over HTTP. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  body: Json & { ok: boolean };
}

/**
 * The fake. Conversations may be given as objects, ids or `#names`.
 * - Set up: `newApp`, `newChannel`, `user` (made when first named), `app` (the first app, installed from the start).
 * - Act: `user("ann").say(…)` and the other things that people do, see {@link Person}.
 * - Break: `faults.add({ fault, methods, skip, times })`, `sockets.cut/mute/disconnect`, `revoke`, `takeScope`.
 * - Look: `messages`, `thread`, `ephemerals`, `views`, `homes`, `uploads`, `calls`, `sockets.envelopes`.
 */
export interface Slack extends Setup, Inspection {
  readonly world: World;
  readonly faults: Faults;
  readonly sockets: Hub;
  readonly app: App;
  /** Every request that came in, oldest first, faulty ones too; `answer` once the platform acted. */
  readonly calls: { at: number; method: string; params: Json; app: string | undefined; answer?: Json }[];

  /** One method call without HTTP and without faults. */
  call(method: string, options: { token: string | undefined; params?: Json }): Answer;

  /** Ends all waiting. Connections are the server's. */
  close(): void;
}

const callsKept = 100_000;

export function createSlack(options: SlackOptions = {}): Slack {
  const world = newWorld(options);
  const faults = createFaults(world.random);
  const sockets = createHub(world, faults);
  world.deliver = sockets.deliver;
  const rates = options.rates === true ? createRates(world.clock.now) : undefined;
  const methods: Record<string, Method> = {
    ...chatMethods,
    ...streamMethods,
    ...conversationMethods,
    ...userMethods(sockets),
    ...fileMethods,
    ...viewMethods,
  };
  const run = (name: string, { token, params = {} }: { token: string | undefined; params?: Json }): Json => {
    const method = methods[name];
    if (method === undefined) throw new Refusal("unknown_method", { extra: { req_method: name } });
    const app = appOf(world, { token, appLevel: method.appLevel === true });
    const held = method.appLevel === true ? app.appScopes : app.scopes;
    if (method.scopes.length > 0 && !method.scopes.some((scope) => held.has(scope)))
      throw missingScope(app, method.scopes);
    const read = decoded(params);
    rates?.count({
      app: app.id,
      method: name,
      tier: method.tier,
      ...(method.posts === true ? { channel: text(read.channel) } : {}),
    });
    return method.run({ world, app, params: read });
  };
  const app = newApp(world, { name: "remoteagent", ...options.app });
  return {
    world,
    faults,
    sockets,
    app,
    calls: [],
    ...builders(world),
    call(name, given) {
      const headers = scopeHeaders(world, given.token, methods[name]);
      try {
        return { status: 200, headers, body: { ok: true, ...run(name, given) } };
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        const { code, extra, status } = error;
        return { status, headers: { ...headers, ...error.headers }, body: { ok: false, error: code, ...extra } };
      }
    },
    ...inspection(world),
    close: () => sockets.close(),
  };
}

/** Notes a request; the journal is bounded. */
export function noteCall(slack: Slack, call: Slack["calls"][number]): void {
  slack.calls.push(call);
  if (slack.calls.length > callsKept) slack.calls.shift();
}

/** Whose token it is: `not_authed`, `invalid_auth` and the like, in the order of docs.slack.dev/reference/methods/auth.test. */
function appOf(world: World, { token, appLevel }: { token: string | undefined; appLevel: boolean }): App {
  if (token === undefined || token === "") throw new Refusal("not_authed");
  const held = world.tokens.get(token);
  if (held === undefined) throw new Refusal("invalid_auth");
  if (held.state === "revoked") throw new Refusal("token_revoked");
  if (held.state === "inactive") throw new Refusal("account_inactive");
  if ((held.kind === "app") !== appLevel) throw new Refusal("not_allowed_token_type");
  return held.app;
}

/** docs.slack.dev/authentication/tokens: every answer names the token's scopes and those that are accepted. */
function scopeHeaders(world: World, token: string | undefined, method: Method | undefined): Record<string, string> {
  const held = world.tokens.get(token ?? "");
  if (held === undefined || held.state !== "live") return {};
  const scopes = held.kind === "app" ? held.app.appScopes : held.app.scopes;
  return {
    "x-oauth-scopes": [...scopes].join(","),
    ...(method === undefined ? {} : { "x-accepted-oauth-scopes": method.scopes.join(",") }),
  };
}
