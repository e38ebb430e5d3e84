// The vault's side of an admin request: answered by the running instance or by the store, the passphrase added where it is missing.
import { Failure } from "../../core/failure.ts";
import type { KeySource } from "../../vault/wrap.ts";
import type { Io } from "../io.ts";
import { askAdmin } from "../offline.ts";
import { readPassphrase } from "./input.ts";

/** Asks for one verb of the noun `vault`. @throws Failure with the answer's own words. */
export type AskVault = <Data>(verb: string, args: Record<string, unknown>) => Promise<Data>;

/** How it stands with the key. */
export type Status =
  | { state: "new" }
  | { state: "open"; source: KeySource }
  | { state: "locked"; source: KeySource; message: string; hint: string | null };

/** Verbs that open values. */
const needKey = new Set(["set", "undo", "export", "rotate", "unlock"]);

/** Makes the function that asks. A passphrase is asked for once, when a verb needs it and it has not been told. */
export function createAskVault(io: Io, options: { stateDir: string | undefined; file: string | undefined }): AskVault {
  const { stateDir, file } = options;
  const ask = async <Data>(verb: string, args: Record<string, unknown>): Promise<Data> => {
    const answer = await askAdmin({ id: "1", command: `vault-${verb}`, args }, { stateDir });
    if (answer.ok) return answer.data as Data;
    const [sentence = "", ...hint] = answer.error.message.split("\n");
    const codes = { "invalid-args": "usage", "not-found": "not-found" } as const;
    const code = answer.error.code in codes ? codes[answer.error.code as keyof typeof codes] : "state";
    throw new Failure(code, sentence, hint.length === 0 ? {} : { hint: hint.join("\n") });
  };
  let told: string | undefined;
  let looked = false;
  return async (verb, args) => {
    if (!needKey.has(verb)) return ask(verb, args);
    if (!looked) {
      looked = true;
      const now = await ask<Status>("status", {});
      if (now.state === "locked" && now.source === "passphrase") told = await readPassphrase(io, { file });
    }
    return ask(verb, told === undefined ? args : { ...args, passphrase: told });
  };
}
