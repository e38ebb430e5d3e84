// What adapters cost by themselves: start, and memory when nothing happens; of each, of all together, and of none.
import { privateMegabytes, residentMegabytes } from "../life.ts";
import { type Found, type Row, row } from "../row.ts";
import type { Setup } from "../setup.ts";
import { summarise } from "../statistics.ts";
import { openDiscord } from "./discord.ts";
import { newFolder, startConnected } from "./programs.ts";
import { openSlack } from "./slack.ts";
import type { Stage } from "./stage.ts";
import { openTelegram } from "./telegram.ts";
import { buildBoth } from "./variants.ts";

const starts = { full: 20, quick: 3 };
const idleMs = { full: 60_000, quick: 5_000 };
/** Programs of one kind that are idle side by side: the memory of one is a matter of chance by half a megabyte. */
const idlers = 3;

/** A program to start: its platforms are its own, since a bot is connected once. */
interface Choice {
  name: string;
  stages: readonly Stage[];
  program?: string;
}

type Unit = "ms" | "MB";

/** Start to connected and idle memory, without adapters, with each of them, and with all. */
export async function measureAdapters(setup: Setup): Promise<Found> {
  const choices: readonly Choice[] = [
    { name: "none", stages: [] },
    { name: "Telegram", stages: [openTelegram()] },
    { name: "Slack", stages: [await openSlack()] },
    { name: "Discord", stages: [await openDiscord()] },
    { name: "all three", stages: [openTelegram(), await openSlack(), await openDiscord()] },
  ];
  try {
    const times = await measureStarts(setup, choices);
    const idle = await measureIdle(setup, { choices, measure: residentMegabytes });
    const lines = (
      title: string,
      { unit, values, target }: { unit: Unit; values: number[][]; target?: (index: number) => Row["target"] },
    ) =>
      choices.slice(1).map(({ name }, index): Row => {
        const [base, ours] = [summarise(values[0] ?? []), summarise(values[index + 1] ?? [])];
        const limit = target?.(index + 1);
        const line = { name: `${name}: ${title}`, unit, against: "no adapter", base, ours } as const;
        return row(limit === undefined ? line : { ...line, target: limit });
      });
    const memory = (index: number) => (choices[index]?.stages.length === 1 ? { more: 25 } : { most: 120 });
    return {
      rows: [
        ...lines("start to connected", { unit: "ms", values: times }),
        ...lines("resident memory, connected and idle", {
          unit: "MB",
          values: idle.map((one) => [one]),
          target: memory,
        }),
      ],
      notes: [],
    };
  } finally {
    for (const { stages } of choices) for (const { close } of stages) await close();
  }
}

/** What the code of adapters costs a program that uses none of them. */
export async function measureUnused(setup: Setup): Promise<Found> {
  const { whole, without } = await buildBoth(setup);
  const kinds: readonly Choice[] = [
    { name: "without", stages: [], program: without },
    { name: "whole", stages: [], program: whole },
  ];
  const times = await measureStarts(setup, kinds);
  const idle = await measureIdle(setup, {
    choices: kinds.flatMap((kind) => Array.from({ length: idlers }, () => kind)),
    measure: privateMegabytes,
  });
  const line = (title: string, { unit, values, most }: { unit: Unit; values: number[][]; most: number }): Row => {
    const [base, ours] = [summarise(values[0] ?? []), summarise(values[1] ?? [])];
    const target = { ratio: most, of: "median" } as const;
    return row({ name: `${title}, adapters there but unused`, unit, against: "no adapter", base, ours, target });
  };
  return {
    rows: [
      line("start to ready", { unit: "ms", values: times, most: 1.05 }),
      // Which pages of two different files are in memory is the system's affair.
      line("private memory, idle", {
        unit: "MB",
        values: [idle.slice(0, idlers), idle.slice(idlers)],
        most: 1.05,
      }),
    ],
    notes: [],
  };
}

/** Starts each in turn. @returns for each the milliseconds until it was connected, or ready when it has no platform. */
async function measureStarts(setup: Setup, choices: readonly Choice[]): Promise<number[][]> {
  const kinds = choices.map((choice) => ({ choice, folder: newFolder(setup), times: [] as number[] }));
  const count = setup.quick ? starts.quick : starts.full;
  // The first start makes the database.
  for (let round = 0; round <= count; round++) {
    for (const { choice, folder, times } of round % 2 === 0 ? kinds : kinds.toReversed()) {
      const program = await startConnected(setup, { ...choice, folder });
      if (round > 0) times.push(program.connectedMs);
      await program.stop();
    }
  }
  setup.progress(`${count} starts of ${choices.length} kinds`);
  return kinds.map(({ times }) => times);
}

/** Lets all of them run side by side and do nothing. @returns for each its megabytes. */
async function measureIdle(
  setup: Setup,
  { choices, measure }: { choices: readonly Choice[]; measure: (pid: number) => number },
): Promise<number[]> {
  const programs = [];
  for (const choice of choices) programs.push(await startConnected(setup, choice));
  await Bun.sleep(setup.quick ? idleMs.quick : idleMs.full);
  const megabytes = programs.map(({ pid }) => measure(pid));
  for (const program of programs) await program.stop();
  return megabytes;
}
