// Checks of what an instance leaves behind: lock and socket, database, unfinished files.
import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { programVersion } from "../../core/build.ts";
import { failureData } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import { byteSize } from "../../core/words.ts";
import { checkDatabase, lastLife } from "../../store/db.ts";
import { acquireLock, type Holder, readHolder } from "../../sys/lock.ts";
import { type Found, findInstance } from "../instance.ts";
import type { Check, Finding } from "./finding.ts";

/** Whether an instance runs, and what one that died left behind. */
export const checkInstance: Check = async ({ places }) => {
  const area = "instance";
  let found: Found;
  try {
    found = await findInstance(places);
  } catch (error) {
    const { message, hint } = failureData(error);
    return [{ area, level: "bad", text: message, mend: hint }];
  }
  if (found.state === "up") {
    const { pid, version, alone } = found.status;
    return [
      { area, level: "ok", text: `Process ${pid} answers${alone ? ", a terminal chat" : ""}, version ${version}` },
    ];
  }
  if (found.state === "deaf") {
    const text = `Process ${found.holder.pid} holds the lock and does not answer`;
    return [{ area, level: "bad", text, mend: "End it: remoteagent stop" }];
  }
  return [{ area, level: "ok", text: "None is running" }, ...leftovers(places)];
};

/** What only a crash leaves. Every mend looks at the lock again: an instance may have come up in between. */
function leftovers({ socket, stateDir, lock }: { socket: string; stateDir: string; lock: string }): Finding[] {
  const remove = (path: string) => async () => {
    if (readHolder(lock) !== undefined) return "left alone, because an instance runs now";
    rmSync(path, { force: true });
    return `removed ${path}`;
  };
  const area = "leftovers";
  const found: Finding[] = [];
  if (statSync(socket, { throwIfNoEntry: false })?.isSocket() === true)
    found.push({
      area,
      level: "warn",
      text: `A dead socket is at ${socket}`,
      mend: "The next start removes it",
      fix: remove(socket),
    });
  const names = statSync(stateDir, { throwIfNoEntry: false }) === undefined ? [] : readdirSync(stateDir);
  for (const name of names.filter((entry) => /^\..+\.[0-9a-f]{12}\.tmp$/.test(entry)).slice(0, limits.adminRows)) {
    const path = join(stateDir, name);
    found.push({ area, level: "warn", text: `An unfinished file is at ${path}`, mend: "Remove it", fix: remove(path) });
  }
  return found;
}

/** The database's own check of itself, while no instance has it; it changes nothing. */
export const checkStore: Check = async ({ places }) => {
  const area = "database";
  const stats = statSync(places.database, { throwIfNoEntry: false });
  if (stats === undefined) return [{ area, level: "ok", text: "There is none yet; the first start makes it" }];
  const { problems, holder, lived } = checkUnused(places);
  if (problems === undefined) {
    const who = holder === undefined ? "A running instance" : `Process ${holder.pid}`;
    return [{ area, level: "ok", text: `${who} has it open and alone may; remoteagent status tells how it is` }];
  }
  if (problems.length === 0) {
    const sound: Finding = { area, level: "ok", text: `Sound, ${byteSize(stats.size)} in ${places.database}` };
    return lived === undefined || lived <= Date.now() + limits.clockSkewMs ? [sound] : [sound, wentBack(lived)];
  }
  const mend = `Stop remoteagent, move the file away, and put a copy from ${places.backups} in its place`;
  return problems.map((text, index) => ({ area, level: "bad", text, ...(index === 0 ? { mend } : {}) }));
};

/** A life that is still to come: the schedule would wait for it. */
function wentBack(lived: number): Finding {
  const text = `The last instance lived until ${new Date(lived).toISOString()}, which is still to come: the clock went back`;
  return { area: "clock", level: "warn", text, mend: "Set it: timedatectl set-ntp true" };
}

/** What is wrong with the database; or who has it, since no second process opens what one has open. */
function checkUnused({ lock, database }: { lock: string; database: string }): {
  problems?: string[];
  holder?: Holder;
  lived?: number | undefined;
} {
  try {
    const taken = acquireLock(lock, { pid: process.pid, startedAt: Date.now(), alone: false, version: programVersion });
    if (!taken.held) return taken.holder === undefined ? {} : { holder: taken.holder };
    try {
      const problems = checkDatabase(database);
      return problems.length > 0 ? { problems } : { problems, lived: lastLife(database) };
    } finally {
      taken.release();
    }
  } catch (error) {
    return { problems: [failureData(error).message] };
  }
}
