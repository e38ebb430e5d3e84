// `restart`: stop, then start, in the same workspace unless another is given.
import { Failure } from "../core/failure.ts";
import { exit } from "./exit.ts";
import { halt, stopText } from "./halt.ts";
import { findInstance } from "./instance.ts";
import { launch } from "./launch.ts";
import { findPlaces, launchArgs, loadLaunchConfig } from "./places.ts";
import { drainOf, haltArgs } from "./stop.ts";
import { verb } from "./verb.ts";

export const restart = verb({
  name: "restart",
  summary: "Stop and start again",
  args: { ...launchArgs, ...haltArgs },
  notes:
    "Exit code: 0 when it is ready again, 2 for wrong settings (then nothing was stopped), 1 when it did not start",
  async run(args, io) {
    const drainMs = drainOf(args);
    // What runs is not ended for settings with which nothing would start again.
    await loadLaunchConfig(args);
    const places = findPlaces(args);
    const found = await findInstance(places);
    const before = found.state === "up" ? found.status : undefined;
    if (before?.alone === true)
      throw new Failure("usage", "Cannot restart: what runs is a terminal chat", {
        hint: "remoteagent start takes over from it",
      });
    if (found.state !== "none") {
      const { pid } = found.state === "up" ? found.status : found.holder;
      io.out(`${stopText(pid, await halt(places, found, { drainMs, io }))}\n`);
    }
    const { pid } = await launch({ ...args, workspace: args.workspace ?? before?.workspace }, io);
    io.out(`RemoteAgent runs as process ${pid}\n`);
    return exit.done;
  },
});
