// An instance that answers and refuses to stop: holds the lock of the state folder in its argument.
import { mkdirSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { acquireLock } from "../../src/sys/lock.ts";

const [, , stateDir = ""] = process.argv;
mkdirSync(stateDir, { mode: 0o700 });
const facts = { pid: process.pid, startedAt: Date.now(), alone: false, version: "1" };
if (!acquireLock(join(stateDir, "remoteagent.lock"), facts).held) throw new Error("Somebody else has the lock");

const refused = { error: { code: "store", message: "Its store is broken" } };
createServer((request, response) => {
  const works = request.url === "/v1/status";
  response.writeHead(works ? 200 : 500, { "content-type": "application/json" });
  response.end(JSON.stringify(works ? { ...facts, turns: [] } : refused));
}).listen(join(stateDir, "remoteagent.sock"), () => process.stdout.write("listening\n"));
