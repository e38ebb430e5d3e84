// What an adapter's own surfaces show of what goes on: a home page, a list of models. Read anew at each use.
import { atLeast, type Role } from "../access/roles.ts";
import type { HomeView, KnownPlace, Views } from "../adapters/adapter.ts";
import { limits } from "../core/limits.ts";
import type { TurnRow } from "../core/session.ts";
import type { Gateway } from "../gateway/gateway.ts";
import type { EventSpec } from "../schedule/parse.ts";
import type { Store } from "../store/store.ts";
import type { Doors } from "./doors.ts";
import type { Parts } from "./parts.ts";

/** What they are made from. */
export interface ViewsDeps {
  parts: Pick<Parts, "store" | "hub" | "redactor"> & { models: Pick<Parts["models"], "available"> };
  doors: Pick<Doors, "known" | "resolve">;
  gateway: Pick<Gateway, "running">;
}

/** The views of one adapter. */
export function createViews({ parts, doors, gateway }: ViewsDeps, adapter: string): Views {
  const { store, hub, redactor, models } = parts;
  return {
    home(user) {
      const right = rightOf({ store, doors }, { adapter, user });
      if (right === undefined) return undefined;
      const turns = gateway
        .running()
        .filter(({ row }) => row.replyTo.adapter === adapter && right.sees(row))
        .slice(0, limits.homeRowsMax)
        .map((turn) => turnLine({ store, redactor }, turn));
      return { turns, schedules: schedulesOf({ store, doors }, { adapter, user, all: right.all }) };
    },
    async models() {
      const available = await models.available();
      return available.map(({ provider, name }) => `${provider}/${name}`);
    },
    watch: (changed) =>
      hub.subscribe(({ turn, event }) => {
        if (event.type !== "started" && event.type !== "ended") return;
        if (store.turns.get(turn)?.replyTo.adapter === adapter) changed();
      }),
  };
}

/** Where something was said to us, with the newest message of each. */
export function placesOf(store: Pick<Store, "wirings">, adapter: string): KnownPlace[] {
  return store.wirings.places(adapter, limits.placesMax);
}

type Running = ReturnType<Gateway["running"]>[number];

function turnLine(
  { store, redactor }: Pick<Parts, "store" | "redactor">,
  turn: Pick<Running, "row" | "doing">,
): HomeView["turns"][number] {
  const { id, session, startedAt, replyTo } = turn.row;
  const { conversation, thread } = replyTo;
  return {
    turn: id,
    title: redactor.exact(store.sessions.get(session)?.title ?? ""),
    startedAt,
    activeAt: store.turns.lastEvents(id, 1)[0]?.at ?? startedAt,
    doing: redactor.exact(turn.doing()),
    conversation,
    ...(thread === undefined ? {} : { thread }),
  };
}

/** Whose turns somebody may see: of an agent or of everything its admins, else their own. Undefined: nothing at all. */
function rightOf(
  { store, doors }: { store: Store; doors: ViewsDeps["doors"] },
  { adapter, user }: { adapter: string; user: string },
): { all: boolean; sees(row: TurnRow): boolean } | undefined {
  const { admins = [], dm = "everyone" } = doors.known(adapter);
  const grants = store.roles.of(adapter, user);
  const isMore = (role: Role) => atLeast(role, "admin");
  const all =
    admins.includes(user) || grants.some(({ role, agent }) => role === "owner" || (isMore(role) && agent === ""));
  const listed = Array.isArray(dm) && dm.includes(user);
  if (user === "" || !(all || listed || grants.length > 0)) return undefined;
  const agents = new Set(grants.filter(({ role }) => isMore(role)).map(({ agent }) => agent));
  const own = ({ requester }: TurnRow) => requester.id === user && requester.own !== true;
  return { all, sees: (row) => all || agents.has(row.agent) || own(row) };
}

function schedulesOf(
  { store, doors }: { store: Store; doors: ViewsDeps["doors"] },
  { adapter, user, all }: { adapter: string; user: string; all: boolean },
): HomeView["schedules"] {
  const found: HomeView["schedules"][number][] = [];
  for (const { file, nextAt, spec } of store.schedules.all()) {
    const { target, user: whose } = spec as EventSpec;
    if (nextAt === null || !(all || whose === user)) continue;
    const place = doors.resolve(target, store);
    if ("problem" in place || place.adapter !== adapter) continue;
    found.push({ file, nextAt, conversation: place.conversation });
  }
  return found.sort((a, b) => a.nextAt - b.nextAt).slice(0, limits.homeRowsMax);
}
