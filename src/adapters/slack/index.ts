// A Slack app as an adapter: the line brings envelopes in, the handle takes messages out, the surface shows the rest.
import { limits } from "../../core/limits.ts";
import { within } from "../../sys/clock.ts";
import type { Adapter, AdapterDeps } from "../adapter.ts";
import { createAnswers } from "./answers.ts";
import { createClients, type SlackRefusal } from "./client.ts";
import type { SlackSettings } from "./config.ts";
import { openLine } from "./connect.ts";
import { createDispatch } from "./dispatch.ts";
import { scopeProblem } from "./errors.ts";
import { createEvents } from "./events.ts";
import { createFetcher } from "./files.ts";
import { createGaps } from "./gaps.ts";
import type { Facts, Self } from "./inbound.ts";
import { createIntake } from "./intake.ts";
import { createModals } from "./modals.ts";
import { createDirectory } from "./names.ts";
import { createOutbound } from "./outbound.ts";
import { createParents } from "./parents.ts";
import { createPresses } from "./presses.ts";
import { createStreams } from "./streams.ts";
import { createSurface } from "./surface.ts";
import { slackTraits } from "./traits.ts";

/**
 * Opens an app in its workspace. It connects by itself and nothing is awaited here; a token that is refused, or a scope
 * that is missing, is told by its health.
 */
export function openSlack(settings: SlackSettings, deps: AdapterDeps): Adapter {
  const { name, log, clock, views } = deps;
  const { apiUrl } = settings;
  const closing = new AbortController();
  const { signal } = closing;
  const told = new Set<string>();
  const onAnswer = ({ refusal }: { refusal?: SlackRefusal }) => {
    const problem = refusal === undefined ? undefined : scopeProblem(refusal);
    if (problem === undefined || told.has(problem)) return;
    told.add(problem);
    log.warn("A scope is missing", { problem });
    line.note(problem);
  };
  const { bot: client, app } = createClients(settings, { ...deps, onAnswer });
  let self: Self | undefined;
  const directory = createDirectory({ client, clock, log });
  const intake = createIntake({ clock, log });
  const answers = createAnswers({ ...deps, client, apiUrl });
  const streams = createStreams({ client, clock, log, team: () => self?.team });
  const surface = createSurface({ client, views, clock, log, signal });
  const facts = (): Facts | undefined =>
    self === undefined ? undefined : { adapter: name, self, names: directory.names, now: clock.now() };
  const gaps = createGaps({ ...deps, client, intake, directory, facts, signal });
  const parents = createParents({ client, directory, facts, clock, log });
  const modals = createModals({ client, views, clock, log });
  const line = openLine({
    name,
    host: new URL(apiUrl).host,
    clock,
    log,
    bot: client,
    app,
    onGreeted(known) {
      self = known;
      // The app may have been reinstalled since.
      told.clear();
      line.note(undefined);
    },
    onOpen: (gap) => (gap ? gaps.fill() : undefined),
    onEnvelope: createDispatch({
      clock,
      log,
      event: createEvents({ ...deps, intake, directory, parents, streams, surface, gaps, facts }),
      pressed: createPresses({ ...deps, intake, directory, answers, modals, facts }),
    }),
  });
  return {
    name,
    type: "slack",
    traits: slackTraits,
    ...createOutbound({
      deps,
      client,
      apiUrl,
      answers,
      streams,
      directory,
      bot: () => self?.bot,
      onTokenRefused: line.doubt,
    }),
    fetch: createFetcher({ ...deps, client, apiUrl }),
    health: line.health,
    async close() {
      closing.abort();
      await line.close();
      const settled = Promise.all([intake.settled(), gaps.settled(), surface.settled()]);
      await within(clock, { work: settled, ms: limits.platformCallMs });
    },
  };
}
