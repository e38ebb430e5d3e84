// Puts the vault of a state folder together: database, key file, credential.
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import type { Store } from "../store/store.ts";
import { openKeyFiles } from "./key-file.ts";
import { createKeyring } from "./keyring.ts";
import { createVault, type Vault } from "./vault.ts";

/** Where the vault is. */
export interface VaultPlaces {
  store: Pick<Store, "vaults" | "transaction" | "moves">;
  /** The key file of the state folder. */
  keyPath: string;
  /** Where systemd puts the credentials of this process (systemd.exec(5)); none when it is not given any. */
  credentials: string | undefined;
  now(): number;
}

/** The name of ours among the credentials of a unit. */
const credentialName = "remoteagent-key";

/** The vault over an open store; it is locked until `open` or the first value. */
export function openVault({ store, keyPath, credentials, now }: VaultPlaces): Vault {
  const { transaction, vaults } = store;
  const credential = () => (credentials === undefined ? undefined : readCredential(join(credentials, credentialName)));
  const keyring = createKeyring({ store: vaults, transaction, files: openKeyFiles(keyPath), credential, now });
  return createVault({ store: vaults, transaction, keyring, conversationName: store.moves.folder, now });
}

/** @throws Failure `state` for one that is too short to keep anything, too long, or unreadable. */
function readCredential(path: string): Uint8Array | undefined {
  const cannot = (reason: string, cause?: unknown) =>
    new Failure("state", `Cannot use the credential ${JSON.stringify(path)}: ${reason}`, { cause });
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw cannot("it cannot be read", error);
  }
  try {
    if (!fstatSync(fd).isFile()) throw cannot("it is not a file");
    const bytes = new Uint8Array(limits.secretBytesMax + 1);
    const length = readSync(fd, bytes, 0, bytes.byteLength, 0);
    if (length > limits.secretBytesMax) throw cannot(`it is longer than ${limits.secretBytesMax} bytes`);
    if (length < limits.credentialBytesMin)
      throw cannot(`it has ${length} bytes; ${limits.credentialBytesMin} random ones are the least that is safe`);
    return bytes.slice(0, length);
  } finally {
    closeSync(fd);
  }
}
