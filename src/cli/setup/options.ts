// The options of `setup` about bots, made from the table of platforms, and what they and the environment say of each.
import { resolve } from "node:path";
import type { ArgsDef } from "citty";
import { platforms } from "../../adapters/index.ts";
import type { PlatformToken } from "../../adapters/inspection.ts";
import type { Config } from "../../config/load.ts";
import type { SecretRef } from "../../config/secret.ts";
import { Failure } from "../../core/failure.ts";

/** What was said about a bot on the command line. */
export interface BotFlags {
  type: string;
  /** By their keys in settings. */
  tokens: Readonly<Record<string, SecretRef>>;
  /** Another server than the platform's own. */
  address?: string;
  owner?: string;
  /** An option spoke of it, not the environment alone. */
  named: boolean;
}

/** Arguments as they were parsed; those of platforms have names that only the table knows. */
type Given = Readonly<Record<string, unknown>>;

/** Options for each platform: its tokens, its server, its owner, what one pastes there, and to leave it out. */
export const platformArgs: ArgsDef = Object.fromEntries(
  Object.entries(platforms).flatMap(([type, { label, tokens, paper }]) => [
    ...tokens.flatMap(({ option, label: token }) => [
      [
        `${type}-${option}`,
        {
          type: "string" as const,
          valueHint: "token",
          description: `The ${token} of a ${label} bot; others may see it here, so better use a file`,
        },
      ],
      [
        `${type}-${option}-file`,
        { type: "string" as const, valueHint: "path", description: `File that holds the ${token}` },
      ],
    ]),
    [
      `${type}-api`,
      { type: "string" as const, valueHint: "address", description: `Another server than that of ${label}` },
    ],
    [
      `${type}-owner`,
      { type: "string" as const, valueHint: "id", description: "Id of its owner, who then needs no code" },
    ],
    ...(paper === undefined
      ? []
      : [
          [
            `${type}-${paper.option}`,
            { type: "boolean" as const, description: `Print the ${paper.option} that makes the app there, and leave` },
          ],
        ]),
    [
      type,
      {
        type: "boolean" as const,
        default: true,
        description: `Leave ${label} out, whatever the environment says`,
      },
    ],
  ]),
);

/** The type whose paper is to be printed; undefined when none is. */
export function paperOfFlags(given: Given): string | undefined {
  return Object.entries(platforms).find(
    ([type, { paper }]) => paper !== undefined && given[`${type}-${paper.option}`] === true,
  )?.[0];
}

/**
 * What options and environment say of bots, of each platform that is not left out.
 * @throws Failure `usage`
 */
export function botsOfFlags(given: Given, { environment, asks }: Pick<Config, "environment"> & { asks: boolean }) {
  const types = Object.keys(platforms).filter((type) => given[type] !== false);
  const bots = types.map((type) => botOfFlags(type, { given, environment, asks }));
  const owner = textOf(given, "owner");
  if (owner === undefined) return bots;
  const meant = bots.filter(({ tokens, named }) => Object.keys(tokens).length > 0 || named);
  const [bot] = meant;
  if (bot === undefined || meant.length > 1)
    throw new Failure("usage", "Cannot tell whose owner --owner names: it takes the token of exactly one bot", {
      hint: `Say it by ${types.map((type) => `--${type}-owner`).join(", ")}`,
    });
  return bots.map((one) =>
    one === bot ? { ...one, owner: personOf(one.type, { id: owner, source: "--owner" }) } : one,
  );
}

function botOfFlags(
  type: string,
  { given, environment, asks }: { given: Given; environment: Config["environment"]; asks: boolean },
): BotFlags {
  const { tokens, ownerVariable } = platforms[type] as (typeof platforms)[string];
  const flags = tokens.map((token) => [token.key, tokenOfFlags(type, { token, given })] as const);
  // Half of what a bot needs may be set for another program.
  const set = tokens.map((token) => [token.key, variableOf(token, environment)] as const);
  const usable = !asks && (set.every(([, name]) => name !== undefined) || flags.some(([, ref]) => ref !== undefined));
  const found = flags.map(([key, ref], index): [string, SecretRef | undefined] => {
    const name = usable ? set[index]?.[1] : undefined;
    return [key, ref ?? (name === undefined ? undefined : { env: name })];
  });
  const address = addressOf(given, `${type}-api`);
  const option = `${type}-owner`;
  const source = textOf(given, option) === undefined ? ownerVariable : `--${option}`;
  const id = textOf(given, option) ?? environment(ownerVariable);
  return {
    type,
    tokens: Object.fromEntries(found.filter((entry): entry is [string, SecretRef] => entry[1] !== undefined)),
    ...(address === undefined ? {} : { address }),
    ...(id === undefined ? {} : { owner: personOf(type, { id, source }) }),
    named: address !== undefined || source !== ownerVariable || flags.some(([, ref]) => ref !== undefined),
  };
}

/** The variable that holds a token, if one does. */
export function variableOf(
  { variables }: Pick<PlatformToken, "variables">,
  environment: Config["environment"],
): string | undefined {
  return variables.find((name) => environment(name) !== undefined);
}

/** The options by which a token is given. */
export function tokenOptions(type: string, { option, variables }: PlatformToken): string {
  return `--${type}-${option}-file <path>, or in ${variables[0]}`;
}

function tokenOfFlags(
  type: string,
  { token: { option, label }, given }: { token: PlatformToken; given: Given },
): SecretRef | undefined {
  const token = textOf(given, `${type}-${option}`);
  const file = textOf(given, `${type}-${option}-file`);
  if (token !== undefined && file !== undefined)
    throw new Failure("usage", `Cannot take a ${label} both from the command line and from a file`);
  if (token !== undefined) return token.trim();
  // A relative path in settings is below the state folder; on the command line it is below the current one.
  return file === undefined ? undefined : { file: resolve(file) };
}

function personOf(type: string, { id, source }: { id: string; source: string }): string {
  if (platforms[type]?.isPerson(id) === true) return id;
  throw new Failure("usage", `Wrong value of ${source}: ${JSON.stringify(id)} is no id of a person`, {
    hint: "It is the platform's id, not a name; a bot tells it to whoever writes to it unknown",
  });
}

function addressOf(given: Given, option: string): string | undefined {
  const address = textOf(given, option);
  if (address === undefined || /^https?:$/.test(URL.parse(address)?.protocol ?? "")) return address;
  throw new Failure("usage", `Wrong value of --${option}: ${JSON.stringify(address)} is no address`, {
    hint: "An address begins with http:// or https://",
  });
}

function textOf(given: Given, name: string): string | undefined {
  const value = given[name];
  return typeof value === "string" ? value : undefined;
}
