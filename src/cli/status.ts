// `status`: what runs and how it is, within 50 ms, also when nothing runs.

import { systemEnvironment } from "../config/load.ts";
import { publicId } from "../core/ids.ts";
import type { StatusReport } from "../core/status.ts";
import { ago, byteSize, excerpt } from "../core/words.ts";
import { exit } from "./exit.ts";
import { hang, homely, lookOf } from "./hang.ts";
import { findInstance } from "./instance.ts";
import { findPlaces } from "./places.ts";
import { localTime } from "./table.ts";
import { cleanLine } from "./terminal/text.ts";
import { jsonArg, verb } from "./verb.ts";

export const status = verb({
  name: "status",
  summary: "What runs, and how it is",
  args: jsonArg,
  notes: "Exit code: 0 when it runs, 3 when it does not",
  async run(args, io) {
    const places = findPlaces(args);
    const look = lookOf(io.columns, systemEnvironment().HOME);
    const found = await findInstance(places);
    if (found.state === "up") {
      io.out(args.json === true ? `${JSON.stringify(found.status, null, 2)}\n` : `${statusText(found.status, look)}\n`);
      return exit.done;
    }
    const deaf = found.state === "deaf" ? found.holder : undefined;
    if (args.json === true) {
      const facts = { running: deaf !== undefined, answers: false, stateDir: places.stateDir, ...deaf };
      io.out(`${JSON.stringify(facts, null, 2)}\n`);
    } else if (deaf === undefined) {
      const words = homely(`RemoteAgent is not running (state folder ${places.stateDir})`, look.home);
      io.out(`${hang("", words, look.cells)}\nStart it: remoteagent start\n`);
    } else {
      io.out(`RemoteAgent does not answer: process ${deaf.pid} is starting, ending or hanging\n`);
      io.out("Look at remoteagent logs, or end it: remoteagent stop\n");
    }
    return deaf === undefined ? exit.notRunning : exit.failed;
  },
});

/** The report as aligned lines, wrapped to `cells`. Everything that comes from outside is cleaned. */
export function statusText(
  report: StatusReport,
  { now = Date.now(), cells, home }: { now?: number; cells?: number | undefined; home?: string | undefined } = {},
): string {
  const kind = report.alone ? "in a terminal chat" : "in the background";
  const { sandbox } = report;
  const lines: [string, string][] = [
    [
      "running",
      `process ${report.pid}, ${kind}, since ${localTime(report.startedAt)} (${ago(now - report.startedAt)})`,
    ],
    ["version", report.version],
    ["model", report.demo ? `${report.model} (offline demo; connect a real one: remoteagent setup)` : report.model],
    ["sandbox", `${sandbox.kind}, isolation ${sandbox.isolation}${sandbox.works ? "" : ", does not work"}`],
    ...more(sandbox.reason),
    ...more(sandbox.hint),
    ...report.adapters.map(({ name, type, state, reason }): [string, string] => [
      "adapter",
      `${name}${name === type ? "" : ` (${type})`}, ${state}${reason === undefined ? "" : `: ${reason}`}`,
    ]),
    ...report.turns.map(({ turn, session, title, startedAt, doing }): [string, string] => [
      "turn",
      `T${turn} in ${publicId(session)} ${excerpt(title, 40)}: ${doing}, for ${ago(now - startedAt, "")}`,
    ]),
    ...report.commands.map(({ pid, command, startedAt }): [string, string] => [
      "command",
      `${pid} ${excerpt(command, 60)}, for ${ago(now - startedAt, "")}`,
    ]),
    ["waiting", report.waiting === 1 ? "1 message" : `${report.waiting} messages`],
    ["memory", byteSize(report.memoryBytes)],
    ["state", report.stateDir],
    ["workspace", report.workspace],
    ...report.notices.map((notice): [string, string] => ["notice", notice]),
  ];
  return lines.map(([name, text]) => hang(name.padEnd(10), homely(cleanLine(text), home), cells).trimEnd()).join("\n");
}

function more(text: string | undefined): [string, string][] {
  return text === undefined ? [] : [["", text]];
}
