// `<noun> <verb> [id] [--flags]`: one admin request, answered by the running instance or by the store itself.
import { parseArgs } from "node:util";
import { type Flag, flagsOf } from "../admin/flags.ts";
import { resourceHelp } from "../admin/help.ts";
import { resources } from "../admin/index.ts";
import type { AdminErrorCode, AdminResponse, Resource, Verb } from "../admin/resource.ts";
import { assert } from "../core/assert.ts";
import { closest } from "../core/closest.ts";
import { Failure, type FailureCode } from "../core/failure.ts";
import { exit } from "./exit.ts";
import type { Io } from "./io.ts";
import { askAdmin } from "./offline.ts";
import { renderFacts, renderTable } from "./table.ts";

/** Options of the command line itself, beside the verb's own flags. */
const own = { json: { type: "boolean" }, verbose: { type: "boolean" }, "state-dir": { type: "string" } } as const;

/** Runs `remoteagent <name> …argv`. @throws Failure for wrong usage and for what the verb refuses. */
export async function runNoun(name: string, { argv, io }: { argv: string[]; io: Io }): Promise<number> {
  const noun = declared(name);
  const { words, flags } = readArgv(noun, argv);
  const { json, verbose: _verbose, "state-dir": stateDir, ...args } = flags;
  const found = findVerb(noun, words);
  if (found === undefined) {
    io.out(`${resourceHelp(noun)}\n`);
    return exit.done;
  }
  const command = `${name}-${found.verb.name.replaceAll(" ", "-")}`;
  const request = { id: "1", command, args: { ...args, ...found.id } };
  const answer = await askAdmin(request, { stateDir: typeof stateDir === "string" ? stateDir : undefined });
  if (!answer.ok) throw failureOf(answer.error);
  io.out(json === true ? `${JSON.stringify(answer.data, null, 2)}\n` : `${shown(answer, io)}\n`);
  return exit.done;
}

/** The noun's declaration, which needs no database. */
function declared(name: string): Resource {
  const all = resources(() => {
    throw new Failure("internal", "Cannot open the store: a declaration asked for it");
  });
  const found = all.find((resource) => resource.name === name);
  assert(found !== undefined, `The noun ${name} is in the table of verbs and not declared`);
  return found;
}

function readArgv(noun: Resource, argv: string[]): { words: string[]; flags: Record<string, string | boolean> } {
  const known = new Map<string, Flag["kind"] | "own">(Object.keys(own).map((name) => [name, "own"]));
  const options: Record<string, { type: "string" | "boolean" }> = { ...own };
  for (const flag of noun.verbs.flatMap((verb) => flagsOf(verb))) {
    known.set(flag.name, flag.kind);
    options[flag.name] = { type: flag.kind === "switch" ? "boolean" : "string" };
  }
  const { tokens } = parseArgs({ args: argv, options, strict: false, allowPositionals: true, tokens: true });
  const words: string[] = [];
  const flags: Record<string, string | boolean> = {};
  for (const token of tokens) {
    if (token.kind === "positional") words.push(token.value);
    if (token.kind !== "option") continue;
    const type = options[token.name]?.type;
    if (type === undefined) throw unknownFlag(token.rawName, { noun, names: [...known.keys()] });
    if (type === "string" && (token.value === undefined || token.value === ""))
      throw new Failure("usage", `Cannot read ${token.rawName}: its value is missing`);
    if (type === "boolean" && token.value !== undefined)
      throw new Failure("usage", `Cannot read ${token.rawName}=${JSON.stringify(token.value)}: it takes no value`);
    flags[token.name] = token.value ?? true;
  }
  return { words, flags };
}

function unknownFlag(raw: string, { noun, names }: { noun: Resource; names: string[] }): Failure {
  const [near] = closest(raw.replace(/^-+/, ""), names, { max: 1 });
  return new Failure("usage", `Unknown option ${JSON.stringify(raw)} of ${JSON.stringify(noun.name)}`, {
    hint: near === undefined ? `remoteagent ${noun.name} help shows its options` : `Did you mean --${near}?`,
  });
}

/** The longest verb that the words begin with; what remains is the id. Nothing or `help`: none. */
function findVerb(noun: Resource, words: readonly string[]): { verb: Verb; id: { id?: string } } | undefined {
  const [first] = words;
  if (first === undefined || first === "help") return undefined;
  for (let count = Math.min(words.length, 4); count > 0; count--) {
    const name = words.slice(0, count).join(" ").replaceAll("-", " ");
    const verb = noun.verbs.find((candidate) => candidate.name === name);
    if (verb === undefined) continue;
    const rest = words.slice(count).join(" ");
    return { verb, id: rest === "" ? {} : { id: rest } };
  }
  const names = noun.verbs.map((verb) => verb.name);
  const [near] = closest(first, names, { max: 1 });
  throw new Failure("usage", `Unknown verb ${JSON.stringify(first)} of ${JSON.stringify(noun.name)}`, {
    hint: near === undefined ? `Known: ${names.join(", ")}` : `Did you mean remoteagent ${noun.name} ${near}?`,
  });
}

const codes: Record<AdminErrorCode, FailureCode> = {
  "unknown-command": "usage",
  "invalid-args": "usage",
  "permission-denied": "forbidden",
  forbidden: "forbidden",
  "approval-pending": "forbidden",
  "not-found": "not-found",
  "handler-error": "internal",
};

function failureOf({ code, message }: { code: AdminErrorCode; message: string }): Failure {
  const [sentence = message, ...hint] = message.split("\n");
  return new Failure(codes[code], sentence, hint.length === 0 ? {} : { hint: hint.join("\n") });
}

function shown({ data, columns = [] }: Extract<AdminResponse, { ok: true }>, io: Io): string {
  if (typeof data === "string") return data;
  if (Array.isArray(data)) {
    if (data.length === 0) return "None";
    return renderTable(data as Record<string, unknown>[], { names: columns, columns: io.columns });
  }
  return renderFacts((data ?? {}) as Record<string, unknown>);
}
