// The files of control groups, as a port: the kernel's here, a played one in tests. No call throws.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Folders that are groups, and the control files in them. */
export interface GroupFiles {
  /** The text of a control file; empty where this version has none, or the group is gone. */
  read(group: string, file: string): string;
  /** False where this version has no such file, or refuses. */
  write(group: string, file: string, value: string): boolean;
  /** Makes a group. False: we may not, or it is there already. */
  make(group: string): boolean;
  /** False: there are still processes or groups in it. True also when it is gone. */
  remove(group: string): boolean;
  exists(group: string): boolean;
  /** Names of the groups and files in one. */
  list(group: string): string[];
}

/** The kernel's. */
export const groupFiles: GroupFiles = {
  read: (group, file) => attempt("", () => readFileSync(join(group, file), "utf8")),
  write: (group, file, value) =>
    attempt(false, () => {
      writeFileSync(join(group, file), value, { flag: "r+" });
      return true;
    }),
  make: (group) =>
    attempt(false, () => {
      mkdirSync(group);
      return true;
    }),
  remove: (group) =>
    attempt(undefined, () => {
      rmdirSync(group);
      return true;
    }) ?? !existsSync(group),
  exists: existsSync,
  list: (group) => attempt([], () => readdirSync(group)),
};

/** Each version of control groups has only some of the files, and groups vanish: a refusal is an answer. */
function attempt<Value>(otherwise: Value, work: () => Value): Value {
  try {
    return work();
  } catch {
    return otherwise;
  }
}
