// How the command line names people and conversations, and whether there is such a door, room or person at all.
import { closest } from "../core/closest.ts";
import { Failure } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import type { Store } from "../store/store.ts";

/** Somebody on one adapter. */
export interface Person {
  adapter: string;
  user: string;
}

/** A configured adapter, as far as people and rooms are named by it. */
export interface NamedAdapter {
  name: string;
  /** True for what can be a person's id there; everything can be where it is left out. */
  isPerson?(id: string): boolean;
}

/** What names are checked against. */
export interface NamesDeps {
  /** The adapters that settings name, and the terminal. */
  adapters(): readonly NamedAdapter[];
  users: Pick<Store["users"], "get" | "list">;
  strangers: Pick<Store["strangers"], "list">;
  roles: Pick<Store["roles"], "of">;
  wirings: Pick<Store["wirings"], "known" | "shared">;
}

/** Splits `adapter/id`; what follows the first `/` is the id, whatever characters it has. @throws Failure `usage`. */
export function splitPerson(deps: Pick<NamesDeps, "adapters">, text: string): Person {
  const slash = text.indexOf("/");
  const adapter = text.slice(0, Math.max(0, slash)).trim();
  const user = text.slice(slash + 1).trim();
  if (slash > 0 && adapter !== "" && user !== "") return { adapter, user };
  throw new Failure("usage", `Cannot tell who ${JSON.stringify(text)} is: it is no adapter/id`, {
    hint: `Such as ${exampleOf(deps)}; remoteagent users list and dropped-messages list show ids`,
  });
}

/**
 * Reads somebody who may never have written: the adapter must be in settings, and the id what the platform gives people.
 * @throws Failure `usage`.
 */
export function parsePerson(deps: Pick<NamesDeps, "adapters">, text: string): Person {
  const { adapter, user } = splitPerson(deps, text);
  if (checkAdapter(deps, adapter).isPerson?.(user) !== false) return { adapter, user };
  throw new Failure("usage", `Cannot tell who ${JSON.stringify(text)} is: ${JSON.stringify(user)} is no id there`, {
    hint: "An id is what the platform gives a person, not a name; remoteagent dropped-messages list shows who wrote",
  });
}

/** Reads a person who is known: let in, turned away, or given a role. @throws Failure `usage`, `not-found`. */
export function knownPerson(deps: NamesDeps, text: string): Person {
  const person = splitPerson(deps, text);
  const { adapter, user } = person;
  const isKnown =
    deps.users.get(adapter, user) !== undefined ||
    deps.roles.of(adapter, user).length > 0 ||
    deps.strangers.list({ adapter, limit: limits.strangersMax }).some((one) => one.user === user);
  if (isKnown) return person;
  checkAdapter(deps, adapter);
  const known = deps.users.list({ adapter, limit: limits.choicesMax });
  throw new Failure("not-found", `Cannot find ${JSON.stringify(text)}: nobody with this id wrote there or was let in`, {
    hint:
      known.length === 0
        ? "Nobody is known there so far; remoteagent pair lets somebody in"
        : `Known: ${known.map(({ id, name }) => `${personText({ adapter, user: id })} (${name})`).join(", ")}`,
  });
}

/** What a list has of one adapter. Of nothing it is made sure that there is such an adapter. @throws Failure `usage`. */
export function ofAdapter<Row>(
  deps: Pick<NamesDeps, "adapters">,
  { adapter, rows }: { adapter: string | undefined; rows: readonly Row[] },
): readonly Row[] {
  if (adapter !== undefined && rows.length === 0) checkAdapter(deps, adapter);
  return rows;
}

/** An adapter by its name. @throws Failure `usage` with those that there are. */
export function checkAdapter({ adapters }: Pick<NamesDeps, "adapters">, name: string): NamedAdapter {
  const all = adapters();
  const found = all.find((one) => one.name === name);
  if (found !== undefined) return found;
  const names = all.map((one) => one.name);
  const [near] = closest(name, names, { max: 1 });
  throw new Failure("usage", `There is no adapter ${JSON.stringify(name)} in settings`, {
    hint: near === undefined ? `Known: ${names.join(", ")}` : `Did you mean ${near}? Known: ${names.join(", ")}`,
  });
}

/** A surface: `direct`, `*`, or a shared conversation that is known on the adapter. @throws Failure `not-found`. */
export function checkSurface(
  { wirings }: Pick<NamesDeps, "wirings">,
  { adapter, surface }: { adapter: string; surface: string },
) {
  if (surface === "direct" || surface === "*" || wirings.known(adapter, surface) !== undefined) return surface;
  const known = wirings.shared(adapter, limits.choicesMax);
  throw new Failure(
    "not-found",
    `Cannot find the conversation ${JSON.stringify(surface)} on ${adapter}: nothing was said to the agent there so far`,
    {
      hint: `direct is the direct chat, * is everywhere${known.length === 0 ? "; no shared conversation is known there" : `; known: ${known.join(", ")}`}`,
    },
  );
}

/** `tg/57` */
export function personText({ adapter, user }: Person): string {
  return `${adapter}/${user}`;
}

/** How a person is written on the first platform there is. */
function exampleOf({ adapters }: Pick<NamesDeps, "adapters">): string {
  return `${adapters().find(({ name }) => name !== "terminal")?.name ?? "terminal"}/123456789`;
}

/** A row number. @throws Failure `not-found`, as for one that is not there. */
export function parseNumber(text: string, noun: string): number {
  const digits = /^#?0*([1-9][0-9]{0,14})$/.exec(text.trim())?.[1];
  if (digits !== undefined) return Number(digits);
  throw new Failure("not-found", `Cannot find ${noun} ${JSON.stringify(text)}: there is none with this number`);
}
