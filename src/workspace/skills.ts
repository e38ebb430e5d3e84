// Skills: folders with a SKILL.md that says what it is good for; the prompt lists them, the agent reads them.
import { basename, dirname, join } from "node:path";
import * as v from "valibot";
import { errorText } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import { listBeneath, readBeneath } from "../sys/beneath.ts";

/** A skill that can be used. */
export interface Skill {
  name: string;
  description: string;
  /** Its folder and its SKILL.md as the agent sees them. */
  baseDir: string;
  file: string;
  /** Not to be used by the model of its own accord; left out of the prompt. */
  manual: boolean;
  allowedTools: string[];
}

/** A folder that is not a usable skill, and why. */
export interface SkillProblem {
  file: string;
  reason: string;
}

/** Where skills are: the host's path, and the same folder as the agent sees it. */
export interface SkillFolder {
  path: string;
  inside: string;
}

// The rules of the Agent Skills form (agentskills.io, "SKILL.md format").
const frontmatter = v.looseObject({
  name: v.pipe(
    v.string('"name" is no text'),
    v.maxLength(64, '"name" is longer than 64 characters'),
    v.regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, '"name" may have only a-z, 0-9 and single hyphens'),
  ),
  description: v.pipe(
    v.string('"description" is no text'),
    v.trim(),
    v.minLength(1, '"description" is empty'),
    v.maxLength(1024, '"description" is longer than 1024 characters'),
  ),
  "disable-model-invocation": v.optional(v.boolean('"disable-model-invocation" is not true or false'), false),
  "allowed-tools": v.optional(v.union([v.string(), v.array(v.string())], '"allowed-tools" is no list of names'), []),
});

/**
 * The skills of `folders`, sorted by name; of two with one name the later folder's wins. A broken one
 * is reported and does not keep the others away. `looked`: the host's paths of all folders that were looked into.
 */
export async function discoverSkills(
  folders: readonly SkillFolder[],
): Promise<{ skills: Skill[]; problems: SkillProblem[]; looked: string[] }> {
  const looked: string[] = [];
  const found = new Map<string, Skill>();
  const problems: SkillProblem[] = [];
  for (const folder of folders) {
    const names = await subfolders(folder);
    if ("reason" in names) {
      problems.push(names);
      continue;
    }
    for (const name of names) {
      looked.push(join(folder.path, name));
      const read = await readSkill(folder, name);
      if (read === undefined) continue;
      if ("reason" in read) problems.push(read);
      else found.set(read.name, read);
    }
  }
  return { skills: joinSkills([...found.values()]), problems, looked };
}

/** Several lists as one, sorted by name; of two skills with one name the later list's wins. */
export function joinSkills(...lists: readonly (readonly Skill[])[]): Skill[] {
  const byName = new Map(lists.flat().map((skill) => [skill.name, skill]));
  return [...byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The skills as the prompt lists them; empty when there are none. */
export function skillsText(skills: readonly Skill[]): string {
  const shown = skills.filter((skill) => !skill.manual);
  if (shown.length === 0) return "";
  const lines = shown.map((skill) => `- ${skill.name} (${skill.file}): ${skill.description.replace(/\s+/g, " ")}`);
  return `When a task fits one of these skills, read its file first and do what it says. In it, {baseDir} means the folder that the file is in.\n${lines.join("\n")}`;
}

/** A field that is not there has no message of its own. */
function problemOf(issue: v.BaseIssue<unknown>): string {
  const missing = issue.type === "loose_object" && issue.input === undefined;
  return missing ? `"${v.getDotPath(issue)}" is missing` : issue.message;
}

/** An agent can write above its own skills: neither that folder nor what is in it is reached through a link. */
async function subfolders({ path, inside }: SkillFolder): Promise<string[] | SkillProblem> {
  try {
    const entries = await listBeneath(dirname(path), basename(path));
    const names = entries
      .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
      .map((entry) => entry.name);
    return names.sort().slice(0, limits.skillsMax);
  } catch (error) {
    return { file: inside, reason: cannotRead(error) };
  }
}

/** One folder; `undefined` when it has no SKILL.md. */
async function readSkill(folder: SkillFolder, name: string): Promise<Skill | SkillProblem | undefined> {
  const baseDir = `${folder.inside}/${name}`;
  const file = `${baseDir}/SKILL.md`;
  try {
    const found = await readBeneath(dirname(folder.path), {
      path: `${basename(folder.path)}/${name}/SKILL.md`,
      bytesMax: limits.skillBytesMax,
    });
    if (found === undefined) return undefined;
    if (found.size > limits.skillBytesMax) return { file, reason: `it is larger than ${limits.skillBytesMax} bytes` };
    const head = /^\uFEFF?---\r?\n([\s\S]*?)\r?\n---[ \t]*(?:\r?\n|$)/.exec(new TextDecoder().decode(found.bytes))?.[1];
    if (head === undefined) return { file, reason: "it does not begin with a block between two lines ---" };
    const { parse } = await import("yaml");
    const fields = v.safeParse(frontmatter, parse(head) ?? {});
    if (!fields.success) return { file, reason: fields.issues.map(problemOf).join("; ") };
    if (fields.output.name !== name) {
      return {
        file,
        reason: `"name" is ${JSON.stringify(fields.output.name)} and the folder is ${JSON.stringify(name)}`,
      };
    }
    const tools = fields.output["allowed-tools"];
    return {
      name,
      description: fields.output.description.replaceAll("{baseDir}", baseDir),
      baseDir,
      file,
      manual: fields.output["disable-model-invocation"],
      allowedTools: typeof tools === "string" ? tools.split(/[\s,]+/).filter((tool) => tool !== "") : tools,
    };
  } catch (error) {
    return { file, reason: cannotRead(error) };
  }
}

function cannotRead(error: unknown): string {
  return `it cannot be read: ${errorText(error).split("\n", 1)[0]}`;
}
