// The data key, sealed by what the owner keeps outside of the database: a key file, a passphrase or a credential.
import { hkdfSync, randomBytes, scrypt } from "node:crypto";
import { keyBytes, type Place, seal, unseal } from "./seal.ts";

/** What opens the data key. */
export const keySources = ["file", "passphrase", "credential"] as const;
export type KeySource = (typeof keySources)[number];

/** A sealed data key as it is stored. */
export interface Wrapped {
  source: KeySource;
  salt: Uint8Array;
  /** A passphrase costs 2^cost steps of scrypt; 0 for what is random by itself. */
  cost: number;
  wrapped: Uint8Array;
}

const saltBytes = 16;
/** 128 MiB and some tenths of a second for each try. */
const passphraseCost = 17;
const scryptBlock = 8;
const scryptMemoryMax = 512 * 1024 * 1024;
/** What another program could have written into the row is not worth more than this. */
const costMax = 20;

/** Seals a data key with a secret of the owner's. */
export async function wrapKey(
  key: Uint8Array,
  { source, secret, work = passphraseCost }: { source: KeySource; secret: Uint8Array; work?: number },
): Promise<Wrapped> {
  const salt = randomBytes(saltBytes);
  const cost = source === "passphrase" ? work : 0;
  const outer = await outerKey(secret, { source, salt, cost });
  return { source, salt, cost, wrapped: seal(outer, key, placeOf(source)) };
}

/** The data key; undefined when the secret is another one, or the row was changed. */
export async function unwrapKey(row: Wrapped, secret: Uint8Array): Promise<Uint8Array | undefined> {
  if (row.cost > costMax || (row.source === "passphrase" && row.cost < 1)) return undefined;
  const key = unseal(await outerKey(secret, row), row.wrapped, placeOf(row.source));
  return key?.byteLength === keyBytes ? key : undefined;
}

function placeOf(source: KeySource): Place {
  return ["remoteagent data key", source];
}

async function outerKey(
  secret: Uint8Array,
  { source, salt, cost }: Pick<Wrapped, "source" | "salt" | "cost">,
): Promise<Uint8Array> {
  if (source !== "passphrase")
    return new Uint8Array(hkdfSync("sha256", secret, salt, `remoteagent vault ${source}`, keyBytes));
  const options = { N: 2 ** cost, r: scryptBlock, p: 1, maxmem: scryptMemoryMax };
  return new Promise((resolve, reject) => {
    scrypt(secret, salt, keyBytes, options, (error, key) => (error instanceof Error ? reject(error) : resolve(key)));
  });
}
