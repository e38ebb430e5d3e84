// A Discord bot as an adapter: the line brings events in, the handle takes messages out.
import { errorText } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import { within } from "../../sys/clock.ts";
import type { Adapter, AdapterDeps } from "../adapter.ts";
import { createChannels } from "./channels.ts";
import { createClient } from "./client.ts";
import type { DiscordSettings } from "./config.ts";
import { openLine, type SelfUser } from "./connect.ts";
import { createFetcher } from "./files.ts";
import { createOwn } from "./finding.ts";
import { createGaps } from "./gaps.ts";
import type { Facts } from "./inbound.ts";
import { createIntake } from "./intake.ts";
import { createInteractions } from "./interactions.ts";
import { createLanes } from "./lanes.ts";
import { createMarks } from "./marks.ts";
import { setMenu } from "./menu.ts";
import { createOutbound } from "./outbound.ts";
import { createTickets } from "./tickets.ts";
import { discordTraits } from "./traits.ts";

/**
 * Opens a bot. It connects by itself and nothing is awaited here; a token that is refused, or an intent that is not
 * given, is told by its health.
 */
export function openDiscord(settings: DiscordSettings, deps: AdapterDeps): Adapter {
  const { name, log, clock } = deps;
  const closing = new AbortController();
  const { signal } = closing;
  const client = createClient(settings, deps);
  let self: SelfUser = { id: "0", name: "", application: "0" };
  const channels = createChannels({ client, self: () => self.id });
  const lanes = createLanes({ clock, log, signal, onRoom: () => onGap() });
  const marks = createMarks(deps);
  const tickets = createTickets(deps);
  const own = createOwn();
  const facts = (): Facts => ({
    adapter: name,
    self: { id: self.id, name: self.name, isOwnRole: channels.isOwnRole },
    names: channels.names,
    now: clock.now(),
  });
  const { interact } = createInteractions({ ...deps, client, channels, lanes, tickets, facts, signal });
  const fill = createGaps({
    ...deps,
    client,
    lanes,
    marks,
    take: (message, place) => intake.takeMessage(message, place),
  });
  const onGap = () => {
    try {
      fill();
    } catch (error) {
      log.warn("Cannot look for what was missed", { error: errorText(error) });
    }
  };
  const intake = createIntake({ ...deps, channels, lanes, marks, facts, own, interact, onGap });
  const line = openLine({
    name,
    gatewayUrl: settings.gatewayUrl,
    client,
    clock,
    log,
    onSelf(known) {
      self = known;
      void refreshMenu(known.application);
    },
    onGap,
    onDispatch: intake.onDispatch,
  });
  let menuIsBusy = false;
  /** With each new session, in case it could not be set before; the same menu costs nothing. */
  const refreshMenu = async (application: string) => {
    if (menuIsBusy) return;
    menuIsBusy = true;
    try {
      await setMenu({ ...deps, client }, { application, guilds: settings.guilds });
    } catch (error) {
      log.warn("Cannot set the slash commands", { error: errorText(error) });
    } finally {
      menuIsBusy = false;
    }
  };
  return {
    name,
    type: "discord",
    traits: discordTraits,
    ...createOutbound({ log, clock, client, tickets, own, self: () => (self.id === "0" ? undefined : self.id) }),
    fetch: createFetcher({ deps, client, apiUrl: settings.apiUrl }),
    health: line.health,
    async close() {
      closing.abort();
      await line.close();
      await within(clock, { work: lanes.settled(), ms: limits.socketCloseMs });
      marks.note();
      client.close();
    },
  };
}
