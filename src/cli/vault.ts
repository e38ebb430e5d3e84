// `vault`: credentials for commands and models, stored sealed; values come from a pipe, a file or a hidden line.
import { Buffer } from "node:buffer";
import { userInfo } from "node:os";
import { basename } from "node:path";
import type { Settings } from "../config/schema.ts";
import { closest } from "../core/closest.ts";
import { Failure } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import type { Stored } from "../vault/vault.ts";
import type { KeySource } from "../vault/wrap.ts";
import { exit } from "./exit.ts";
import type { Io } from "./io.ts";
import { loadLaunchConfig } from "./places.ts";
import { renderFacts, renderTable } from "./table.ts";
import { type AskVault, createAskVault, type Status } from "./vault/ask.ts";
import { confirm, readBytes, readPassphrase, readStdin, readValue } from "./vault/input.ts";
import { exportVaults, importVaults } from "./vault/moving.ts";
import { jsonArg, verb } from "./verb.ts";

const verbArgs = {
  what: { type: "positional", required: false, description: "list when left out" },
  name: { type: "positional", required: false, description: "A variable, a file's path, or a folder" },
  user: { type: "string", valueHint: "adapter/id", description: "The vault of a person" },
  conversation: { type: "string", valueHint: "adapter/id", description: "The vault of a conversation" },
  container: { type: "string", valueHint: "name", description: "The vault of container:<name>" },
  profile: { type: "string", valueHint: "name", description: "A vault that several are bound to" },
  instance: { type: "boolean", description: "The instance's own: keys of models, for everybody" },
  file: { type: "string", valueHint: "path", description: "Store this file (- is stdin), below the home of commands" },
  to: {
    type: "string",
    valueHint: "source",
    description: "rotate: file, passphrase or credential opens it from now on",
  },
  "passphrase-file": { type: "string", valueHint: "path", description: "Holds the passphrase, in its first line" },
  "new-passphrase-file": { type: "string", valueHint: "path", description: "rotate: holds the new one" },
  adapter: { type: "string", valueHint: "name", description: "import: where the people of the folder are" },
  "dry-run": { type: "boolean", description: "import: only say what would happen" },
  replace: { type: "boolean", description: "import: take the folder's value where another one is there" },
  forget: { type: "boolean", description: "remove: it cannot be brought back" },
  yes: { type: "boolean", alias: "y", description: "Ask nothing" },
  ...jsonArg,
} as const;

type Args = { [Name in keyof typeof verbArgs]?: string | boolean | undefined } & { "state-dir"?: string | undefined };

/** One call: how the vault is asked, and what was said. */
interface Call {
  ask: AskVault;
  args: Args;
  io: Io;
  name: string | undefined;
  /** None when they are wrong. */
  settings: Settings | undefined;
}

export const vault = verb({
  name: "vault",
  summary: "Keep credentials for commands and models, sealed",
  args: verbArgs,
  notes: [
    "  remoteagent vault set GITHUB_TOKEN                 asks for the value, for you at this terminal",
    "  remoteagent vault set API_KEY --profile work < key from a pipe or a file, never as an argument",
    "  remoteagent vault set .ssh/id_ed25519 --user tg/57 --file ~/keys/bot",
    "  remoteagent vault bind --user tg/57 --profile work",
    "Also: list, status, remove, undo, drop, unbind, rotate, lock, unlock, reset, import <folder>, export <folder>.",
    "docs/vault.md says who gets what, and where it goes",
  ].join("\n"),
  async run(args, io) {
    const stateDir = args["state-dir"];
    const ask = createAskVault(io, { stateDir, file: args["passphrase-file"] });
    const what = args.what ?? "list";
    const run = Object.hasOwn(actions, what) ? actions[what] : undefined;
    if (run === undefined) {
      const names = Object.keys(actions);
      const [near] = closest(what, names, { max: 1 });
      throw new Failure("usage", `Unknown verb ${JSON.stringify(what)} of "vault"`, {
        hint: near === undefined ? `Known: ${names.join(", ")}` : `Did you mean remoteagent vault ${near}?`,
      });
    }
    await run({ ask, args, io, name: args.name, settings: await settingsOf(args) });
    return exit.done;
  },
});

const actions: Readonly<Record<string, (call: Call) => Promise<void>>> = {
  list,
  status,
  set,
  remove,
  undo,
  drop,
  bind: (call) => bind(call, "bind"),
  unbind: (call) => bind(call, "unbind"),
  rotate,
  lock,
  unlock,
  reset,
  import: takeOver,
  export: giveOut,
};

/** Whose vault is meant; nothing said: that of whoever sits here. */
function targetOf(args: Args): { of: string; who?: string } | undefined {
  const named = (["user", "conversation", "container", "profile"] as const).filter((kind) => args[kind] !== undefined);
  if (named.length + (args.instance === true ? 1 : 0) > 1)
    throw new Failure("usage", "Cannot tell whose vault is meant: more than one is named");
  if (args.instance === true) return { of: "instance" };
  const [kind] = named;
  return kind === undefined ? undefined : { of: kind, who: String(args[kind]) };
}

