// A rotation that is cut off at any of its steps: the next start finds all of the old or all of the new.
import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { KeyFiles } from "../../src/vault/key-file.ts";
import type { KeySource } from "../../src/vault/wrap.ts";
import { program } from "../cli/program.ts";
import { failing } from "../failing.ts";
import { ann, bob, bytesOf, createPlace, type Opening, work } from "./place.ts";

class Crash extends Error {}

/** Breaks off before or after the n-th step on disk: files and the transaction count alike. */
function crashAt(at: number): Opening & { steps: () => number } {
  let step = 0;
  const steps = <Result>(work: () => Result): Result => {
    if (++step === at) throw new Crash();
    const result = work();
    if (++step === at) throw new Crash();
    return result;
  };
  return {
    steps: () => step,
    files: (files: KeyFiles) => ({
      path: files.path,
      read: files.read,
      make: (which) => steps(() => files.make(which)),
      promote: () => steps(() => files.promote()),
      remove: (which) => steps(() => files.remove(which)),
    }),
    transaction:
      (run) =>
      <Result>(work: () => Result): Result =>
        // After its work and before its commit, and after its commit.
        steps(() => run(() => steps(work))),
  };
}

const passphrase = "a long passphrase";
const credential = bytesOf("a credential of some length");
const values = [
  [ann, "A", "value-one-of-ann"],
  [bob, "B", "value-two-of-bob"],
  [work, "C", "value-three-of-work"],
] as const;

async function filled(from: KeySource) {
  const place = createPlace();
  const vault = place.open({ credential });
  for (const [owner, name, text] of values)
    await vault.set(owner, { kind: "env", name, bytes: bytesOf(text), by: "test" });
  await vault.set(ann, { kind: "env", name: "A", bytes: bytesOf("value-four-of-ann"), by: "test" });
  await vault.rotate({ to: from, passphrase });
  return place;
}

/** Opens as the next start does, with all that may be needed. */
async function check(place: ReturnType<typeof createPlace>): Promise<KeySource> {
  const vault = place.open({ credential });
  await vault.open(passphrase);
  const state = vault.state();
  expect(state.state).toBe("open");
  const text = (owner: typeof ann, name: string) =>
    Buffer.from(vault.entry(vault.need(owner), { kind: "env", name }) ?? []).toString();
  expect(text(ann, "A")).toBe("value-four-of-ann");
  expect(text(bob, "B")).toBe("value-two-of-bob");
  vault.undo(ann, { kind: "env", name: "A", by: "test" });
  expect(text(ann, "A")).toBe("value-one-of-ann");
  // Nothing of the way is left behind.
  expect(existsSync(join(place.folder, "key.next"))).toBe(false);
  const source = state.state === "open" ? state.source : "file";
  expect(existsSync(join(place.folder, "key"))).toBe(source === "file");
  return source;
}

for (const from of ["file", "passphrase", "credential"] as const)
  for (const to of ["file", "passphrase", "credential"] as const)
    test(`from ${from} to ${to}`, async () => {
      const seen = new Set<KeySource>();
      for (let at = 1; ; at++) {
        using place = await filled(from);
        const crashing = crashAt(at);
        const vault = place.open({ credential, ...crashing });
        await vault.open(passphrase).catch((error: unknown) => expect(error).toBeInstanceOf(Crash));
        const done = vault.rotate({ to, passphrase }).then(
          () => true,
          (error: unknown) => {
            expect(error).toBeInstanceOf(Crash);
            return false;
          },
        );
        const whole = await done;
        seen.add(await check(place));
        if (whole && crashing.steps() < at) break;
        expect(at).toBeLessThan(40);
      }
      expect([...seen].sort()).toEqual([...new Set([from, to])].sort());
    }, 120_000);

test("the old key opens nothing after a rotation, and two at the same time follow each other", async () => {
  using place = await filled("file");
  const old = await Bun.file(join(place.folder, "key")).text();
  const vault = place.open();
  await vault.open();
  expect(await Promise.all([vault.rotate({}), vault.rotate({})])).toEqual([4, 4]);
  expect(await Bun.file(join(place.folder, "key")).text()).not.toBe(old);
  await Bun.write(join(place.folder, "key"), old);
  expect((await failing(place.open().open())).message).toContain("is another one");
});

test("a program that is killed in a rotation leaves a vault that opens", async () => {
  await using run = program();
  const set = run.open("vault", "set", "API_KEY");
  set.child.stdin?.end("value-of-the-vault");
  expect((await set.ended).code).toBe(0);
  let killed = 0;
  for (let round = 0; round < 12; round++) {
    const rotating = run.open("vault", "rotate");
    // Somewhere between the start and the end, which is a tenth of a second away.
    await new Promise((resume) => setTimeout(resume, 30 + round * 8));
    rotating.child.kill("SIGKILL");
    if ((await rotating.ended).code === null) killed += 1;
    expect((await run.call("vault", "status")).out).toContain("open");
  }
  expect(killed).toBeGreaterThan(0);
  const folder = join(run.home, "out");
  expect((await run.call("vault", "export", folder, "--yes")).code).toBe(0);
  const whose = `user-terminal-${process.getuid?.() ?? 0}`;
  expect(await Bun.file(join(folder, whose, "env")).text()).toBe("API_KEY=value-of-the-vault\n");
}, 60_000);
