// `logs`: the end of the log, and what is added to it.
import { limits } from "../core/limits.ts";
import { systemClock } from "../sys/clock.ts";
import { readHolder } from "../sys/lock.ts";
import { exit } from "./exit.ts";
import { notRunning } from "./instance.ts";
import { followLines, lastLines, readable } from "./log-lines.ts";
import { wholeNumber } from "./parse.ts";
import { findPlaces } from "./places.ts";
import { clean } from "./terminal/text.ts";
import { jsonArg, verb } from "./verb.ts";

const linesShown = 100;

export const logs = verb({
  name: "logs",
  summary: "The last lines of the log",
  args: {
    follow: { type: "boolean", alias: "f", description: "Go on with what is added, until the instance ends" },
    lines: { type: "string", alias: "n", valueHint: "count", description: `Lines shown (${linesShown} unless given)` },
    ...jsonArg,
  },
  notes: "Exit code: 3 for -f when nothing runs",
  async run(args, io) {
    const count = wholeNumber(args.lines, { name: "lines", fallback: linesShown, max: limits.logShownMax });
    const places = findPlaces(args);
    const follow = args.follow === true;
    if (follow && readHolder(places.lock) === undefined) throw notRunning();
    const show = (lines: string[]) => {
      for (const line of lines) io.out(`${args.json === true ? line : clean(readable(line))}\n`);
    };
    // Opened before the last lines are read, so that none falls in between; at worst one is shown twice.
    const follower = follow ? followLines(places.log) : undefined;
    show(lastLines(places.log, count));
    if (follower === undefined) return exit.done;
    while (readHolder(places.lock) !== undefined) {
      show(follower.more());
      await systemClock.sleep(limits.followMs);
    }
    show(follower.more());
    follower.close();
    io.err("RemoteAgent has stopped\n");
    return exit.done;
  },
});
