// Secrets in settings: text, or the name of where the text is, looked up at each use.
import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import * as v from "valibot";
import { Failure } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import { type Environment, expand } from "./paths.ts";

const form = 'expected text, {"env": "NAME"} or {"file": "path"}';

/** The schema of a secret: its text, or where it is. */
export const secretSchema = v.pipe(
  v.union(
    [
      v.pipe(v.string(), v.nonEmpty("expected text that is not empty"), v.maxLength(limits.secretBytesMax)),
      v.strictObject({ env: v.pipe(v.string(), v.regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "expected a variable's name")) }),
      v.strictObject({ file: v.pipe(v.string(), v.nonEmpty("expected a path")) }),
    ],
    form,
  ),
  v.description('A secret: its text, {"env": "NAME"} or {"file": "path"}.'),
);

/** A secret as settings hold it. */
export type SecretRef = v.InferOutput<typeof secretSchema>;

/**
 * The secret itself. A file's last line end is not part of it; its path is relative to `from`.
 * @throws Failure `settings` when the variable is not set, or the file is missing, empty, too long or unreadable.
 */
export function resolveSecret(ref: SecretRef, { env, from }: { env: Environment; from: string }): string {
  if (typeof ref === "string") return ref;
  if ("file" in ref) return readSecretFile(expand(ref.file, env, from));
  const value = env[ref.env];
  if (value === undefined || value === "") {
    throw new Failure("settings", `Cannot read secret from variable ${JSON.stringify(ref.env)}: it is not set`, {
      hint: `Set ${ref.env} in the environment in which remoteagent starts`,
    });
  }
  return value;
}

function readSecretFile(path: string): string {
  const cannot = (reason: string, cause?: unknown) =>
    new Failure("settings", `Cannot read secret from file ${JSON.stringify(path)}: ${reason}`, { cause });
  let fd: number;
  try {
    // O_NONBLOCK: a named pipe must not stop the program.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw cannot(reasons[code] ?? code, error);
  }
  try {
    if (!fstatSync(fd).isFile()) throw cannot("it is not a file");
    const bytes = Buffer.alloc(limits.secretBytesMax + 1);
    const length = readSync(fd, bytes, 0, bytes.byteLength, 0);
    if (length > limits.secretBytesMax) throw cannot(`it is longer than ${limits.secretBytesMax} bytes`);
    const text = bytes.toString("utf8", 0, length).replace(/\r?\n$/, "");
    if (text === "") throw cannot("it is empty");
    return text;
  } finally {
    closeSync(fd);
  }
}

const reasons: Record<string, string> = {
  ENOENT: "it is missing",
  ENOTDIR: "it is missing",
  EACCES: "permission denied",
  EPERM: "permission denied",
};
