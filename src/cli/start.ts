// `start`: sends the program into the background, and says when it is ready or why it is not.
import { exit } from "./exit.ts";
import { launch } from "./launch.ts";
import { launchArgs } from "./places.ts";
import { verb } from "./verb.ts";

export const start = verb({
  name: "start",
  summary: "Start in the background",
  args: {
    ...launchArgs,
    foreground: { type: "boolean", description: "Stay in this terminal, as run does" },
  },
  notes: "Exit code: 0 when it is ready, 4 when it is already running, 2 for wrong settings, 1 when it did not start",
  async run(args, io) {
    if (args.foreground === true) return await (await import("./run.ts")).runForeground(args, io);
    const { pid, report } = await launch(args, io);
    io.out(
      `RemoteAgent runs as process ${pid}, ${report.demo ? "with the offline demo model" : `with ${report.model}`}\n`,
    );
    if (!report.sandbox.works && report.sandbox.reason !== undefined) io.out(`${report.sandbox.reason}\n`);
    io.out(report.demo ? "Connect a real model: remoteagent setup\n" : "Talk to it: remoteagent chat\n");
    return exit.done;
  },
});
