// The system prompt: what stays the same first, what changes most often last, so that providers' caches hold.
import { assert } from "../core/assert.ts";
import { limits } from "../core/limits.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";
import { type Skill, skillsText } from "../workspace/skills.ts";
import template from "./prompt.md" with { type: "text" };

/** What the prompt is made of. The present time is no part of it: it stands in each message's header. */
export interface PromptParts {
  agent: string;
  /** IANA name. */
  timeZone: string;
  /** Names of the tools; with none, `withheld` is the reason in one clause. */
  tools: readonly string[];
  withheld?: string;
  sandbox: Pick<Sandbox, "kind" | "isolation" | "root" | "cwd">;
  /** The owner's SYSTEM.md; trusted. */
  instructions?: string;
  skills: readonly Skill[];
  /** The text of the files MEMORY.md; not trusted. */
  memory: { workspace: string; conversation: string };
  conversation: { adapter: string; name: string; kind: "direct" | "shared"; people?: readonly string[] };
  /** Names of secrets that commands find in their environment. */
  secrets?: readonly string[];
  /** Paths of files with secrets, in the home of commands. */
  secretFiles?: readonly string[];
}

/** Room for the note that a memory already cut to `limits.memoryCharsMax` ends with. */
const cutNoteCharsMax = 200;
const nameCharsMax = 100;
const pathCharsMax = 4_096;
const secretNameCharsMax = 128;
const peopleMax = 100;

const isolationText: Record<Sandbox["isolation"], string> = {
  bubblewrap: "you see system folders read-only and only your part of the workspace",
  container: "you are in a container of your own",
  vm: "you are in a virtual machine of your own",
  remote: "you are on a remote machine",
  none: "nothing separates you from the owner's account: be careful with everything outside the workspace",
};

/** Makes the whole system prompt; the same parts give the same text. */
export function systemPrompt(parts: PromptParts): string {
  const { sandbox, memory, conversation } = parts;
  const instructions = clean(parts.instructions ?? "").trim();
  const skills = clean(skillsText(parts.skills));
  const people = (conversation.people ?? [])
    .slice(0, peopleMax)
    .map((name) => oneLine(name))
    .join(", ");
  const secrets = (parts.secrets ?? []).map((name) => oneLine(name, secretNameCharsMax)).join(", ");
  const files = (parts.secretFiles ?? []).map((path) => oneLine(path, pathCharsMax)).join(", ");
  return [
    section("identity", { agent: oneLine(parts.agent), timeZone: parts.timeZone }),
    parts.tools.length > 0
      ? section("work", { tools: parts.tools.join(", ") })
      : section("noTools", { reason: oneLine(parts.withheld ?? "there are none") }),
    section("place", {
      root: oneLine(sandbox.root, pathCharsMax),
      cwd: oneLine(sandbox.cwd, pathCharsMax),
      sandbox: `${sandbox.kind}; ${isolationText[sandbox.isolation]}`,
    }),
    instructions === "" ? "" : section("instructions", { text: instructions }),
    skills === "" ? "" : section("skills", { text: skills }),
    memorySection("Memory of the workspace", memory.workspace),
    memorySection("Memory of this conversation", memory.conversation),
    section("conversation", {
      kind: conversation.kind === "direct" ? "Direct chat" : "Shared conversation",
      adapter: oneLine(conversation.adapter),
      name: oneLine(conversation.name),
    }),
    people === "" ? "" : section("people", { people }),
    secrets === "" ? "" : section("secrets", { names: secrets }),
    files === "" ? "" : section("secretFiles", { paths: files }),
  ]
    .filter((text) => text !== "")
    .join("\n");
}

function memorySection(title: string, memory: string): string {
  const text = clean(memory).trim();
  return text === "" ? "" : section("memory", { title, fenced: fence(cutMemory(text)) });
}

function cutMemory(text: string): string {
  if (text.length <= limits.memoryCharsMax + cutNoteCharsMax) return text;
  const kept = text.slice(0, limits.memoryCharsMax);
  return `${kept}\n[… the rest is not shown: MEMORY.md is longer than ${limits.memoryCharsMax} characters …]`;
}

/** Fences with more backticks in a row than the text has anywhere, so that no line of it can close the fence. */
function fence(text: string): string {
  const longest = (text.match(/`+/g) ?? []).reduce((most, run) => Math.max(most, run.length), 2);
  const mark = "`".repeat(longest + 1);
  return `${mark}\n${text}\n${mark}`;
}

/** Removes what people cannot see and models read: control characters and Unicode tags. */
function clean(text: string): string {
  return text.replace(/\r\n?/g, "\n").replace(/[\u0000-\u0008\u000B-\u001F\u007F\u{E0000}-\u{E007F}]/gu, "");
}

/** Names and paths from outside, on one line: one with line breaks could pose as a section. */
function oneLine(text: string, charsMax: number = nameCharsMax): string {
  return text
    .replace(/[\s\p{C}\p{Zl}\p{Zp}]+/gu, " ")
    .trim()
    .slice(0, charsMax);
}

/** A named section of the template with its `{{names}}` filled in. */
function section(name: string, values: Record<string, string>): string {
  const mark = `<!-- ${name} -->\n`;
  const from = template.indexOf(mark);
  assert(from >= 0, `The prompt has no section "${name}"`);
  const to = template.indexOf("<!-- ", from + mark.length);
  const text = template.slice(from + mark.length, to === -1 ? undefined : to).trimEnd();
  return text.replace(/\{\{(\w+)\}\}/g, (_, key: string) => {
    const value = values[key];
    assert(value !== undefined, `Section "${name}" of the prompt has no value for "${key}"`);
    return value;
  });
}
