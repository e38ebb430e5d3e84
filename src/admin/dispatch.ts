// A request frame in, an answer frame out: finds the verb, parses its arguments, runs it, and writes help.
import * as v from "valibot";
import { Failure, type FailureCode, failureData, failureText } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import { flagKey, flagsOf } from "./flags.ts";
import { resourceHelp, resourcesHelp } from "./help.ts";
import type { AdminCaller, AdminErrorCode, AdminRequest, AdminResponse, Resource, Verb } from "./resource.ts";

export type Dispatch = (request: AdminRequest, caller: AdminCaller) => Promise<AdminResponse>;

interface Command {
  resource: Resource;
  verb: Verb;
}

/** What the dispatcher's caller wants to know of errors that are nobody's fault but ours. */
export interface DispatchDeps {
  resources: readonly Resource[];
  /** Called with what a verb threw that is no `Failure`. */
  onError: (command: string, error: unknown) => void;
}

const errorCodes: Partial<Record<FailureCode, AdminErrorCode>> = {
  usage: "invalid-args",
  forbidden: "forbidden",
  "not-found": "not-found",
};

/** Makes the one function through which every admin request goes. It never rejects. */
export function createDispatch({ resources, onError }: DispatchDeps): Dispatch {
  const table = commandTable(resources);
  return async ({ id, command, args }, caller) => {
    try {
      const help = helpFor(command, resources);
      if (help !== undefined) return { id, ok: true, data: help };
      const found = findCommand(table, command);
      if (found === undefined) {
        const message = `Unknown command ${JSON.stringify(command)}: remoteagent help lists the commands`;
        return { id, ok: false, error: { code: "unknown-command", message } };
      }
      const { resource, verb } = found.command;
      const parsed = parseArgs(resource, { verb, args, rest: found.rest });
      const data = await verb.run(parsed, caller);
      return { id, ok: true, data: data ?? null, columns: verb.columns ?? resource.columns };
    } catch (error) {
      if (!(error instanceof Failure)) onError(command, error);
      const data = failureData(error);
      return {
        id,
        ok: false,
        error: { code: errorCodes[data.code] ?? "handler-error", message: failureText(data) },
      };
    }
  };
}

/** `<resource>-<verb>` of every verb; multi-word verbs have dashes for spaces. */
function commandTable(resources: readonly Resource[]): Map<string, Command> {
  return new Map(
    resources.flatMap((resource) =>
      resource.verbs.map((verb) => [`${resource.name}-${verb.name.replaceAll(" ", "-")}`, { resource, verb }] as const),
    ),
  );
}

/**
 * The longest command that `text` is or begins with; what follows it is an id, whatever characters it has.
 * Cutting at the last dash instead would break every id that has dashes itself.
 */
function findCommand(table: Map<string, Command>, text: string): { command: Command; rest?: string } | undefined {
  const whole = table.get(text);
  if (whole !== undefined) return { command: whole };
  const longest = [...table.keys()]
    .filter((name) => text.startsWith(`${name}-`))
    .sort((a, b) => b.length - a.length)[0];
  const command = longest === undefined ? undefined : table.get(longest);
  return command === undefined || longest === undefined ? undefined : { command, rest: text.slice(longest.length + 1) };
}

function helpFor(command: string, resources: readonly Resource[]): string | undefined {
  if (command === "help") return resourcesHelp(resources);
  const resource = resources.find(({ name }) => command === `${name}-help` || command === name);
  return resource === undefined ? undefined : resourceHelp(resource);
}

/** The verb's arguments by its schema, with the id beside them. @throws Failure `usage`. */
function parseArgs(
  resource: Resource,
  { verb, args, rest }: { verb: Verb; args: Record<string, unknown>; rest: string | undefined },
): Record<string, unknown> {
  const name = `${resource.name} ${verb.name}`;
  const { id: given, ...flags } = args;
  const id = parseId(given ?? rest, { name, takesId: verb.takesId });
  const known = new Map(flagsOf(verb).map((flag) => [flagKey(flag.name), flag]));
  const named = Object.entries(flags).map(([key, value]) => [flagKey(key), value] as const);
  for (const [key] of named) {
    if (known.has(key)) continue;
    const list = [...known.values()].map((flag) => `--${flag.name}`).join(", ");
    throw new Failure("usage", `Unknown flag ${JSON.stringify(key)} of ${JSON.stringify(name)}`, {
      hint: list === "" ? "It takes no flags" : `Known: ${list}`,
    });
  }
  const result = v.safeParse(verb.schema, Object.fromEntries(named));
  if (!result.success) throw usageFailure(name, { issue: result.issues[0], known });
  return { ...(result.output as Record<string, unknown>), id };
}

function parseId(value: unknown, { name, takesId }: { name: string; takesId: boolean }): string {
  if (!takesId) {
    if (value === undefined) return "";
    throw new Failure("usage", `Cannot run ${JSON.stringify(name)}: it takes no id, got ${JSON.stringify(value)}`);
  }
  const id = typeof value === "number" ? String(value) : value;
  if (typeof id !== "string" || id.trim() === "")
    throw new Failure("usage", `Cannot run ${JSON.stringify(name)}: it needs one more word, and none was given`, {
      hint: `remoteagent ${name.split(" ")[0]} help shows how it is used`,
    });
  if (id.length > limits.adminTextCharsMax)
    throw new Failure("usage", `Cannot run ${JSON.stringify(name)}: the id has ${id.length} characters`);
  return id;
}

function usageFailure(
  name: string,
  { issue, known }: { issue: v.BaseIssue<unknown>; known: ReadonlyMap<string, { name: string }> },
): Failure {
  const key = v.getDotPath(issue) ?? "";
  const flag = `--${known.get(key)?.name ?? key}`;
  if (issue.input === undefined) return new Failure("usage", `Cannot run ${JSON.stringify(name)}: ${flag} is missing`);
  const value = JSON.stringify(issue.input) ?? "?";
  return new Failure("usage", `Wrong value of ${flag}: ${value.slice(0, 100)} ${issue.message}`);
}
