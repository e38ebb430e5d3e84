// Files and variables of the vault in real containers: one of ours, and one that somebody else made.
import { describe, expect, test } from "bun:test";
import { text } from "node:stream/consumers";
import { placing } from "../../src/sandbox/placed.ts";
import type { Sandbox } from "../../src/sandbox/sandbox.ts";
import { makePlace } from "./engine-place.ts";
import { busyboxImage, debianImage, engines } from "./engine-setup.ts";
import { keepingLog } from "./host-setup.ts";

async function run(sandbox: Sandbox, command: string): Promise<string> {
  const running = await sandbox.spawn({ argv: ["/bin/sh", "-c", command], scope: "turn-1", stdin: null });
  const [out, error] = await Promise.all([text(running.stdout), text(running.stderr), running.done]);
  return out + error;
}

const look = 'stat -c "%a" ~/.ssh/id; cat ~/.ssh/id; wc -c <~/bytes; printf "%s|" "$LINES_OF"';
const bytes = Uint8Array.from({ length: 5_000 }, (_, at) => at % 256);
const files = [
  { path: ".ssh/id", bytes: new TextEncoder().encode("the key\n") },
  { path: "bytes", bytes },
];
const env = { LINES_OF: "one 'line'\nand $another" };

for (const { name, missing, start } of engines)
  describe(`the vault in containers of ${name}`, () => {
    if (missing !== undefined) {
      test.skip(`left out: ${missing}`, () => undefined);
      return;
    }
    test.each(["image", "container"])(
      "%s: there for the first command, gone after the turn",
      async (kind) => {
        const engine = await start();
        const place = makePlace(engine.environment);
        try {
          if (kind === "container") await engine.container("kept", { Image: busyboxImage });
          const driver = await place.driver(kind === "image" ? `image:${debianImage}` : "container:kept");
          const notes = new Map<string, readonly string[]>();
          const filled = placing(driver, {
            place: ({ home }) => home,
            placed: (where) => notes.get(where) ?? [],
            notePlaced: (where, paths) => void (paths.length === 0 ? notes.delete(where) : notes.set(where, paths)),
            log: keepingLog([]),
          });
          const sandbox = await filled.open(place.request({ files, env, vault: "1" }));
          expect(await run(sandbox, look)).toBe("600\nthe key\n5000\none 'line'\nand $another|");
          await sandbox.close();
          const plain = await driver.open(place.request({ vault: "1" }));
          expect(await run(plain, 'ls ~/.ssh ~/bytes 2>/dev/null; echo "$LINES_OF"')).not.toMatch(/id|bytes|another/);
          await plain.close();
          expect(notes.size).toBe(0);
          await driver.close();
        } finally {
          await engine.close();
          place.remove();
        }
      },
      180_000,
    );
  });
