// What an entry of a vault may be called: a variable, or a file's path below the home of a sandbox.
import { Buffer } from "node:buffer";
import { Failure } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import type { EntryKind } from "../store/vaults.ts";

const variable = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;

/**
 * Variables by which the shell, the loader or a language's runtime run something before the command, or by which the
 * sandbox tells a command where it is. A value that is to be kept secret is none of these.
 */
const taken =
  /^(?:PATH|HOME|PWD|OLDPWD|SHELL|TMPDIR|IFS|ENV|BASH_ENV|BASH_FUNC_.*|SHELLOPTS|BASHOPTS|PS4|PROMPT_COMMAND|LD_.*|DYLD_.*|GCONV_PATH|GLIBC_TUNABLES|NODE_OPTIONS|BUN_.*|PYTHONSTARTUP|PYTHONHOME|PERL5OPT|RUBYOPT|REMOTEAGENT_SANDBOX|ra_.*)$/;

/** Names of profiles, as they stand in commands and folders (MA-053). */
const profile = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** Where a file of this name belongs when no place is given (MA-084). Everything else lies where its name says. */
const places: Readonly<Record<string, string>> = { "gws.json": ".config/gws/credentials.json" };

/** @throws Failure `usage` for what no process can have as a variable, or must not have. */
export function checkVariable(name: string): string {
  // What stands behind it may be the value: it is not said again.
  if (name.includes("="))
    throw new Failure("usage", 'Cannot use a name with "=": the value is no part of it', {
      hint: "The value is asked for, or read from stdin; one that stood in the arguments should be voided",
    });
  if (!variable.test(name))
    throw new Failure("usage", `Cannot use ${JSON.stringify(name.slice(0, 200))}: it is no name of a variable`, {
      hint: "Letters, digits and _, at most 128, no digit first; what belongs into a file is stored with --file",
    });
  if (taken.test(name))
    throw new Failure("usage", `Cannot use ${name}: it decides what a command runs and holds no secret`);
  return name;
}

/** @throws Failure `usage` for a name that no profile can have. */
export function checkProfile(name: string): string {
  if (profile.test(name)) return name;
  throw new Failure("usage", `Cannot use ${JSON.stringify(name.slice(0, 200))}: it is no name of a profile`, {
    hint: "Letters, digits, dots, - and _, at most 64, a letter or digit first",
  });
}

/**
 * The path of a file below the home. `~/`, and `/root/` as other programs write it, mean that home.
 * @throws Failure `usage` for a path that leaves it, or that no file can have.
 */
export function checkPath(given: string): string {
  const cannot = (reason: string) =>
    new Failure("usage", `Cannot use the path ${JSON.stringify(given.slice(0, 300))}: ${reason}`, {
      hint: 'A path below the home of the sandbox, such as ".ssh/id_ed25519"',
    });
  const path = given.replace(/^(?:~|\/root)\//, "");
  const parts = path.split("/");
  if (path === "") throw cannot("it is empty");
  if (path.startsWith("/")) throw cannot("it is not below the home");
  if (parts.includes("..")) throw cannot("it leaves the home");
  if (parts.some((part) => part === "" || part === ".")) throw cannot("a part of it is empty");
  if (/[\p{C}\\]/u.test(path)) throw cannot("it has characters that do not belong into a path");
  if (Buffer.byteLength(path) > limits.vaultPathCharsMax) throw cannot("it is too long");
  if (parts.length > limits.vaultPathPartsMax) throw cannot("it lies too deep");
  if (parts.at(-1)?.startsWith(".remoteagent-") === true) throw cannot("the program uses such names itself");
  return path;
}

/** Where a file that has only a name is put (MA-084). @throws Failure `usage` as {@link checkPath}. */
export function placeOf(name: string): string {
  const path = checkPath(name);
  return Object.hasOwn(places, path) ? (places[path] ?? path) : path;
}

/** @throws Failure `usage` for a value that cannot be what it is stored as. */
export function checkValue({ kind, name, bytes }: { kind: EntryKind; name: string; bytes: Uint8Array }): void {
  const cannot = (reason: string, hint?: string) =>
    new Failure("usage", `Cannot store ${name}: its value ${reason}`, hint === undefined ? {} : { hint });
  const most = kind === "env" ? limits.secretBytesMax : limits.vaultFileBytesMax;
  if (bytes.byteLength === 0) throw cannot("is empty");
  if (bytes.byteLength > most) throw cannot(`has ${bytes.byteLength} bytes, more than ${most}`);
  if (kind === "file") return;
  const asFile = "Store it as a file: --file <path>";
  if (bytes.includes(0)) throw cannot("has a NUL byte, which no variable can hold", asFile);
  if (textOf(bytes) === undefined) throw cannot("is no UTF-8 text, and a variable is text", asFile);
}

/** Bytes as text; undefined when they are none. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined; // Binary: whoever asks decides what that means.
  }
}