const own = () => ({ of: "user", who: `terminal/${userInfo().uid}` });

/** A person or a conversation of an adapter that there is: nobody else would ever get it. */
function checked<Target extends { of: string; who?: string }>({ settings }: Call, target: Target): Target {
  const adapter = /^([^/]+)\//.exec(target.who ?? "")?.[1];
  if (adapter === undefined || settings === undefined || target.of === "profile") return target;
  const names = [...Object.keys(settings.adapters), "terminal"];
  if (names.includes(adapter)) return target;
  throw new Failure("usage", `There is no adapter ${JSON.stringify(adapter)} in settings`, {
    hint: `Known: ${names.join(", ")}`,
  });
}

function needName({ name }: Call, what: string): string {
  if (name !== undefined && name !== "") return name;
  throw new Failure("usage", `Cannot ${what}: the name is missing`, { hint: `remoteagent vault ${what} <NAME>` });
}

function print({ io, args }: Call, data: unknown, text: string): void {
  io.out(args.json === true ? `${JSON.stringify(data, null, 2)}\n` : `${text}\n`);
}

async function list(call: Call): Promise<void> {
  const { ask, args, io } = call;
  const rows = await ask<Record<string, unknown>[]>("list", { ...targetOf(args) });
  const bindings = targetOf(args) === undefined ? await ask<Record<string, unknown>[]>("bindings", {}) : [];
  if (args.json === true) return print(call, { entries: rows, bindings }, "");
  const names = ["owner", "kind", "name", "bytes", "setBy", "setAt", "removed", "undoUntil"];
  if (rows.length === 0) io.out("Nothing is stored: remoteagent vault set <NAME>\n");
  else io.out(`${renderTable(rows, { names, columns: io.columns })}\n`);
  if (bindings.length === 0) return;
  const table = renderTable(bindings, { names: ["bound", "profile", "setBy", "setAt"], columns: io.columns });
  io.out(`\n${table}\n`);
}

async function status(call: Call): Promise<void> {
  const now = await call.ask<Status>("status", {});
  print(call, now, now.state === "new" ? "Nothing was stored so far" : renderFacts({ ...now }));
}

async function set(call: Call): Promise<void> {
  const { ask, args, io } = call;
  const file = typeof args.file === "string" ? args.file : undefined;
  const name = call.name ?? (file === undefined || file === "-" ? needName(call, "set") : basename(file));
  const target = checked(call, targetOf(args) ?? own());
  const most = limits.vaultFileBytesMax;
  const bytes =
    file === undefined ? await readValue(name, io) : file === "-" ? await readStdin(most) : readBytes(file, most);
  const entry = { kind: file === undefined ? "env" : "file", name, value: Buffer.from(bytes).toString("base64") };
  const done = await ask<{ owner: string; name: string; stored: Stored; warning?: string }>("set", {
    ...target,
    ...entry,
  });
  const words = { new: "Stored", changed: "Replaced", same: "Unchanged:", differs: "Left alone:" }[done.stored];
  print(call, done, `${words} ${done.name} in the vault of ${done.owner}`);
  if (done.warning !== undefined) io.err(`${done.warning}\n`);
  const hint = reach(target.of, call.settings);
  if (hint !== undefined && done.stored !== "same") io.err(`${hint}\n`);
}

/** The settings; makes the state folder. What is wrong with them is told by what needs them. */
async function settingsOf(args: Args): Promise<Settings | undefined> {
  const stateDir = args["state-dir"];
  try {
    return (await loadLaunchConfig(stateDir === undefined ? {} : { "state-dir": stateDir })).settings;
  } catch (error) {
    if (error instanceof Failure && error.code === "settings") return undefined;
    throw error;
  }
}

/** Why commands would not see it, as settings are now. */
function reach(kind: string, settings: Settings | undefined): string | undefined {
  if (kind === "instance" || settings === undefined) return undefined;
  const { sandbox, vault: vaultSettings } = settings;
  if (sandbox === "host" && !vaultSettings.injectOnHost)
    return 'Commands on the host do not get it: "vault": { "injectOnHost": true } in settings.json changes that';
  const container = /^(?:container|docker):(.+)$/.exec(sandbox)?.[1];
  if (container !== undefined && kind !== "container")
    return `Commands run in a container with a vault of its own: --container ${container}`;
  return undefined;
}

interface Listed {
  kind: string;
  name: string;
  removed?: true;
}

