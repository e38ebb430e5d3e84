// remoteagent as it is, with short pauses before a connection is made anew and what is kept by time kept shorter, and a way to ask what it holds: for a day that
// is replayed in minutes.
//
// A reconnect every five minutes is one every two seconds there, which the program by right takes for a line that does
// not work, and slows down.
import { heapStats } from "bun:jsc";
import { writeSync } from "node:fs";
import process from "node:process";
import { limits } from "../../../src/core/limits.ts";

const pauses = {
  reconnectMs: 20,
  reconnectCapMs: 40,
  stableLineMs: 100,
  socketLingerMs: 200,
  identifyEveryMs: 0,
  discordRouteMs: 5_000,
};
Object.assign(limits, pauses satisfies Partial<Record<keyof typeof limits, number>>);
process.on("SIGUSR2", () => {
  Bun.gc(true);
  const { heapSize, objectCount } = heapStats();
  writeSync(1, `${JSON.stringify({ heapSize, objectCount })}\n`);
});
await import("../../../src/main.ts");
