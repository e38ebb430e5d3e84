// Runs a command with 40 MB of output through the bash tool and prints by how many bytes this process grew: in a process
// of its own, since what other tests left behind would be counted too.
import { limits } from "../../src/core/limits.ts";
import { systemClock } from "../../src/sys/clock.ts";
import { createBash } from "../../src/tools/bash.ts";
import { createBench } from "./fake-sandbox.ts";

const bench = createBench();
const bash = createBash({ clock: systemClock, bounds: { memoryBytes: limits.memoryBytesMax, processes: 512 } });
await bash.run({ command: "true" }, bench.context);
const before = process.memoryUsage().rss;
await bash.run({ command: "yes 0123456789 | head -c 40000000" }, bench.context);
process.stdout.write(String(process.memoryUsage().rss - before));
bench.close();
