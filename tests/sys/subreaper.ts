// A process for the tests: adopts an orphan, and collects it when it is dead.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { becomeSubreaper, reap } from "#ffi";
import { until } from "./folder.ts";

const [out = ""] = process.argv.slice(2);
const subreaper = becomeSubreaper();
// The shell ends and leaves its background child without a parent.
const shell = spawn("sh", ["-c", 'sleep 0.2 & echo $! > "$1"', "sh", out], { stdio: "ignore", detached: true });
await new Promise((resolve) => shell.once("exit", resolve));
const pid = Number(readFileSync(out, "utf8"));
const fields = () => readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]?.split(" ") ?? [];
const adopted = Number(fields()[1]) === process.pid;
await until(() => (fields()[0] === "Z" ? true : undefined));
process.stdout.write(`${JSON.stringify({ subreaper, adopted, reaped: reap(pid), again: reap(pid) })}\n`);
