// A sandbox that is opened when something first runs in it: most turns only talk.
import { Failure } from "../core/failure.ts";
import type { Sandbox, SandboxDriver, SandboxRequest } from "./sandbox.ts";

/**
 * A turn's sandbox. Where the driver can tell what it will look like, its folders are made and checked by the first
 * command or file, which then gets the refusal, and the next one tries again; else it is opened at once.
 * @throws Failure `sandbox` when the driver can open none now, as {@link SandboxDriver.open} does.
 */
export async function openLater(
  driver: Pick<SandboxDriver, "open" | "whereabouts" | "kill">,
  request: SandboxRequest,
): Promise<Sandbox> {
  const where = await driver.whereabouts?.(request);
  if (where === undefined) return driver.open(request);
  let opening: Promise<Sandbox> | undefined;
  let closed = false;
  const open = async (): Promise<Sandbox> => {
    const sandbox = await driver.open(request);
    if (!closed) return sandbox;
    await sandbox.close();
    throw new Failure("sandbox", "Cannot use the sandbox: it is closed");
  };
  const opened = (): Promise<Sandbox> => {
    if (closed) return Promise.reject(new Failure("sandbox", "Cannot use the sandbox: it is closed"));
    opening ??= open().catch((error: unknown) => {
      opening = undefined;
      throw error;
    });
    return opening;
  };
  return {
    ...where,
    spawn: async (command) => (await opened()).spawn(command),
    files: {
      read: async (path, range) => (await opened()).files.read(path, range),
      write: async (path, bytes) => (await opened()).files.write(path, bytes),
      list: async (path) => (await opened()).files.list(path),
    },
    // Also before it is open: an earlier start of the turn may have left something.
    kill: (scope) => driver.kill(scope),
    async close() {
      closed = true;
      const sandbox = await opening?.catch(() => undefined);
      await sandbox?.close();
    },
  };
}