/** What the name means in this vault: a variable, else a file. */
async function entryOf(call: Call, what: string): Promise<{ of: string; who?: string; kind: string; name: string }> {
  const name = needName(call, what);
  const target = targetOf(call.args) ?? own();
  const rows = await call.ask<Listed[]>("list", { ...target });
  const kind = rows.find((row) => row.name === name)?.kind ?? (/^[A-Za-z_]\w*$/.test(name) ? "env" : "file");
  return { ...target, kind, name };
}

async function remove(call: Call): Promise<void> {
  const { args, io } = call;
  const forget = args.forget === true;
  const entry = await entryOf(call, "remove");
  await confirm(`Remove ${entry.name}${forget ? " for good" : ""}?`, { io, yes: args.yes === true });
  const done = await call.ask<{ owner: string; name: string }>("remove", { ...entry, forget });
  const days = Math.round(limits.vaultPastMs / 86_400_000);
  const back = forget ? "" : `; remoteagent vault undo brings it back for ${days} days`;
  print(call, done, `Removed ${done.name} from the vault of ${done.owner}${back}`);
}

async function undo(call: Call): Promise<void> {
  const done = await call.ask<{ owner: string; name: string }>("undo", await entryOf(call, "undo"));
  print(call, done, `${done.name} in the vault of ${done.owner} is what it was before`);
}

async function drop(call: Call): Promise<void> {
  const { ask, args, io } = call;
  const target = targetOf(args);
  if (target === undefined) throw new Failure("usage", "Cannot drop a vault: whose is missing", { hint: "--user, …" });
  const rows = await ask<Listed[]>("list", { ...target });
  const question = `Drop the whole vault with ${rows.length} values, which do not come back?`;
  await confirm(question, { io, yes: args.yes === true });
  const done = await ask<{ owner: string }>("drop", { ...target });
  print(call, done, `The vault of ${done.owner} is gone`);
}

async function bind(call: Call, how: "bind" | "unbind"): Promise<void> {
  const { ask, args } = call;
  const { profile, ...others } = args;
  const target = targetOf(others);
  if (target === undefined || (target.of !== "user" && target.of !== "conversation"))
    throw new Failure("usage", `Cannot ${how}: --user or --conversation is missing`);
  if (how === "unbind") {
    const done = await ask<{ bound: string }>("unbind", { ...target });
    return print(call, done, `${done.bound} is bound to no profile any more`);
  }
  checked(call, target);
  if (typeof profile !== "string") throw new Failure("usage", "Cannot bind: --profile is missing");
  const done = await ask<{ bound: string }>("bind", { ...target, profile });
  print(call, done, `${done.bound} gets the profile ${profile} from the next turn on`);
}

async function rotate(call: Call): Promise<void> {
  const { ask, args, io } = call;
  const now = await ask<Status>("status", {});
  const to = (args.to ?? ("source" in now ? now.source : "file")) as KeySource;
  const file = args["new-passphrase-file"];
  const wanted = { file: typeof file === "string" ? file : undefined, fresh: true };
  const fresh = to === "passphrase" && now.state !== "new" ? { fresh: await readPassphrase(io, wanted) } : {};
  const done = await ask<{ values: number; source: string }>("rotate", { to, ...fresh });
  const times = `${done.values} value${done.values === 1 ? " is" : "s are"}`;
  print(call, done, `${times} sealed with a new key, which is opened by ${sources[to] ?? to}`);
}

const sources: Readonly<Record<KeySource, string>> = {
  file: "the key file in the state folder",
  passphrase: "the passphrase",
  credential: "the systemd credential",
};

async function lock(call: Call): Promise<void> {
  await call.ask("lock", {});
  print(call, { locked: true }, "The vault is locked: commands and models get nothing of it");
}

async function unlock(call: Call): Promise<void> {
  const now = await call.ask<Status>("unlock", {});
  print(call, now, now.state === "new" ? "Nothing was stored so far" : "The vault is open");
}

async function reset(call: Call): Promise<void> {
  const { ask, args, io } = call;
  const rows = await ask<Listed[]>("list", {});
  const question = `Give up all ${rows.length} values of every vault, and the key? They do not come back.`;
  await confirm(question, { io, yes: args.yes === true });
  await ask("reset", {});
  print(call, { values: rows.length }, "The vault is empty");
}

async function takeOver(call: Call): Promise<void> {
  const { ask, args, io } = call;
  await importVaults(ask, io, {
    folder: needName(call, "import"),
    dry: args["dry-run"] === true,
    replace: args.replace === true,
    adapters: Object.fromEntries(Object.entries(call.settings?.adapters ?? {}).map(([name, { type }]) => [name, type])),
    adapter: typeof args.adapter === "string" ? args.adapter : undefined,
  });
}

async function giveOut(call: Call): Promise<void> {
  const folder = needName(call, "export");
  await confirm(`Write every value in the clear into ${folder}?`, { io: call.io, yes: call.args.yes === true });
  await exportVaults(call.ask, call.io, folder);
}
