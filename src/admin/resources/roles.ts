// The noun `roles`: who may do what, everywhere on an adapter.
import * as v from "valibot";
import { Failure } from "../../core/failure.ts";
import type { Grant, Roles } from "../../store/roles.ts";
import type { Clock } from "../../sys/clock.ts";
import { choice, limitFlag, text, verb } from "../flags.ts";
import { knownPerson, type NamesDeps, parseNumber, parsePerson, personText } from "../person.ts";
import type { Resource } from "../resource.ts";

/** What this noun needs of the store. */
export interface RolesDeps extends NamesDeps {
  roles: Pick<Roles, "list" | "give" | "get" | "of" | "revoke">;
}

/** Who gives what is given here. */
export const byHost = "the command line";

/** Declares the noun; `open` gives the store when a verb runs. */
export function roles(open: () => RolesDeps, clock: Pick<Clock, "now">): Resource {
  return {
    name: "roles",
    summary: "Who may do what: owner, admin, member",
    columns: ["id", "user", "role", "agent", "surface", "givenBy", "givenAt"],
    verbs: [
      verb({
        name: "list",
        summary: "Roles, the oldest first; those of settings are not among them",
        schema: v.strictObject({
          user: v.optional(text("Only of this person, as adapter/id")),
          role: v.optional(choice("Only this one", ["owner", "admin", "member"])),
          limit: limitFlag,
        }),
        run: ({ user, role, limit }) =>
          open()
            .roles.list({ ...(user === undefined ? {} : knownPerson(open(), user)), role, limit })
            .map(grantRow),
      }),
      verb({
        name: "grant",
        summary: "Makes somebody owner or admin, also who never wrote; members add makes members",
        schema: v.strictObject({
          user: text("Who, as adapter/id"),
          role: choice("What they become", ["owner", "admin"]),
          agent: v.optional(text("An admin of this agent alone")),
        }),
        run: ({ user, role, agent = "" }) => {
          if (role === "owner" && agent !== "")
            throw new Failure("usage", "Cannot make an owner of one agent: an owner is one of all");
          const grant = {
            ...parsePerson(open(), user),
            role,
            agent,
            surface: "*",
            givenBy: byHost,
            givenAt: clock.now(),
          };
          return grantRow(open().roles.give(grant));
        },
      }),
      verb({
        name: "revoke",
        summary: "Takes a role back, by its number; it counts at once",
        takesId: true,
        schema: v.strictObject({}),
        run: ({ id }) => {
          const number = parseNumber(id, "role");
          const grant = open().roles.get(number);
          if (grant === undefined || !open().roles.revoke(number))
            throw new Failure("not-found", `Cannot revoke role ${JSON.stringify(id)}: there is none with this number`, {
              hint: "remoteagent roles list shows them",
            });
          return { revoked: grantRow(grant) };
        },
      }),
    ],
  };
}

/** A grant as a table shows it. */
export function grantRow({ adapter, user, ...grant }: Grant) {
  return {
    ...grant,
    user: personText({ adapter, user }),
    agent: grant.agent === "" ? null : grant.agent,
    givenBy: giver(grant.givenBy),
  };
}

/** Who gave it: words, or the JSON of whoever answered. */
function giver(text: string): string {
  if (!text.startsWith("{")) return text;
  const by = JSON.parse(text) as { host?: true; adapter?: string; sender?: { id: string; name: string } };
  return by.sender === undefined ? byHost : `${by.sender.name} (${by.adapter ?? ""}/${by.sender.id})`;
}
