// A `fetch` straight into a platform, for whichever speaks plain HTTP: what is lost on the way, and what it takes in time.
import type { Chance } from "./chance.ts";
import type { Common, Lived } from "./world.ts";

/** A request, read. */
export interface Asked {
  method: string;
  url: URL;
  headers: Headers;
  body: string | FormData | Uint8Array | undefined;
}

/** What the platform does with it. `note`: what is told of it in the run's record; nothing for what is of no interest. */
export type Outcome = { delayMs: number; note?: string } & (
  | { kind: "answer"; status: number; headers: { [name: string]: string }; body: string | Uint8Array }
  | { kind: "cut"; status: number; headers: { [name: string]: string }; body: Uint8Array }
  | { kind: "closed" }
  | { kind: "silent" }
);

export interface ExchangeDeps {
  world: Pick<Common, "time" | "outage" | "traits" | "note">;
  chance: Chance;
  life: Lived;
  act(asked: Asked): Outcome;
}

/** What transports read of a response; streams of the runtime would cost most of a run's time. */
interface Answered {
  status: number;
  headers: Headers;
  body: readonly Uint8Array[] | AsyncIterable<Uint8Array>;
}

const never = new Promise<never>(() => undefined);
const encoder = new TextEncoder();

/** After its program's death nothing more goes out, and nothing comes back. */
export function createExchange({ world, chance, life, act }: ExchangeDeps): typeof fetch {
  const { time, traits } = world;
  const ask = async (input: string, init: RequestInit): Promise<Answered> => {
    if (life.dead()) return never;
    time.touch();
    const url = new URL(input);
    const signal = init.signal ?? new AbortController().signal;
    life.tick("asked");
    if (life.dead()) return never;
    const outage = world.outage();
    if (outage === "silent") return aborted(signal);
    if (outage !== undefined) throw broke(outage === "refused" ? "ECONNREFUSED" : "ECONNRESET");
    const outcome = act({
      method: init.method ?? "GET",
      url,
      headers: new Headers(init.headers),
      body: (init.body ?? undefined) as Asked["body"],
    });
    if (outcome.note !== undefined) world.note(`${outcome.note}: ${describe(outcome)}`);
    life.tick("acted");
    if (life.dead()) return never;
    return arrival(outcome, signal);
  };
  const arrival = (outcome: Outcome, signal: AbortSignal): Promise<Answered> => {
    const { promise, resolve, reject } = Promise.withResolvers<Answered>();
    signal.addEventListener(
      "abort",
      () => {
        time.touch();
        if (!life.dead()) reject(signal.reason);
      },
      { once: true },
    );
    time.after(outcome.delayMs + (traits.latencyMs === 0 ? 0 : chance.below(traits.latencyMs)), () => {
      const outage = world.outage();
      if (life.dead() || outcome.kind === "silent" || outage === "silent") return;
      if (outcome.kind === "closed" || outage === "broken") reject(broke("ECONNRESET"));
      else resolve(answered(outcome));
    });
    return promise;
  };
  return Object.assign((input: unknown, init: RequestInit = {}) => ask(String(input), init) as unknown, {
    preconnect() {},
  }) as typeof fetch;
}

function describe(outcome: Outcome): string {
  return outcome.kind === "answer" || outcome.kind === "cut" ? `${outcome.kind} ${outcome.status}` : outcome.kind;
}

function answered(outcome: Extract<Outcome, { kind: "answer" | "cut" }>): Answered {
  const { kind, status, body } = outcome;
  const bytes = typeof body === "string" ? encoder.encode(body) : body;
  return { status, headers: new Headers(outcome.headers), body: kind === "cut" ? broken(bytes) : [bytes] };
}

/** A body that breaks off. */
async function* broken(start: Uint8Array): AsyncGenerator<Uint8Array> {
  yield start;
  throw broke("ECONNRESET");
}

function broke(code: string): TypeError {
  return Object.assign(new TypeError("The connection failed"), { code });
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
