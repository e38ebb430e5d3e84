// argv → a verb's arguments. The parser takes what it does not know for a switch and goes on; here it is refused.
import { parseArgs as tokenize } from "node:util";
import { type ArgsDef, type ParsedArgs, parseArgs } from "citty";
import { closest } from "../core/closest.ts";
import { Failure } from "../core/failure.ts";

/** What a verb takes. */
export interface Declared<Args extends ArgsDef = ArgsDef> {
  name: string;
  args: Args;
  /** What words beyond the declared ones are; without it they are refused. */
  rest?: string;
}

/**
 * Parses `argv` by a declaration.
 * @throws Failure `usage` for an unknown option, a missing or unwanted value, and words too many or too few.
 */
export function parseWords<Args extends ArgsDef>(verb: Declared<Args>, argv: string[]): ParsedArgs<Args> {
  checkOptions(verb, argv);
  const args = parseArgs<Args>(argv, optionalWords(verb.args));
  const words = Object.entries(verb.args).filter(([, def]) => def.type === "positional");
  const missing = words.slice(args._.length).find(([, def]) => def.required === true);
  if (missing !== undefined) throw usage(verb, `Cannot run ${JSON.stringify(verb.name)}: <${missing[0]}> is missing`);
  const surplus = args._[words.length];
  if (surplus !== undefined && verb.rest === undefined)
    throw usage(verb, `Cannot run ${JSON.stringify(verb.name)}: it takes no word ${JSON.stringify(surplus)}`);
  return args;
}

/** Missing words are our own error, in our own words. */
function optionalWords(args: ArgsDef): ArgsDef {
  return Object.fromEntries(
    Object.entries(args).map(([name, def]) => [name, def.type === "positional" ? { ...def, required: false } : def]),
  );
}

function checkOptions(verb: Declared, argv: string[]): void {
  const known = new Map<string, "string" | "boolean">();
  const options: Record<string, { type: "string" | "boolean"; short?: string }> = {};
  for (const [name, def] of Object.entries(verb.args)) {
    if (def.type === "positional") continue;
    const type = def.type === "boolean" ? "boolean" : "string";
    const aliases = "alias" in def ? [def.alias ?? []].flat() : [];
    const short = aliases.find((alias) => alias.length === 1);
    known.set(name, type);
    options[name] = { type, ...(short === undefined ? {} : { short }) };
    if (type === "boolean" && def.default === true) known.set(`no-${name}`, "boolean");
  }
  const { tokens } = tokenize({ args: argv, options, strict: false, allowPositionals: true, tokens: true });
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    const type = known.get(token.name);
    if (type === undefined) {
      const [near] = closest(token.name, [...known.keys()], { max: 1 });
      throw usage(verb, `Unknown option ${JSON.stringify(token.rawName)} of ${JSON.stringify(verb.name)}`, near);
    }
    if (type === "boolean" && token.value !== undefined)
      throw usage(verb, `Cannot read ${token.rawName}=${JSON.stringify(token.value)}: it takes no value`);
    if (type === "string" && (token.value === undefined || token.value === "" || swallowed(token)))
      throw usage(verb, `Cannot read ${token.rawName}: its value is missing`);
  }
}

/** `--name --json`: the next option is no value, unless it was written as `--name=--json`. */
function swallowed({ value, inlineValue }: { value?: string; inlineValue?: boolean }): boolean {
  return inlineValue !== true && value !== undefined && value.length > 1 && value.startsWith("-");
}

function usage(verb: Declared, message: string, near?: string): Failure {
  const hint = near === undefined ? `remoteagent ${verb.name} --help shows how it is used` : `Did you mean --${near}?`;
  return new Failure("usage", message, { hint });
}

/** A whole number of an option. @throws Failure `usage` naming the option and what it may be. */
export function wholeNumber(
  text: string | undefined,
  { name, fallback, max, min = 0 }: { name: string; fallback: number; max: number; min?: number },
): number {
  if (text === undefined) return fallback;
  const value = /^[0-9]{1,12}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new Failure(
    "usage",
    `Wrong value of --${name}: ${JSON.stringify(text)} is no whole number from ${min} to ${max}`,
  );
}
