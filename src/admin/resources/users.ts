// The noun `users`: everybody who was ever let in.
import * as v from "valibot";
import { Failure } from "../../core/failure.ts";
import type { Roles } from "../../store/roles.ts";
import type { User, Users } from "../../store/users.ts";
import { limitFlag, text, verb } from "../flags.ts";
import { knownPerson, type NamesDeps, ofAdapter, personText } from "../person.ts";
import type { Resource } from "../resource.ts";

/** What this noun needs of the store. */
export interface UsersDeps extends NamesDeps {
  users: Pick<Users, "get" | "list">;
  roles: Pick<Roles, "of">;
}

/** Declares the noun; `open` gives the store when a verb runs. */
export function users(open: () => UsersDeps): Resource {
  const row = (user: User) => {
    const { id, direct, ...rest } = user;
    const roles = open()
      .roles.of(user.adapter, id)
      .map(({ role, surface }) => (role === "member" ? `member (${surface})` : role));
    return { id: personText({ adapter: user.adapter, user: id }), ...rest, roles, direct };
  };
  return {
    name: "users",
    summary: "Everybody who was ever let in",
    columns: ["id", "name", "roles", "direct", "lastAt"],
    verbs: [
      verb({
        name: "list",
        summary: "Users, the last seen first",
        schema: v.strictObject({ adapter: v.optional(text("Only of this adapter")), limit: limitFlag }),
        run: ({ adapter, limit }) =>
          ofAdapter(open(), { adapter, rows: open().users.list({ adapter, limit }) }).map(row),
      }),
      verb({
        name: "get",
        summary: "One user, as adapter/id",
        takesId: true,
        schema: v.strictObject({}),
        run: ({ id }) => {
          const { adapter, user } = knownPerson(open(), id);
          const found = open().users.get(adapter, user);
          if (found !== undefined) return row(found);
          throw new Failure("not-found", `Cannot find user ${JSON.stringify(id)}: nobody with this id was let in`, {
            hint: "remoteagent users list shows them",
          });
        },
      }),
    ],
  };
}
