// Help: the verbs in groups on one screen, and one verb with its options.
import type { ArgDef } from "citty";
import type { Verb } from "./verb.ts";
import { nouns, type VerbEntry, verbs } from "./verbs.ts";

const groups: readonly VerbEntry["group"][] = ["Begin", "Run", "Look"];

/** All verbs, grouped. */
export function overview(): string {
  const block = (title: string, entries: [string, string][]) =>
    [title, ...entries.map(([name, summary]) => `  ${name.padEnd(10)} ${summary}`)].join("\n");
  const all = Object.entries(verbs);
  const blocks = groups.map((group) =>
    block(
      group,
      all.filter(([, verb]) => verb.group === group).map(([name, verb]) => [name, verb.summary]),
    ),
  );
  return [
    "remoteagent <command> [options]: an agent on your own machine, in chat and terminal",
    ...blocks,
    block("History", Object.entries(nouns)),
    "remoteagent <command> --help shows a command's options. All take --state-dir and --verbose.",
  ].join("\n\n");
}

/** One verb with its words and options. */
export function verbHelp(verb: Verb): string {
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
    rows.map(({ left, right }) => `  ${left.padEnd(width)}  ${right}`.trimEnd()).join("\n"),
    ...(verb.notes === undefined ? [] : [verb.notes]),
  ].join("\n\n");
}

/** `-n, --lines <count>` */
function optionText(name: string, def: ArgDef): string {
  const aliases = "alias" in def ? [def.alias ?? []].flat() : [];
  const value = def.type === "boolean" ? "" : ` <${def.valueHint ?? "text"}>`;
  // What is on unless it is taken back is shown by the word that takes it back.
  const shown = def.type === "boolean" && def.default === true ? `no-${name}` : name;
  return `${[...aliases.map((alias) => `-${alias}`), `--${shown}`].join(", ")}${value}`;
}
