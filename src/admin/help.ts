// Help for the admin nouns, generated from their declarations, so that it cannot be wrong.
import { type Flag, flagsOf } from "./flags.ts";
import type { Resource, Verb } from "./resource.ts";

/** All nouns with their verbs, one noun a line. */
export function resourcesHelp(resources: readonly Resource[]): string {
  const width = Math.max(...resources.map(({ name }) => name.length));
  return resources
    .map(
      ({ name, summary, verbs }) => `${name.padEnd(width)}  ${summary} (${verbs.map((verb) => verb.name).join(", ")})`,
    )
    .join("\n");
}

/** One noun: each verb with what it takes. */
export function resourceHelp(resource: Resource): string {
  const blocks = resource.verbs.map((verb) => [
    `  ${resource.name} ${verbUsage(verb)}`,
    `      ${verb.summary}`,
    ...flagsOf(verb).map((flag) => `      ${flagUsage(flag).padEnd(20)} ${flag.summary}`),
  ]);
  return [
    `${resource.name}: ${resource.summary}`,
    "",
    ...blocks.flat(),
    "",
    `Columns: ${resource.columns.join(", ")}. Every verb takes --json.`,
  ].join("\n");
}

/** `get <id> [--limit <n>]` */
export function verbUsage(verb: Verb): string {
  const flags = flagsOf(verb).map((flag) => (flag.required ? flagUsage(flag) : `[${flagUsage(flag)}]`));
  return [verb.name, ...(verb.takesId ? [verb.name === "search" ? "<text>" : "<id>"] : []), ...flags].join(" ");
}

function flagUsage({ name, kind }: Flag): string {
  if (kind === "switch") return `--${name}`;
  return kind === "count" ? `--${name} <n>` : `--${name} <text>`;
}
