// Help: the verbs in groups on one screen, and one verb with its options.
import type { ArgDef } from "citty";
import { hang } from "./hang.ts";
import type { Verb } from "./verb.ts";
import { nouns, type VerbEntry, verbs } from "./verbs.ts";

const groups: readonly VerbEntry["group"][] = ["Begin", "Run", "Look"];

/** All verbs, grouped, in lines of `cells`. */
export function overview(cells: number): string {
  const block = (title: string, entries: [string, string][]) =>
    [title, ...entries.map(([name, summary]) => hang(`  ${name.padEnd(10)} `, summary, cells))].join("\n");
  const all = Object.entries(verbs);
  const blocks = groups.map((group) =>
    block(
      group,
      all.filter(([, verb]) => verb.group === group).map(([name, verb]) => [name, verb.summary]),
    ),
  );
  return [
    hang("", "remoteagent <command> [options]: an agent on your own machine, in chat and terminal", cells),
    ...blocks,
    // By name alone: with a line for each they would be no screen any more.
    `Lists (remoteagent <noun> help)\n${hang("  ", Object.keys(nouns).join(", "), cells)}`,
    hang("", "remoteagent <command> --help shows a command's options. All take --state-dir and --verbose.", cells),
  ].join("\n\n");
}

/** One verb with its words and options, in lines of `cells`. */
export function verbHelp(verb: Verb, cells: number): string {
  const all = Object.entries(verb.args);
  const words = all.filter(([, def]) => def.type === "positional");
  const rows = [...words, ...all.filter(([, def]) => def.type !== "positional")].map(([name, def]) => ({
    left: def.type === "positional" ? name : optionText(name, def),
    right: def.description ?? "",
  }));
  const width = Math.max(...rows.map(({ left }) => left.length));
  const named = words.map(([name, def]) => (def.required === true ? `<${name}>` : `[${name}]`));
  const usage = [
    "remoteagent",
    verb.name,
    ...named,
    ...(verb.rest === undefined ? [] : [`[${verb.rest} …]`]),
    "[options]",
  ];
  return [
    `${usage.join(" ")}\n${verb.summary}`,
    rows.map(({ left, right }) => hang(`  ${left.padEnd(width)}  `, right, cells).trimEnd()).join("\n"),
    ...(verb.notes === undefined ? [] : [notesText(verb.notes, cells)]),
  ].join("\n\n");
}

/** Examples stay whole: a command that is copied must not have a line break. */
function notesText(notes: string, cells: number): string {
  const lines = notes.split("\n");
  return lines
    .map((line) => (line.startsWith(" ") ? line : hang("", line, cells - 2).replaceAll("\n", "\n  ")))
    .join("\n");
}

/** `-n, --lines <count>` */
function optionText(name: string, def: ArgDef): string {
  const aliases = "alias" in def ? [def.alias ?? []].flat() : [];
  const value = def.type === "boolean" ? "" : ` <${def.valueHint ?? "text"}>`;
  // What is on unless it is taken back is shown by the word that takes it back.
  const shown = def.type === "boolean" && def.default === true ? `no-${name}` : name;
  return `${[...aliases.map((alias) => `-${alias}`), `--${shown}`].join(", ")}${value}`;
}
