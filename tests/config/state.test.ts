// The state folder: made private, refused when it is unsafe, always with the mend.
import { expect, test } from "bun:test";
import { chmodSync, chownSync, mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkStateDirectory, prepareStateDirectory } from "../../src/config/state.ts";
import { Failure } from "../../src/core/failure.ts";
import { withHome } from "./folder.ts";

function refusal(path: string): Failure {
  try {
    prepareStateDirectory(path);
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error("It was not refused");
}

test("it is made with 0700, whatever the umask, and an own one is kept", () =>
  withHome((home) => {
    const path = join(home, "deep/er/state");
    const before = process.umask(0o277);
    try {
      prepareStateDirectory(join(home, "state"));
    } finally {
      process.umask(before);
    }
    prepareStateDirectory(path);
    prepareStateDirectory(path);
    expect(statSync(path).mode & 0o777).toBe(0o700);
    expect(statSync(join(home, "state")).mode & 0o777).toBe(0o700);
    symlinkSync(path, join(home, "link"));
    prepareStateDirectory(join(home, "link"));
  }));

test("one that others may write to is refused with the mend", () =>
  withHome((home) => {
    const path = join(home, "state");
    mkdirSync(path);
    for (const mode of [0o770, 0o702, 0o777]) {
      chmodSync(path, mode);
      expect(refusal(path)).toMatchObject({
        code: "state",
        message: `Cannot use state folder "${path}": other users may write to it`,
        hint: `Mend it with: chmod 0700 '${path}'`,
      });
    }
    chmodSync(path, 0o755);
    prepareStateDirectory(path);
  }));

test("a file, a broken link and a place that cannot be made are refused", () =>
  withHome((home) => {
    writeFileSync(join(home, "file"), "");
    expect(refusal(join(home, "file")).message).toEndWith(": a file is there");
    expect(refusal(join(home, "file/below")).message).toEndWith(": a part of the path is a file");
    symlinkSync(join(home, "nowhere"), join(home, "broken"));
    expect(refusal(join(home, "broken")).code).toBe("state");
    expect(refusal("/proc/remoteagent").code).toBe("state");
    expect(() => checkStateDirectory(join(home, "absent"))).toThrow("it is missing");
  }));

test.skipIf(process.getuid?.() !== 0)("another user's folder is refused", () =>
  withHome((home) => {
    const path = join(home, "state");
    mkdirSync(path, { mode: 0o700 });
    chownSync(path, 12_345, 12_345);
    expect(refusal(path).message).toEndWith(": it belongs to another user");
  }),
);

test.skipIf(process.getuid?.() === 0)("a read-only folder is refused", () =>
  withHome((home) => {
    const path = join(home, "state");
    mkdirSync(path, { mode: 0o500 });
    expect(refusal(path).message).toEndWith(": it is read-only");
  }),
);
