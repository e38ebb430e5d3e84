// `restart`: stop, then start, in the same workspace unless another is given.
import { Failure } from "../core/failure.ts";
import { exit } from "./exit.ts";
import { halt, stopText } from "./halt.ts";
import { findInstance } from "./instance.ts";
import { checkSettings, launch, refuseOtherWays } from "./launch.ts";
import { findPlaces, launchArgs } from "./places.ts";
import { serviceOf } from "./service/control.ts";
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
    const places = findPlaces(args);
    const service = serviceOf(places.stateDir);
    // What runs is not ended for settings with which nothing would start again.
    await checkSettings(args, service);
    const found = await findInstance(places);
    const before = found.state === "up" ? found.status : undefined;
    if (before?.alone === true)
      throw new Failure("usage", "Cannot restart: what runs is a terminal chat", {
        hint: "remoteagent start takes over from it",
      });
    if (service !== undefined) refuseOtherWays(service, { args, places });
    // What this user may not start again is not stopped.
    await service?.allowed();
    if (found.state === "deaf") await service?.stop({ wait: false });
    if (found.state !== "none") {
      const { pid } = found.state === "up" ? found.status : found.holder;
      io.out(`${stopText(pid, await halt(places, found, { drainMs, io }))}\n`);
    }
    // A service knows its workspace itself, and starts only what it has seen end.
    await service?.stop();
    const workspace = args.workspace ?? (service === undefined ? before?.workspace : undefined);
    const { pid } = await launch({ ...args, workspace }, io);
    io.out(`RemoteAgent runs as process ${pid}\n`);
    return exit.done;
  },
});
