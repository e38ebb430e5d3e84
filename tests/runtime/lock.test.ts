// The instance lock under Bun and Deno: one holder, known by its facts, free again when it is gone.
import assert from "node:assert/strict";
import { join } from "node:path";
import process from "node:process";
import test from "node:test";
import { acquireLock, readHolder } from "../../src/sys/lock.ts";
import { withFolder } from "./folder.ts";

test("a lock has one holder, which others can name", () =>
  withFolder((folder) => {
    const path = join(folder, "remoteagent.lock");
    const facts = { pid: process.pid, startedAt: 1, alone: false, version: "1.2.3" };
    assert.equal(readHolder(path), undefined);
    const lock = acquireLock(path, facts);
    assert.equal(lock.held, true);
    assert.deepEqual(acquireLock(path, { ...facts, version: "other" }), { held: false, holder: facts });
    assert.deepEqual(readHolder(path), facts);
    if (lock.held) lock.release();
    assert.equal(readHolder(path), undefined);
    const again = acquireLock(path, facts);
    assert.equal(again.held, true);
    if (again.held) again.release();
  }));
