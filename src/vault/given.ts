// What of the vault one turn gets: one vault at most, chosen by place and requester, opened at each start.
import { Buffer } from "node:buffer";
import { Failure, failureText } from "../core/failure.ts";
import type { VaultOwner, VaultRow } from "../store/vaults.ts";
import { ownerText } from "./owner.ts";
import type { Vault } from "./vault.ts";

/** Whose turn it is and where it runs; all of it from the turn's own row. */
export interface TurnPlace {
  adapter: string;
  /** The requester's immutable id there. */
  requester: string;
  conversation: string;
  /** Nobody let this person in by name. */
  guest: boolean;
  /** `host`, `image`, …; for `container` with its name. */
  sandbox: { kind: string; name: string };
}

/** What commands of the turn get. */
export interface Given {
  /** Names the vault: what outlives the turn is never shared by two of them. */
  vault?: string;
  env: Record<string, string>;
  /** Paths are relative to the home. */
  files: { path: string; bytes: Uint8Array }[];
  /** Why nothing was given although something is there, for the person. */
  notice?: string;
}

const nothing: Given = { env: {}, files: [] };

/**
 * The vault of one turn (DECISIONS.md, Sandboxes): in a container that container's; else what is bound to the
 * conversation, or kept for it; else what is bound to the requester; else the requester's own. Never two together: what
 * one person keeps does not come into another's hands by being mixed. Nothing on the host unless settings say so, and
 * nothing for guests. Never throws: a turn without its secrets still answers, and says why.
 */
export function givenTo(vault: Vault, place: TurnPlace, { injectOnHost }: { injectOnHost: boolean }): Given {
  if (place.guest || (place.sandbox.kind === "host" && !injectOnHost)) return nothing;
  const found = vaultOf(vault, place);
  if (found === undefined) return nothing;
  try {
    const entries = vault.entries(found);
    const variables = entries.filter(({ kind }) => kind === "env");
    const files = entries.filter(({ kind }) => kind === "file");
    return {
      vault: String(found.id),
      env: Object.fromEntries(variables.map(({ name, bytes }) => [name, Buffer.from(bytes).toString()])),
      files: files.map(({ name, bytes }) => ({ path: name, bytes })),
    };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { ...nothing, notice: withheld(found, error) };
  }
}

function vaultOf(vault: Vault, { adapter, requester, conversation, sandbox }: TurnPlace): VaultRow | undefined {
  if (sandbox.kind === "container") return vault.find({ kind: "container", adapter: "", name: sandbox.name });
  const room: VaultOwner = { kind: "conversation", adapter, name: conversation };
  const person: VaultOwner = { kind: "user", adapter, name: requester };
  return vault.boundTo(room) ?? vault.find(room) ?? vault.boundTo(person) ?? vault.find(person);
}

function withheld(owner: VaultOwner, failure: Failure): string {
  return `Commands get nothing of the vault of ${ownerText(owner)} now. ${failureText(failure)}`;
}

/**
 * The key of a model provider: of the requester where the agent allows it, else the instance's own (CONTRACTS.md 10).
 * `name` is the variable as which it is stored.
 * @throws Failure `state` while the vault is locked and holds one.
 */
export function modelKey(
  vault: Vault,
  { name, requester }: { name: string; requester?: { adapter: string; user: string } },
): string | undefined {
  const person: VaultOwner | undefined =
    requester === undefined ? undefined : { kind: "user", adapter: requester.adapter, name: requester.user };
  const theirs = person === undefined ? undefined : (vault.boundTo(person) ?? vault.find(person));
  const own = vault.find({ kind: "instance", adapter: "", name: "" });
  for (const row of [theirs, own]) {
    if (row === undefined) continue;
    const bytes = vault.entry(row, { kind: "env", name });
    if (bytes !== undefined) return Buffer.from(bytes).toString().trim();
  }
  return undefined;
}
