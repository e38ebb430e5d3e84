// The native harness: our own loop over the model library. A turn is a rendezvous: every event is
// stored before the loop takes its next step.
//
// Why not the loop of @earendil-works/pi-agent-core (0.87.1, measured): after an abort it still waits
// for a tool that ignores its signal (hung for good); of three calls in an answer it gave one a result
// after an abort and left the others dangling; it coerces arguments silently (5 became "5"), so that
// what was shown and stored is not what runs; and importing it takes 60 to 80 ms beyond the models'
// library from source (7 ms, 3.5 MB compiled).
import type { TurnEvent } from "../../core/event.ts";
import { errorText, Failure, type FailureData, failureData } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import { formatModelName, type ModelName } from "../../core/model-name.ts";
import { noUsage } from "../../core/usage.ts";
import type { ModelInfo } from "../../models/model.ts";
import type { Clock } from "../../sys/clock.ts";
import { joinSignals } from "../../sys/signals.ts";
import type { Harness, HarnessDeps, Turn } from "../harness.ts";
import { budget } from "./compaction.ts";
import { callsOf, charTokens } from "./context.ts";
import { createContexts } from "./contexts.ts";
import { timeStamps } from "./input.ts";
import { runLoop } from "./loop.ts";
import { Abandoned, rendezvous } from "./rendezvous.ts";
import { type End, failed, late, type Run, type Stop } from "./run.ts";
import { modelTools } from "./schema.ts";

/** Makes the harness. */
export function createNativeHarness(deps: HarnessDeps): Harness {
  const shared = { stamp: timeStamps(deps.timeZone), asModelTools: modelTools(), contextOf: createContexts() };
  return {
    name: "native",
    run: (turn) => ({ [Symbol.asyncIterator]: () => start(turn, deps, shared) }),
  };
}

interface Shared {
  stamp: (at: number) => string;
  asModelTools: ReturnType<typeof modelTools>;
  contextOf: ReturnType<typeof createContexts>;
}

/** Starts the loop and returns what it tells. */
function start(turn: Turn, deps: HarnessDeps, shared: Shared): AsyncIterator<TurnEvent> {
  const over = new AbortController();
  const left = new AbortController();
  const stop = makeStop(turn.signal, { ...deps, left: left.signal, over: over.signal });
  const events = rendezvous<TurnEvent, ReturnType<Turn["head"]>>(
    () => turn.head(),
    () => left.abort(),
  );
  const log = deps.log.child({ turn: turn.id, session: turn.session.id });
  let run: Run | undefined;
  const whole = async () => {
    let end: End;
    try {
      // The first look-up loads the model library; meanwhile people see that it has started.
      const found = findModel(turn.model, deps);
      await events.offer({ type: "started", resumed: turn.resumed, model: formatModelName(turn.model) });
      const { info, broken } = await found;
      run = makeRun(turn, { ...deps, log, stop, info, shared, offer: (event) => events.offer(event) });
      end = await runLoop(run, broken);
    } catch (error) {
      if (error instanceof Abandoned) return;
      log.error("A turn broke", { error: errorText(error), stack: error instanceof Error ? error.stack : undefined });
      end = failed(error);
    }
    await events.offer({ type: "ended", ...end, usage: run?.usage ?? noUsage });
  };
  void whole()
    .catch((error) => {
      if (!(error instanceof Abandoned)) log.error("A turn's end was not taken", { error: errorText(error) });
    })
    .finally(() => {
      over.abort();
      events.finish();
    });
  return events.items;
}

type RunParts = Pick<Run, "models" | "clock" | "log" | "stop" | "info" | "offer"> & { shared: Shared };

function makeRun(turn: Turn, { shared, ...parts }: RunParts): Run {
  const { tools, chars } = shared.asModelTools(turn.tools);
  let callIds: Set<string> | undefined;
  return {
    ...parts,
    turn,
    tools,
    context: shared.contextOf(turn.history, budget(parts.info).messageTokensMax),
    callIds() {
      callIds ??= callIdsOf(turn);
      return callIds;
    },
    fixedTokens: charTokens(turn.system.length + chars),
    usage: noUsage,
    requests: 0,
    stamp: shared.stamp,
  };
}

/** Ids that a new call must not have. */
function callIdsOf({ history, startedCalls }: Turn): Set<string> {
  const ids = new Set(startedCalls);
  for (const { body } of history) {
    if (body.kind === "message" && body.message.role === "assistant")
      for (const { id } of callsOf(body.message)) ids.add(id);
  }
  return ids;
}

/** What is known of the model; when it cannot be used, why, and a stand-in with which inputs are still taken. */
async function findModel(model: ModelName, deps: HarnessDeps): Promise<{ info: ModelInfo; broken?: FailureData }> {
  try {
    return { info: await deps.models.info(model) };
  } catch (error) {
    if (!(error instanceof Failure)) deps.log.error("Cannot look up a model", { error: errorText(error) });
    const price = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0 };
    const { provider, name } = model;
    const facts = {
      label: name,
      contextWindow: Number.MAX_SAFE_INTEGER,
      outputMax: 0,
      images: false,
      levels: [],
      price,
    };
    return { info: { provider, name, ...facts }, broken: failureData(error) };
  }
}

/** Joins the ways in which a turn ends early: it is stopped, or nobody reads its events any more. */
function makeStop(asked: AbortSignal, deps: { clock: Clock; left: AbortSignal; over: AbortSignal }): Stop {
  const signal = joinSignals([asked, deps.left], deps.over);
  const isLate = new Promise<typeof late>((resolve) => {
    const wait = async () => {
      await deps.clock.sleep(limits.stopGraceMs, deps.over);
      resolve(late);
    };
    if (signal.aborted) void wait();
    else signal.addEventListener("abort", () => void wait(), { once: true });
  });
  return { signal, late: isLate };
}
