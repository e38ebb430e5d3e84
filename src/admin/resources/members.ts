// The noun `members`: who may write to the agent, and where.
import * as v from "valibot";
import { Failure } from "../../core/failure.ts";
import type { Roles } from "../../store/roles.ts";
import type { Clock } from "../../sys/clock.ts";
import { limitFlag, text, verb } from "../flags.ts";
import { checkSurface, knownPerson, type NamesDeps, parsePerson, splitPerson } from "../person.ts";
import type { Resource } from "../resource.ts";
import { byHost, grantRow } from "./roles.ts";

/** What this noun needs of the store. */
export interface MembersDeps extends NamesDeps {
  roles: Pick<Roles, "list" | "give" | "of" | "revoke">;
}

const surface = "In the direct chat (direct), in one shared conversation (its id), or everywhere (*)";

/** Declares the noun; `open` gives the store when a verb runs. */
export function members(open: () => MembersDeps, clock: Pick<Clock, "now">): Resource {
  return {
    name: "members",
    summary: "Who may write to the agent, and where",
    columns: ["id", "user", "agent", "surface", "givenBy", "givenAt"],
    verbs: [
      verb({
        name: "list",
        summary: "Members, the oldest first",
        schema: v.strictObject({
          user: v.optional(text("Only this person, as adapter/id")),
          agent: v.optional(text("Only of this agent")),
          limit: limitFlag,
        }),
        run: ({ user, agent, limit }) =>
          open()
            .roles.list({ ...(user === undefined ? {} : knownPerson(open(), user)), role: "member", limit })
            .filter((grant) => agent === undefined || grant.agent === "" || grant.agent === agent)
            .map(grantRow),
      }),
      verb({
        name: "add",
        summary: "Lets somebody in, also who never wrote; it counts at once",
        schema: v.strictObject({
          user: text("Who, as adapter/id"),
          agent: v.optional(text("For this agent alone")),
          surface: v.optional(text(surface), "direct"),
        }),
        run: ({ user, agent = "", surface: where }) => {
          const person = parsePerson(open(), user);
          checkSurface(open(), { adapter: person.adapter, surface: where });
          const fresh = { ...person, role: "member" as const, agent, surface: where };
          return grantRow(open().roles.give({ ...fresh, givenBy: byHost, givenAt: clock.now() }));
        },
      }),
      verb({
        name: "remove",
        summary: "Takes what a member was given back; it counts at once",
        schema: v.strictObject({
          user: text("Who, as adapter/id"),
          agent: v.optional(text("Only for this agent")),
          surface: v.optional(text("Only there")),
        }),
        run: ({ user, agent, surface: where }) => {
          // Also on an adapter that settings have no more.
          const person = splitPerson(open(), user);
          const gone = open()
            .roles.of(person.adapter, person.user)
            .filter(
              (grant) =>
                grant.role === "member" &&
                (agent === undefined || grant.agent === agent) &&
                (where === undefined || grant.surface === where),
            )
            .filter(({ id }) => open().roles.revoke(id));
          if (gone.length === 0)
            throw new Failure("not-found", `Cannot remove member ${JSON.stringify(user)}: there is none`, {
              hint: "remoteagent members list shows them; roles revoke takes other roles",
            });
          return { removed: gone.map(grantRow) };
        },
      }),
    ],
  };
}
