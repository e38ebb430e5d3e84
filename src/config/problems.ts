// What is wrong with settings, each with its path, its value and what is expected instead. Secrets are not shown.
import type * as v from "valibot";
import { closest } from "../core/closest.ts";
import { Failure } from "../core/failure.ts";
import { escapeControls } from "../sys/log-value.ts";

/** One problem; `path` is the place in settings.json, or the flag or variable that the value came from. */
export interface Problem {
  path: string;
  /** As it is shown: short, without secrets; absent when nothing is there. */
  value?: string;
  message: string;
}

/** Where a value came from, when not from the file: `log.level` → `REMOTEAGENT_LOG_LEVEL`. */
export type Origins = ReadonlyMap<string, string>;

/** What is wrong with `raw`, as the schema's issues and our own look say. */
export function problemsOf(
  issues: readonly v.BaseIssue<unknown>[],
  { schema, raw, origins }: { schema: v.GenericSchema; raw: unknown; origins: Origins },
): Problem[] {
  const lists = listsForObjects(schema, raw);
  const inList = (keys: readonly string[]) => lists.some((list) => list.every((key, index) => keys[index] === key));
  const place = (keys: readonly string[]) => origins.get(keys.join(".")) ?? pathText(keys);
  const problems = issues
    .filter((issue) => !inList(keysOf(issue)))
    .map((issue) => {
      const keys = keysOf(issue);
      const last = issue.path?.at(-1);
      const found = last === undefined ? issue.input : last.value;
      const isUnknown = issue.type === "strict_object" && issue.expected === "never";
      return {
        path: place(keys),
        ...(found === undefined ? {} : { value: shown(found, { keys, isUnknown }) }),
        message: messageOf(issue, { keys, isUnknown, isMissing: found === undefined, schema }),
      };
    });
  const own = lists.map((keys) => ({ path: place(keys), value: "[…]", message: "expected an object" }));
  // One value may fail several checks that have the same words.
  return [...new Map([...own, ...problems].map((problem) => [problemText(problem), problem])).values()];
}

/** Places where a list stands for an object: the schema library lets it pass. */
export function listsForObjects(schema: unknown, value: unknown, keys: readonly string[] = []): string[][] {
  const node = schema as Walked;
  if (node.wrapped !== undefined) return listsForObjects(node.wrapped, value, keys);
  if (typeof value !== "object" || value === null) return [];
  const isObjectWanted = node.entries !== undefined || node.value !== undefined;
  if (Array.isArray(value) && isObjectWanted) return [[...keys]];
  return Object.entries(value).flatMap(([key, item]) => {
    const next = node.entries?.[key] ?? node.value ?? node.item;
    return next === undefined ? [] : listsForObjects(next, item, [...keys, key]);
  });
}

function messageOf(
  issue: v.BaseIssue<unknown>,
  at: { keys: readonly string[]; isMissing: boolean; isUnknown: boolean; schema: v.GenericSchema },
): string {
  if (at.isUnknown) {
    const key = at.keys.at(-1) ?? "";
    const near = closest(key, namesAt(at.schema, at.keys.slice(0, -1)), { max: 1 })[0];
    return near === undefined ? "unknown setting" : `unknown setting, did you mean ${JSON.stringify(near)}?`;
  }
  if (at.isMissing && issue.kind === "schema") return "missing";
  return issue.message.startsWith("Invalid ") ? `expected ${expectedText(issue.expected)}` : issue.message;
}

const kinds: Record<string, string> = {
  string: "text",
  boolean: "true or false",
  number: "a number",
  Object: "an object",
  Array: "a list",
};

function expectedText(expected: string | null): string {
  return expected === null ? "another value" : (kinds[expected] ?? expected);
}

interface Walked {
  entries?: Record<string, unknown>;
  wrapped?: unknown;
  value?: unknown;
  item?: unknown;
  options?: readonly unknown[];
}

/** The keys that the schema knows at a place. */
function namesAt(schema: unknown, keys: readonly string[]): string[] {
  const node = schema as Walked;
  if (node.wrapped !== undefined) return namesAt(node.wrapped, keys);
  if (node.entries === undefined && node.options !== undefined) {
    return [...new Set(node.options.flatMap((option) => namesAt(option, keys)))];
  }
  const [first, ...rest] = keys;
  if (first === undefined) return Object.keys(node.entries ?? {});
  const next = node.entries?.[first] ?? node.value ?? node.item;
  return next === undefined ? [] : namesAt(next, rest);
}

function keysOf(issue: v.BaseIssue<unknown>): string[] {
  return (issue.path ?? []).map(({ key }) => String(key));
}

/** `agents.main.folders[0].path`; what is no plain name is quoted. */
export function pathText(keys: readonly string[]): string {
  if (keys.length === 0) return "settings.json";
  return keys
    .map((key, index) => {
      if (/^[0-9]+$/.test(key)) return `[${key}]`;
      const name = /^[\w$-]+$/.test(key) ? key : escapeControls(JSON.stringify(key.slice(0, 100)));
      return index === 0 ? name : `.${name}`;
    })
    .join("");
}

/** Keys whose values are secrets, or what people write when they mistype one. */
const secretKey = /key|token|secret|pass|dsn|auth|cred|header|cookie/i;
const shownCharsMax = 80;

function shown(value: unknown, { keys, isUnknown }: { keys: readonly string[]; isUnknown: boolean }): string {
  // What stands under an unknown name in an adapter is most likely a token under a wrong name.
  const isHidden = keys.some((key) => secretKey.test(key)) || (isUnknown && keys[0] === "adapters");
  const isWithPassword = typeof value === "string" && /:\/\/[^/]*@/.test(value);
  if ((isHidden && (typeof value === "string" || typeof value === "object")) || isWithPassword) return "…";
  if (Array.isArray(value)) return value.length === 0 ? "[]" : "[…]";
  if (typeof value === "object" && value !== null) return "{…}";
  const text = escapeControls(JSON.stringify(value) ?? String(value));
  return text.length > shownCharsMax ? `${text.slice(0, shownCharsMax)}…` : text;
}

/** One problem as a line: `log.level "loud": expected one of …`. */
export function problemText({ path, value, message }: Problem): string {
  return value === undefined ? `${path}: ${message}` : `${path} ${value}: ${message}`;
}

/** All problems in one failure. */
export function settingsFailure(path: string, problems: readonly Problem[]): Failure {
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  const lines = problems.map((problem) => `  ${problemText(problem)}`);
  return new Failure("settings", [`Cannot use settings ${JSON.stringify(path)}: ${count}`, ...lines].join("\n"));
}
