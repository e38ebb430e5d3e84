// A chat on this process's own terminal with an instance that answers by itself; started by pty.test.ts.
import { processSignals } from "../../../src/cli/terminal/port.ts";
import { runChat } from "../../../src/cli/terminal/run.ts";
import { systemClock } from "../../../src/sys/clock.ts";
import { done, FakeLine } from "./fakes.ts";

const line = new FakeLine();
const text =
  "# Zahlen\n\nEin **fetter** Satz mit 日本語 und 👩‍👩‍👧, der über mehr als eine Zeile geht, damit gebrochen wird.\n\n- eins\n- zwei\n\n```sh\nls -la\n```\n\nEnde.";
line.answer(() => [
  ...(text.match(/[\s\S]{1,5}/g) ?? []).map((delta) => ({ type: "text", delta }) as const),
  { type: "message", text },
  done,
]);
line.hello();

const code = await runChat({
  connect: () => line,
  input: process.stdin,
  output: process.stdout,
  errors: process.stderr,
  signals: processSignals,
  clock: systemClock,
  options: { conversation: "main", json: false, color: true, plain: false, historyPath: process.argv[2] ?? "" },
});
process.stdout.write(`left with ${code}\n`);
process.exit(code);
