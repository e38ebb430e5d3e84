// `doctor`: checks everything that a working instance needs, and says how to mend what is wrong.

import { systemEnvironment } from "../config/load.ts";
import { Failure, failureText } from "../core/failure.ts";
import type { Finding } from "./doctor/finding.ts";
import { allChecks } from "./doctor/index.ts";
import { exit } from "./exit.ts";
import { hang, homely, lookOf } from "./hang.ts";
import { findPlaces } from "./places.ts";
import { cleanLine } from "./terminal/text.ts";
import { jsonArg, verb } from "./verb.ts";

const marks = { ok: "ok  ", warn: "note", bad: "BAD " } as const;

export const doctor = verb({
  name: "doctor",
  summary: "Check everything, and say how to mend it",
  args: {
    fix: { type: "boolean", description: "Mend what can be mended safely" },
    online: {
      type: "boolean",
      description: "Ask the model for one word (costs next to nothing), and look for other programs that use a bot",
    },
    ...jsonArg,
  },
  notes: "Exit code: 0 when nothing is bad, else 1",
  async run(args, io) {
    const findings: Finding[] = [];
    const places = findPlaces(args);
    const look = lookOf(io.columns, systemEnvironment().HOME);
    for (const check of allChecks) {
      for (const finding of await check({ places, online: args.online === true })) {
        const settled = args.fix === true ? await mended(finding) : finding;
        findings.push(settled);
        if (args.json !== true) io.out(`${shown(settled, look)}\n`);
      }
    }
    if (args.json === true)
      io.out(
        `${JSON.stringify(
          findings.map(({ fix: _fix, ...facts }) => facts),
          null,
          2,
        )}\n`,
      );
    return findings.some(({ level }) => level === "bad") ? exit.failed : exit.done;
  },
});

/** The finding after its mend, where it has one. */
async function mended(finding: Finding): Promise<Finding> {
  if (finding.level === "ok" || finding.fix === undefined) return finding;
  try {
    return { area: finding.area, level: "ok", text: `${finding.text}: mended, ${await finding.fix()}` };
  } catch (error) {
    // The other findings are of use all the same.
    if (error instanceof Failure) return { ...finding, mend: failureText(error) };
    throw error;
  }
}

function shown({ area, level, text, mend }: Finding, look: { cells: number | undefined; home: string | undefined }) {
  const below = (head: string, words: string) => hang(head, homely(cleanLine(words), look.home), look.cells);
  const line = below(`${marks[level]}  ${area.padEnd(10)} `, text);
  return mend === undefined ? line : `${line}\n${below(" ".repeat(17), mend)}`;
}
