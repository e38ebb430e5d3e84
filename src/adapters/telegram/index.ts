// A Telegram bot as an adapter: the line brings updates in, the handle takes messages out.
import { errorText } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import type { Adapter, AdapterDeps } from "../adapter.ts";
import { createRecent } from "../recent.ts";
import { createClient } from "./client.ts";
import type { TelegramSettings } from "./config.ts";
import { openLine } from "./connect.ts";
import type { Self } from "./entities.ts";
import { createFetcher } from "./files.ts";
import { readUpdate } from "./inbound.ts";
import { createJobs } from "./jobs.ts";
import { createMenu } from "./menu.ts";
import { createMoves } from "./moves.ts";
import { createOutbound } from "./outbound.ts";
import { telegramTraits } from "./traits.ts";

/**
 * Opens a bot. It connects by itself and nothing is awaited here; a token that is refused, or a line that is held by
 * another, is told by its health.
 */
export function openTelegram(settings: TelegramSettings, deps: AdapterDeps): Adapter {
  const { name, log, clock } = deps;
  const apiRoot = settings.apiRoot.replace(/\/+$/, "");
  const client = createClient(settings, { deps, apiRoot });
  const { api } = client;
  const albums = createRecent<true>(limits.adapterNotesMax);
  const commands = new Set(deps.commands.map((command) => command.name));
  const menu = createMenu({ ...deps, api });
  const moves = createMoves(deps, settings);
  const logMenu = (error: unknown) => log.warn("Cannot set the menu", { error: errorText(error) });
  const receive: AdapterDeps["receive"] = async (inbound, behind) => {
    const receipt = await deps.receive(inbound, behind);
    if (receipt.state === "done") void menu.refresh().catch(logMenu);
    return receipt;
  };
  const jobs = createJobs({ receive, log, api, moves });
  let self: Self | undefined;
  const line = openLine({
    name,
    host: new URL(apiRoot).host,
    clock,
    log,
    memory: deps.memory,
    api: client.fresh,
    read(raw) {
      if (self === undefined) throw new Error("the bot's own name is not known yet");
      const facts = { adapter: name, self, groups: moves.groups(), commands, albums, now: clock.now() };
      const reading = readUpdate(raw, facts);
      if (reading.kind === "inbound" && reading.album !== undefined) albums.set(reading.album, true);
      return jobs.of(reading);
    },
    onGreeted(known) {
      self = known;
      void menu.update(known.id).catch(logMenu);
    },
  });
  const outbound = createOutbound({ deps, api, moves, onTokenRefused: line.doubt });
  return {
    name,
    type: "telegram",
    traits: telegramTraits,
    ...outbound,
    fetch: createFetcher({ deps, apiRoot, api, token: client.token }),
    health: line.health,
    close: line.close,
  };
}
