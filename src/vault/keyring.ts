// The key of all vaults: found at the start, made at the first use, replaced by a rotation. It lives in memory alone.
import { Buffer } from "node:buffer";
import { Failure } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import type { KeyRow, Vaults } from "../store/vaults.ts";
import type { KeyFiles } from "./key-file.ts";
import { newKey } from "./seal.ts";
import { type KeySource, unwrapKey, wrapKey } from "./wrap.ts";

/** What a keyring works with. */
export interface KeyringDeps {
  store: Pick<Vaults, "key" | "setKey" | "wipe">;
  transaction<Result>(work: () => Result): Result;
  files: KeyFiles;
  /** The systemd credential of this process; undefined when it was given none. */
  credential(): Uint8Array | undefined;
  now(): number;
  /** What a passphrase costs, as a power of two, instead of what is right for people's. */
  passphraseWork?: number;
}

/** How it stands with the key. `why` is one sentence with its mend. */
export type KeyState =
  | { state: "new" }
  | { state: "open"; source: KeySource }
  | { state: "locked"; source: KeySource; why: Failure };

/** Where a rotation leads. */
export interface Rotation {
  /** What opens the vault from now on; as it was when left out. */
  to?: KeySource;
  /** For `to: "passphrase"`, and where it was one already. */
  passphrase?: string;
}

export type Keyring = ReturnType<typeof createKeyring>;

/** A keyring that is locked until `open`. */
export function createKeyring(deps: KeyringDeps) {
  const { store, files } = deps;
  let key: { bytes: Uint8Array; source: KeySource } | undefined;
  let why = new Failure("state", "The vault is not open yet");
  /** One change of the key at a time. */
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const done = last.then(work, work);
    last = done.catch(() => undefined);
    return done;
  };

  const open = async (passphrase?: string): Promise<void> => {
    const row = store.key();
    if (row === undefined || key !== undefined) return;
    try {
      key = { bytes: await openRow(deps, { row, passphrase }), source: row.source };
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      why = error;
      throw error;
    }
    tidy(files, row.source);
  };

  return {
    state(): KeyState {
      const row = store.key();
      if (row === undefined) return { state: "new" };
      return key === undefined ? { state: "locked", source: row.source, why } : { state: "open", source: key.source };
    },
    /** Opens what is there. @throws Failure `state` when it stays locked: key or passphrase are missing or do not fit. */
    open: (passphrase?: string) => inTurn(() => open(passphrase)),
    /** Opens it, or makes a key for the first value. @throws Failure `state` as {@link open}. */
    ensure: () =>
      inTurn(async () => {
        await open();
        if (key !== undefined) return;
        const credential = deps.credential();
        const source = credential === undefined ? "file" : "credential";
        const secret = credential ?? files.read("key") ?? files.make("key");
        const bytes = newKey();
        const wrapped = await wrapKey(bytes, { source, secret });
        deps.transaction(() => store.setKey(wrapped, deps.now()));
        key = { bytes, source };
      }),
    /** The data key. @throws Failure `state` while it is locked. */
    key(): Uint8Array {
      if (key === undefined) throw why;
      return key.bytes;
    },
    /** Forgets the key. Only a passphrase keeps it from coming back by itself. @throws Failure `usage` without one. */
    lock(): void {
      if (store.key()?.source !== "passphrase")
        throw new Failure("usage", "Cannot lock the vault: it opens by itself, without a passphrase", {
          hint: "remoteagent vault rotate --to passphrase gives it one",
        });
      key = undefined;
      why = needsPassphrase();
    },
    /**
     * A new data key, and what opens it new as well: a new key file, the passphrase given now, or the credential as it
     * is. `reseal` seals everything with it, in the transaction that stores it. Whatever step a crash comes at, the next
     * `open` finds either all old or all new.
     */
    rotate: (rotation: Rotation, reseal: (from: Uint8Array, to: Uint8Array) => number): Promise<number> =>
      inTurn(async () => {
        await open();
        const now = key;
        if (now === undefined) throw new Failure("usage", "Cannot rotate the key: the vault is empty");
        const source = rotation.to ?? now.source;
        const secret = nextSecret(deps, { source, passphrase: rotation.passphrase });
        const bytes = newKey();
        const work = deps.passphraseWork === undefined ? {} : { work: deps.passphraseWork };
        const wrapped = await wrapKey(bytes, { source, secret, ...work });
        const count = deps.transaction(() => {
          const resealed = reseal(now.bytes, bytes);
          store.setKey(wrapped, deps.now());
          return resealed;
        });
        key = { bytes, source };
        if (source === "file") files.promote();
        tidy(files, source);
        return count;
      }),
    /** Gives everything up: for a key that is lost. */
    reset: () =>
      inTurn(async () => {
        deps.transaction(() => store.wipe());
        key = undefined;
        for (const which of ["next", "key"] as const) files.remove(which);
      }),
  };
}

