// A process for the lock's tests: holds the lock until it is killed, or looks at it again and again.
import { acquireLock, readHolder } from "../../src/sys/lock.ts";

const [mode = "", path = ""] = process.argv.slice(2);

if (mode === "hold") {
  const lock = acquireLock(path, { pid: process.pid, startedAt: Date.now(), alone: true, version: "held" });
  process.stdout.write(lock.held ? "held\n" : "refused\n");
  setInterval(() => undefined, 1_000);
} else {
  process.stdout.write("looking\n");
  // Ends with its parent: the test's runner may be killed.
  while (process.ppid !== 1) for (let index = 0; index < 100; index++) readHolder(path);
}
