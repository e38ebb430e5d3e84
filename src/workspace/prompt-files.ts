// What of a workspace stands in the prompt: read anew only when it changed, since most turns find it as it was.
import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { limits } from "../core/limits.ts";
import { codeOf } from "../sys/errno.ts";
import type { Log } from "../sys/log.ts";
import { stampOf } from "../sys/stamp.ts";
import type { ConversationLayout, Layout } from "./layout.ts";
import { promptMemory, readMemory } from "./memory.ts";
import { discoverSkills, joinSkills, type Skill, type SkillFolder } from "./skills.ts";

/** What people and agents wrote for one conversation's prompt. */
export interface PromptFiles {
  /** SYSTEM.md of the workspace. */
  instructions: string;
  memory: { workspace: string; conversation: string };
  /** Of the workspace and of the conversation, sorted by name. */
  skills: Skill[];
}

/** One thing that was read, and what it was read from. */
interface Kept {
  value: unknown;
  files: readonly string[];
  stamp: string;
}

/** The prompt's files of a workspace; what was read is kept for a bounded number of conversations. */
export function createPromptFiles({ layout, log, now }: { layout: Layout; log: Log; now: () => number }) {
  const kept = new Map<string, Kept>();

  /** `load` of what `key` names, unless `files` are still the same. `load` may name further files that it depends on. */
  const fresh = async <Value>(
    key: string,
    { files, load }: { files: readonly string[]; load: () => Promise<{ value: Value; files?: readonly string[] }> },
  ): Promise<Value> => {
    const known = kept.get(key);
    kept.delete(key);
    if (known !== undefined && stampOf(known.files, now()) === known.stamp) {
      kept.set(key, known);
      return known.value as Value;
    }
    const begunAt = now();
    const { value, files: all = files } = await load();
    // A file that changed while it was read is too young for a stamp of the beginning, and is read again.
    const stamp = stampOf(all, begunAt);
    if (stamp !== undefined) kept.set(key, { value, files: all, stamp });
    for (const oldest of kept.keys()) {
      if (kept.size <= limits.promptFilesKeptMax) break;
      kept.delete(oldest);
    }
    return value;
  };
  const text = async (path: string, read: (path: string) => Promise<string>): Promise<string> =>
    isAbsent(path) ? "" : fresh(path, { files: [path], load: async () => ({ value: await read(path) }) });
  const memory = (path: string) => text(path, (file) => promptMemory(file, log));
  const skills = async (folder: SkillFolder): Promise<Skill[]> => {
    if (hasNothing(folder.path)) return [];
    return fresh(`${folder.path} ${folder.inside}`, {
      files: [folder.path],
      async load() {
        const found = await discoverSkills([folder]);
        for (const problem of found.problems) log.warn("Left out a skill", { ...problem });
        const parts = found.looked.flatMap((path) => [path, join(path, "SKILL.md")]);
        return { value: found.skills, files: [folder.path, ...parts] };
      },
    });
  };

  return {
    /** The files for a conversation; `inside` is the path of a host's path as the agent sees it. */
    async of(place: ConversationLayout, inside: (path: string) => string): Promise<PromptFiles> {
      const [instructions, workspace, conversation, shared, own] = await Promise.all([
        text(layout.system, readMemory),
        memory(layout.memory),
        memory(place.memory),
        skills({ path: layout.skills, inside: inside(layout.skills) }),
        skills({ path: place.skills, inside: inside(place.skills) }),
      ]);
      return { instructions, memory: { workspace, conversation }, skills: joinSkills(shared, own) };
    },
  };
}

/** Nothing at all stands there; anything else is opened with care. */
function isAbsent(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) === undefined;
}

/** Most conversations have no skills of their own. Nothing is read here, so a link in the way does no harm. */
function hasNothing(path: string): boolean {
  try {
    return readdirSync(path).length === 0;
  } catch (error) {
    return codeOf(error) === "ENOENT"; // Whatever else it is, the careful way says what is wrong with it.
  }
}
