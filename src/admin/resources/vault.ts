// The noun `vault`, behind `remoteagent vault`: values come and go in the frame alone, never as words of a command line.
import { Buffer } from "node:buffer";
import * as v from "valibot";
import { Failure } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import type { VaultKind, VaultOwner } from "../../store/vaults.ts";
import { placeOf } from "../../vault/names.ts";
import { ownerText, parseOwner } from "../../vault/owner.ts";
import type { ListedEntry, Vault } from "../../vault/vault.ts";
import { keySources } from "../../vault/wrap.ts";
import { choice, text, toggle, verb } from "../flags.ts";
import type { Resource } from "../resource.ts";
import { byHost } from "./roles.ts";

const ownerKinds = ["user", "conversation", "container", "profile", "instance"] as const satisfies VaultKind[];

/** Whose vault: the kind, and who it is in words of the command line. */
const target = {
  of: choice("Whose vault", ownerKinds),
  who: v.optional(text("adapter/id, or the name of a container or profile"), "-"),
};
const passphrase = v.optional(v.pipe(v.string(), v.maxLength(limits.passphraseCharsMax * 2)));
const entry = { kind: choice("What it is", ["env", "file"]), name: text("Name of the variable, or path of the file") };
/** Bytes as base64: a frame is JSON, and a value may be anything. */
const value = v.pipe(
  v.string(),
  v.maxLength(Math.ceil((limits.vaultFileBytesMax + 1) / 3) * 4),
  v.regex(/^[A-Za-z0-9+/]*={0,2}$/, "expected base64"),
  v.transform((text) => new Uint8Array(Buffer.from(text, "base64"))),
);

const ownerOf = ({ of, who }: { of: VaultKind; who: string }): VaultOwner => parseOwner(of, who);
const nameOf = ({ kind, name }: { kind: "env" | "file"; name: string }) => (kind === "file" ? placeOf(name) : name);

/** Declares the noun; `open` gives the vault when a verb runs. */
export function vaultNoun(open: () => Vault): Resource {
  return {
    name: "vault",
    summary: "Credentials by name; their values are told to nobody",
    columns: ["owner", "kind", "name", "bytes", "setBy", "setAt", "undoUntil", "removed"],
    verbs: [...keyVerbs(open), ...entryVerbs(open), ...undoVerbs(open), ...bindingVerbs(open)],
  };
}

function keyVerbs(open: () => Vault) {
  return [
    verb({
      name: "status",
      summary: "How it stands with the key",
      schema: v.strictObject({ passphrase }),
      run: async (args) => {
        const vault = await ready(open(), args).catch(() => open());
        const now = vault.state();
        if (now.state !== "locked") return now;
        const { message, hint } = now.why;
        return { state: now.state, source: now.source, message, hint: hint ?? null };
      },
    }),
    verb({
      name: "unlock",
      summary: "Opens the vault with its passphrase",
      schema: v.strictObject({ passphrase }),
      run: async (args) => (await ready(open(), args)).state(),
    }),
    verb({
      name: "lock",
      summary: "Forgets the key until the passphrase is told again",
      schema: v.strictObject({}),
      run: () => open().lock(),
    }),
    verb({
      name: "rotate",
      summary: "Seals everything anew with a new key",
      schema: v.strictObject({
        passphrase,
        to: v.optional(choice("What opens it from now on", keySources)),
        fresh: v.optional(v.pipe(v.string(), v.maxLength(limits.passphraseCharsMax * 2))),
      }),
      run: async ({ to, fresh, ...args }) => {
        const vault = await ready(open(), args);
        const values = await vault.rotate({ ...(to && { to }), ...(fresh !== undefined && { passphrase: fresh }) });
        return { values, ...vault.state() };
      },
    }),
    verb({
      name: "reset",
      summary: "Gives up every value and the key, for a key that is lost",
      schema: v.strictObject({}),
      run: () => open().reset(),
    }),
  ];
}

