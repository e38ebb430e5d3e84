// Checks of the vault: whether it opens, and whether its key file is for its owner alone; and its keys of models, for the check of those.
import { Buffer } from "node:buffer";
import { chmodSync } from "node:fs";
import { Failure } from "../../core/failure.ts";
import { keyName } from "../../models/credentials.ts";
import type { ModelsDeps } from "../../models/models.ts";
import { isCurrent } from "../../store/db.ts";
import { openKeyFiles } from "../../vault/key-file.ts";
import type { KeySource } from "../../vault/wrap.ts";
import { findInstance } from "../instance.ts";
import { askAdmin } from "../offline.ts";
import type { Places } from "../places.ts";
import type { Status } from "../vault/ask.ts";
import type { Check } from "./finding.ts";

const words: Readonly<Record<KeySource, string>> = {
  file: "key file",
  passphrase: "passphrase",
  credential: "systemd credential",
};

/** Nothing is said of a vault that nobody uses. */
export const checkVault: Check = async ({ places }) => {
  const area = "vault";
  try {
    openKeyFiles(places.key).read("key");
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const fix = async () => {
      chmodSync(places.key, 0o600);
      return "mode is 0600 now";
    };
    const open = error.message.includes("others can read it");
    return [{ area, level: "bad", text: error.message, mend: error.hint ?? "", ...(open ? { fix } : {}) }];
  }
  const now = await statusOf(places);
  if (now === undefined || now.state === "new") return [];
  if (now.state === "open") return [{ area, level: "ok", text: `It is open, by its ${words[now.source]}` }];
  return [{ area, level: "warn", text: now.message, mend: now.hint ?? "remoteagent vault unlock" }];
};

async function statusOf(places: Places): Promise<Status | undefined> {
  try {
    return (await ask(places, "status", {})) as Status | undefined;
  } catch (error) {
    // An older instance that has no vault, or one that is just ending: its own check says what is to be said.
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

/** The instance's keys of models, as the vault has them. */
export function keysOfVault(places: Places): NonNullable<ModelsDeps["credential"]> {
  let rows: Promise<unknown> | undefined;
  return async (provider) => {
    const name = keyName(provider);
    rows ??= ask(places, "list", {});
    const there = ((await rows) ?? []) as { of: string; kind: string; name: string; removed?: true }[];
    if (!there.some((row) => row.of === "instance" && row.name === name && row.removed !== true)) return undefined;
    const entries = (await ask(places, "export", { of: "instance" })) as { name: string; value: string }[];
    const value = entries.find((entry) => entry.name === name)?.value;
    return value === undefined ? undefined : Buffer.from(value, "base64").toString().trim();
  };
}

/** Undefined where looking would change something, or nobody can look. @throws Failure with the vault's own words. */
async function ask(places: Places, verb: string, args: Record<string, unknown>): Promise<unknown> {
  try {
    const { state } = await findInstance(places);
    if (state === "deaf" || (state === "none" && !isCurrent(places.database))) return undefined;
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
  const answer = await askAdmin({ id: "1", command: `vault-${verb}`, args }, { stateDir: places.stateDir });
  if (answer.ok) return answer.data;
  const [sentence = "", hint] = answer.error.message.split("\n");
  throw new Failure("state", sentence, hint === undefined ? {} : { hint });
}
