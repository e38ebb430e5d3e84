// /usage: what this session cost so far.
import { tokens, usd } from "../../core/words.ts";
import { sessionUsage } from "../turns/recorder.ts";
import { type Command, say } from "./command.ts";

export const usage: Command = {
  name: "usage",
  summary: "Show tokens and cost of this session",
  run({ session, store }) {
    if (session === undefined) return say("Nothing was used here yet.");
    const sum = sessionUsage(store, session.id);
    const cached = sum.cacheRead > 0 ? `, ${tokens(sum.cacheRead)} of it from the cache` : "";
    return say(
      `${sum.requests} model request${sum.requests === 1 ? "" : "s"}: ${tokens(sum.input + sum.cacheRead + sum.cacheWrite)} tokens in${cached}, ${tokens(sum.output)} out, ${usd(sum.costUsd)}.`,
    );
  },
};
