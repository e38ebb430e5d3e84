// One tool round trip, and what of it is the shell's and bubblewrap's own.
import { existsSync } from "node:fs";
import { timeCommand } from "./commands.ts";
import { type Program, startProgram, timely } from "./programs.ts";
import { type Found, row } from "./row.ts";
import { launchOf, type Setup, seeded, startPair, stopPair } from "./setup.ts";
import { summarise } from "./statistics.ts";

const rounds = { full: 40, quick: 6 };
const warmUp = 5;
const command = "true";

/** As much of bubblewrap as a command needs at least: the system's folders, a pid namespace, no network of its own. */
const wrapped = ["--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--unshare-pid", "--die-with-parent"];

/** From the model's call to its next request, with the result. */
export async function measureTool(setup: Setup): Promise<Found> {
  const folder = await seeded(setup);
  const pair = await startPair(setup, folder);
  const bare = await startProgram({
    ...launchOf(setup, { name: "remoteagent", folder: await seeded(setup) }),
    isolation: "none",
  });
  await confirmTools(bare);
  const times = { minimal: [] as number[], wrapped: [] as number[], bare: [] as number[] };
  const programs = { minimal: pair.minimal, wrapped: pair.remoteagent, bare };
  const shells = { shell: [] as number[], bubblewrap: [] as number[] };
  const bubblewrap = ["/usr/bin/bwrap", "/usr/local/bin/bwrap"].find((path) => existsSync(path));
  for (let round = 0; round < (setup.quick ? rounds.quick : rounds.full) + warmUp; round++) {
    for (const name of ["minimal", "bare", "wrapped"] as const) {
      const ms = await roundTrip(setup, { program: programs[name], session: `tool-${round}` });
      if (round >= warmUp) times[name].push(ms);
    }
    shells.shell.push(await timeCommand(["bash", "-c", command], folder));
    if (bubblewrap !== undefined) {
      shells.bubblewrap.push(await timeCommand([bubblewrap, ...wrapped, "--", "bash", "-c", command], folder));
    }
  }
  await stopPair(pair);
  await bare.stop();
  const base = summarise(times.minimal);
  const common = { unit: "ms", against: "minimal program", base } as const;
  const shell = summarise(shells.shell).median;
  return {
    rows: [
      row({ ...common, name: "tool round trip, no isolation", ours: summarise(times.bare) }),
      row({ ...common, name: "tool round trip, bubblewrap", ours: summarise(times.wrapped) }),
    ],
    notes: [
      { name: "the tool's shell by itself", value: shell, unit: "ms" },
      ...(bubblewrap === undefined
        ? []
        : [
            {
              name: "bubblewrap around it, more",
              value: summarise(shells.bubblewrap).median - shell,
              unit: "ms" as const,
            },
          ]),
    ],
  };
}

/** With nothing around commands, the owner says once that this is meant. */
async function confirmTools(program: Program): Promise<void> {
  const screen = await program.join("confirm");
  screen.say("/confirm tools");
  await screen.leave();
}

async function roundTrip(
  { model }: Setup,
  { program, session }: { program: Program; session: string },
): Promise<number> {
  const screen = await program.join(session);
  model.plan.push({ command });
  const first = model.next();
  screen.say("Run the check, please.");
  const calledAt = await (await timely(first, "The model was not asked")).ended;
  const second = await timely(model.next(), "The result did not come");
  await second.ended;
  await timely(screen.next("ended"), "The turn did not end");
  await screen.leave();
  return second.at - calledAt;
}
