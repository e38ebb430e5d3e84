// Who we are, as auth.test says it. Source: docs.slack.dev/reference/methods/auth.test.
import * as v from "valibot";
import { Failure } from "../../core/failure.ts";
import type { Answer } from "./client.ts";
import type { Self } from "./inbound.ts";

const schema = v.looseObject({
  user_id: v.pipe(v.string(), v.nonEmpty()),
  bot_id: v.fallback(v.string(), ""),
  team_id: v.fallback(v.string(), ""),
  user: v.pipe(v.string(), v.nonEmpty()),
});

/** @throws Failure `settings` for a token that is no bot's. */
export function selfOf(answer: Answer): Self {
  const read = v.safeParse(schema, answer);
  if (!read.success) throw new Failure("settings", "Slack does not say whose token it is");
  const { user_id: user, bot_id: bot, team_id: team, user: name } = read.output;
  if (bot === "")
    throw new Failure("settings", "The token is a person's, not a bot's", { hint: "It should begin with xoxb-" });
  return { user, bot, team, name };
}