/** What is left of an interrupted rotation opens nothing any more. */
function tidy(files: KeyFiles, source: KeySource): void {
  for (const which of source === "file" ? (["next"] as const) : (["next", "key"] as const)) files.remove(which);
}

function nextSecret(
  { files, credential }: KeyringDeps,
  { source, passphrase }: { source: KeySource; passphrase: string | undefined },
): Uint8Array {
  if (source === "file") return files.make("next");
  if (source === "credential") return credential() ?? fail(noCredential());
  if (passphrase === undefined) throw new Failure("usage", "Cannot rotate the key: the new passphrase is missing");
  return passphraseBytes(passphrase);
}

function fail(failure: Failure): never {
  throw failure;
}

async function openRow(
  deps: KeyringDeps,
  { row, passphrase }: { row: KeyRow; passphrase: string | undefined },
): Promise<Uint8Array> {
  if (row.source === "file") return openByFile(deps.files, row);
  if (row.source === "credential") {
    const secret = deps.credential() ?? fail(noCredential());
    return (await unwrapKey(row, secret)) ?? fail(noFit("the systemd credential is another one"));
  }
  if (passphrase === undefined) throw needsPassphrase();
  const opened = await unwrapKey(row, passphraseBytes(passphrase));
  return opened ?? fail(new Failure("state", "Cannot open the vault: the passphrase is wrong"));
}

/** The key, or the one of a rotation that was stored and not finished. */
async function openByFile(files: KeyFiles, row: KeyRow): Promise<Uint8Array> {
  const [present, next] = [files.read("key"), files.read("next")];
  const byPresent = present === undefined ? undefined : await unwrapKey(row, present);
  if (byPresent !== undefined) return byPresent;
  const byNext = next === undefined ? undefined : await unwrapKey(row, next);
  if (byNext !== undefined) {
    files.promote();
    return byNext;
  }
  const path = JSON.stringify(files.path);
  throw noFit(present === undefined ? `its key ${path} is missing` : `the key ${path} is another one`);
}

function noFit(reason: string): Failure {
  return new Failure("state", `Cannot open the vault: ${reason}`, {
    hint: "Put the right one back from a backup, or give the stored values up: remoteagent vault reset",
  });
}

function noCredential(): Failure {
  return new Failure("state", 'Cannot open the vault: this process was not given the credential "remoteagent-key"', {
    hint: "LoadCredential=remoteagent-key:<file> in the unit gives it; while the service runs, remoteagent vault asks it",
  });
}

function needsPassphrase(): Failure {
  return new Failure("state", "The vault is locked: it needs its passphrase", { hint: "remoteagent vault unlock" });
}

/** The same text typed on two keyboards may come as different characters: NFKC makes one of them. */
function passphraseBytes(text: string): Uint8Array {
  const length = [...text].length;
  if (length < limits.passphraseCharsMin || length > limits.passphraseCharsMax)
    throw new Failure("usage", `Cannot use this passphrase: it has ${length} characters`, {
      hint: `It may have ${limits.passphraseCharsMin} to ${limits.passphraseCharsMax}`,
    });
  return Buffer.from(text.normalize("NFKC"));
}