function entryVerbs(open: () => Vault) {
  return [
    verb({
      name: "list",
      summary: "What is there, without values",
      schema: v.strictObject({ of: v.optional(target.of), who: target.who }),
      run: ({ of, who }) =>
        open()
          .list(of === undefined ? undefined : ownerOf({ of, who }))
          .map(shown),
    }),
    verb({
      name: "set",
      summary: "Stores a value",
      schema: v.strictObject({
        ...target,
        ...entry,
        value,
        passphrase,
        keep: v.optional(toggle("Leaves another value as it is"), false),
        dry: v.optional(toggle("Only says what would become of it"), false),
      }),
      run: async ({ kind, name, value: bytes, keep, dry, ...args }) => {
        const vault = await ready(open(), args);
        const owner = ownerOf(args);
        const wanted = { kind, name: nameOf({ kind, name }), bytes, by: byHost, keep, dry };
        return { owner: ownerText(owner), kind, name: wanted.name, ...(await vault.set(owner, wanted)) };
      },
    }),
  ];
}

function undoVerbs(open: () => Vault) {
  return [
    verb({
      name: "remove",
      summary: "Takes a value out",
      schema: v.strictObject({ ...target, ...entry, forget: v.optional(toggle("It cannot be brought back"), false) }),
      run: ({ kind, name, forget, ...args }) => {
        const owner = ownerOf(args);
        open().remove(owner, { kind, name: nameOf({ kind, name }), forget });
        return { owner: ownerText(owner), kind, name };
      },
    }),
    verb({
      name: "undo",
      summary: "Brings the value before this one back, or the removed one",
      schema: v.strictObject({ ...target, ...entry, passphrase }),
      run: async ({ kind, name, ...args }) => {
        const vault = await ready(open(), args);
        const owner = ownerOf(args);
        vault.undo(owner, { kind, name: nameOf({ kind, name }), by: byHost });
        return { owner: ownerText(owner), kind, name };
      },
    }),
    verb({
      name: "drop",
      summary: "Takes a whole vault out, with what is bound to it",
      schema: v.strictObject(target),
      run: (args) => {
        const owner = ownerOf(args);
        open().drop(owner);
        return { owner: ownerText(owner) };
      },
    }),
    verb({
      name: "export",
      summary: "The values of one vault",
      schema: v.strictObject({ ...target, passphrase }),
      run: async (args) => {
        const vault = await ready(open(), args);
        const entries = vault.entries(vault.need(ownerOf(args)));
        return entries.map(({ kind, name, bytes }) => ({ kind, name, value: Buffer.from(bytes).toString("base64") }));
      },
    }),
  ];
}

function bindingVerbs(open: () => Vault) {
  const whose = { of: choice("Who or where", ["user", "conversation"] as const), who: text("adapter/id") };
  return [
    verb({
      name: "bindings",
      summary: "Which profile counts for whom and where",
      columns: ["bound", "profile", "setBy", "setAt"],
      schema: v.strictObject({}),
      run: () =>
        open()
          .bindings()
          .map(({ owner, setBy, setAt, ...bound }) => ({ bound: ownerText(bound), profile: owner.name, setBy, setAt })),
    }),
    verb({
      name: "bind",
      summary: "A profile counts for somebody or somewhere from now on",
      schema: v.strictObject({ ...whose, profile: text("Name of the profile") }),
      run: ({ profile, ...args }) => {
        const bound = ownerOf(args);
        open().bind(bound, parseOwner("profile", profile), byHost);
        return { bound: ownerText(bound), profile };
      },
    }),
    verb({
      name: "unbind",
      summary: "What is their own counts again",
      schema: v.strictObject(whose),
      run: (args) => {
        open().unbind(ownerOf(args));
        return { bound: ownerText(ownerOf(args)) };
      },
    }),
  ];
}

/** The vault, opened where it was not. @throws Failure `state` when it stays locked. */
async function ready(vault: Vault, args: { passphrase?: string | undefined }): Promise<Vault> {
  const now = vault.state();
  if (now.state === "locked") await vault.open(args.passphrase);
  else if (args.passphrase !== undefined && now.state === "new")
    throw new Failure("usage", "Cannot open the vault with a passphrase: nothing is stored in it yet", {
      hint: "Store a value first, then remoteagent vault rotate --to passphrase",
    });
  return vault;
}

function shown({ owner, ...row }: ListedEntry) {
  return { owner: ownerText(owner), of: owner.kind, adapter: owner.adapter, who: owner.name, ...row };
}
