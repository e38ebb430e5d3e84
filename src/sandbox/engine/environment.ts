// The variables that a command in a container gets beside the container's own.
import { Failure } from "../../core/failure.ts";

/** Never set, whoever asks: ours by name, and those by which the shell that starts commands keeps its own things. */
const refused = /^(REMOTEAGENT_SANDBOX$|ra_)/;

/** Later ones win. @throws Failure `sandbox` for a name or value that no process can have. */
export function containerEnvironment(...sources: Readonly<Record<string, string>>[]): Record<string, string> {
  const result: Record<string, string> = { TERM: "dumb" };
  for (const [name, value] of sources.flatMap((source) => Object.entries(source))) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      throw new Failure("sandbox", `Cannot set variable ${JSON.stringify(name)}: it is not a variable's name`);
    }
    if (value.includes("\0")) {
      throw new Failure("sandbox", `Cannot set variable ${JSON.stringify(name)}: its value has a NUL character`);
    }
    if (!refused.test(name)) result[name] = value;
  }
  return result;
}
