// Whose vault is meant: the words for people, and the words that bind a value to it.
import { Failure } from "../core/failure.ts";
import type { EntryKind, VaultOwner } from "../store/vaults.ts";
import { checkProfile } from "./names.ts";
import type { Place } from "./seal.ts";

/** The instance's own: keys of models. Nothing of it goes into a sandbox. */
export const instanceOwner: VaultOwner = { kind: "instance", adapter: "", name: "" };

/** `user tg/57`, `profile work`, `the instance`. */
export function ownerText({ kind, adapter, name }: VaultOwner): string {
  if (kind === "instance") return "the instance";
  return adapter === "" ? `${kind} ${name}` : `${kind} ${adapter}/${name}`;
}

/** A value opens in the vault, under the name and in the version for which it was sealed, and nowhere else. */
export function placeFor(
  { kind, adapter, name }: VaultOwner,
  entry: { kind: EntryKind; name: string; version: number },
): Place {
  return ["vault", kind, adapter, name, entry.kind, entry.name, entry.version];
}

/** Names an owner as the command line does. @throws Failure `usage`. */
export function parseOwner(kind: VaultOwner["kind"], text: string): VaultOwner {
  if (kind === "instance") return instanceOwner;
  if (kind === "profile") return { kind, adapter: "", name: checkProfile(text) };
  if (kind === "container") {
    if (/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/.test(text)) return { kind, adapter: "", name: text };
    throw new Failure("usage", `Cannot use ${JSON.stringify(text.slice(0, 200))}: it is no name of a container`);
  }
  const slash = text.indexOf("/");
  const [adapter, name] = [text.slice(0, Math.max(0, slash)).trim(), text.slice(slash + 1).trim()];
  if (adapter !== "" && name !== "") return { kind, adapter, name };
  throw new Failure(
    "usage",
    `Cannot tell which ${kind} ${JSON.stringify(text.slice(0, 200))} is: it is no adapter/id`,
    {
      hint: kind === "user" ? "remoteagent users list shows ids" : "remoteagent sessions list shows conversations",
    },
  );
}
