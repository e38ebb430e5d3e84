// Commits together what comes together: each commit waits for the disk, and a crowd's messages need no wait of their own.
import { setImmediate } from "node:timers";
import { limits } from "../core/limits.ts";
import type { Database } from "../sys/sqlite.ts";

/**
 * Runs `work` in a transaction that others of this moment share. Resolves when it is committed; then it is durable.
 * `after` is called right after the commit, before anybody else does anything; what it throws rejects, although the work
 * is committed.
 */
export type Grouped = <Result>(work: () => Result, after?: (result: Result) => void) => Promise<Result>;

/** One piece of work, and what became of it. */
interface Member {
  work(): unknown;
  /** Set once it ran: called after the commit. */
  settle?: () => void;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/**
 * Makes it. Work is done in its order, at the end of the current turn of the event loop. What throws is rolled back by
 * itself and rejects; the others are committed all the same. A commit that fails rejects them all.
 */
export function grouped(db: Database): Grouped {
  let waiting: Member[] = [];

  const flush = (): void => {
    const group = waiting.slice(0, limits.commitGroupMax);
    waiting = waiting.slice(limits.commitGroupMax);
    if (waiting.length > 0) setImmediate(flush);
    try {
      db.transaction(() => {
        for (const member of group) run(member, group.length > 1);
      });
    } catch (error) {
      for (const { reject } of group) reject(error);
      return;
    }
    for (const { settle } of group) settle?.();
  };

  /** A group of one needs no savepoint: what it throws rolls everything back. */
  const run = (member: Member, shared: boolean): void => {
    if (!shared) {
      const value = member.work();
      member.settle = () => member.resolve(value);
      return;
    }
    db.exec("SAVEPOINT member");
    try {
      const value = member.work();
      member.settle = () => member.resolve(value);
    } catch (error) {
      member.settle = () => member.reject(error);
      takeBack(error);
    }
    db.exec("RELEASE member");
  };

  /** A full disk makes the engine take all of a transaction back by itself: that is then everybody's failure. */
  const takeBack = (error: unknown): void => {
    try {
      db.exec("ROLLBACK TO member");
    } catch {
      throw error;
    }
  };

  return <Result>(work: () => Result, after?: (result: Result) => void) => {
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    const done = (value: unknown): void => {
      try {
        after?.(value as Result);
        resolve(value as Result);
      } catch (error) {
        reject(error);
      }
    };
    waiting.push({ work, resolve: done, reject });
    if (waiting.length === 1) setImmediate(flush);
    return promise;
  };
}
