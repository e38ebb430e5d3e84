// The flags of admin verbs: schemas that also say what kind of flag they are, for parsing and for help.
import * as v from "valibot";
import { limits } from "../core/limits.ts";
import type { AdminCaller, Verb } from "./resource.ts";

export type FlagKind = "text" | "count" | "switch";

/** A flag as help and the command line see it; `name` is in `hyphen-case`. */
export interface Flag {
  name: string;
  kind: FlagKind;
  summary: string;
  required: boolean;
}

/** A flag with a text: `--title "New name"`. */
export const text = (summary: string) =>
  v.pipe(
    v.string("expected a text"),
    v.nonEmpty("must not be empty"),
    v.maxLength(limits.adminTextCharsMax, `has more than ${limits.adminTextCharsMax} characters`),
    v.description(summary),
    v.metadata({ flag: "text" satisfies FlagKind }),
  );

/** A flag with a whole number from 1 to `max`: `--limit 20`. */
export const count = (summary: string, max: number) =>
  v.pipe(
    v.unknown(),
    v.transform((value) => (typeof value === "string" && /^[0-9]{1,15}$/.test(value) ? Number(value) : value)),
    v.number("expected a whole number"),
    v.integer("expected a whole number"),
    v.minValue(1, "must be at least 1"),
    v.maxValue(max, `must be at most ${max}`),
    v.description(summary),
    v.metadata({ flag: "count" satisfies FlagKind }),
  );

/** A flag with one of a few words: `--state failed`. */
export const choice = <const Words extends readonly string[]>(summary: string, words: Words) =>
  v.pipe(
    v.picklist(words, `is none of ${words.join(", ")}`),
    v.description(`${summary}: ${words.join(", ")}`),
    v.metadata({ flag: "text" satisfies FlagKind }),
  );

/** A flag without a value: `--running`. */
export const toggle = (summary: string) =>
  v.pipe(v.boolean("takes no value"), v.description(summary), v.metadata({ flag: "switch" satisfies FlagKind }));

/** How many rows a list shows unless told otherwise. */
export const limitFlag = v.optional(
  count(`Rows shown at most (default ${limits.adminRows})`, limits.adminRowsMax),
  limits.adminRows,
);

/**
 * Declares a verb with typed arguments. `id` is empty where the verb takes none.
 * The dispatcher has parsed by `schema` before `run` is called; that is why the one cast here is sound.
 */
export function verb<Schema extends v.GenericSchema>(declared: {
  name: string;
  summary: string;
  takesId?: boolean;
  columns?: string[];
  schema: Schema;
  run: (args: v.InferOutput<Schema> & { id: string }, caller: AdminCaller) => unknown;
}): Verb {
  const { run, takesId = false, ...rest } = declared;
  return {
    ...rest,
    takesId,
    run: async (args, caller) => run(args as v.InferOutput<Schema> & { id: string }, caller),
  };
}

/** The flags of a verb, read from its schema. */
export function flagsOf({ schema }: Pick<Verb, "schema">): Flag[] {
  if (!("entries" in schema) || typeof schema.entries !== "object" || schema.entries === null) return [];
  return Object.entries(schema.entries as Record<string, v.GenericSchema>).map(([key, entry]) => {
    const optional = entry.type === "optional" && "wrapped" in entry;
    const inner = optional ? (entry.wrapped as v.GenericSchema) : entry;
    const { flag } = v.getMetadata(inner) as { flag?: FlagKind };
    return {
      name: key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
      kind: flag ?? "text",
      summary: v.getDescription(inner) ?? "",
      required: !optional,
    };
  });
}

/** `--agent-group`, `agent_group` and `agentGroup` name the same flag. */
export function flagKey(name: string): string {
  return name.replace(/[-_]+(.)/g, (_, letter: string) => letter.toUpperCase());
}
