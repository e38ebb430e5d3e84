// `vault` by the real program: with a running instance and without one, values from pipes and files, and in a turn.
import { expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { program, until } from "./program.ts";

const secret = "correct-horse-battery-staple";
const me = `terminal/${userInfo().uid}`;
type Program = ReturnType<typeof program>;

/** Calls with a text on stdin. */
async function piped(run: Program, text: string | Uint8Array, ...args: string[]) {
  const opened = run.open(...args);
  opened.child.stdin?.end(text);
  return opened.ended;
}

function settle(run: Program, settings: object): void {
  mkdirSync(run.stateDir, { recursive: true, mode: 0o700 });
  writeFileSync(run.path("settings.json"), JSON.stringify({ model: "demo/offline", ...settings }), { mode: 0o600 });
}

/** Everything that the program has written: database, its log, history, homes. */
function disk(folder: string): Buffer {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Buffer.concat(files.map((file) => readFileSync(join(file.parentPath, file.name))));
}

/** The arguments of every process of this machine. */
function commandLines(): string {
  const pids = readdirSync("/proc").filter((name) => /^[0-9]+$/.test(name));
  return pids.map((pid) => textOf(`/proc/${pid}/cmdline`)).join("\n");
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // It ended meanwhile.
  }
}

test("stored, listed, removed and brought back, without and with an instance", async () => {
  await using run = program();
  const stored = await piped(run, `${secret}\n`, "vault", "set", "API_KEY");
  expect(stored).toMatchObject({ code: 0, out: `Stored API_KEY in the vault of user ${me}\n` });
  expect(stored.err).toContain("injectOnHost");
  for (const way of ["without", "with"]) {
    if (way === "with") expect((await run.call("start")).code).toBe(0);
    const list = await run.call("vault");
    expect(list.out).toContain("API_KEY");
    expect(list.out + list.err).not.toContain(secret);
    expect((await piped(run, secret, "vault", "set", "API_KEY")).out).toContain("Unchanged: API_KEY");
    const unsure = await run.call("vault", "remove", "API_KEY");
    expect(unsure).toMatchObject({ code: 2 });
    expect(unsure.err).toContain("--yes");
    expect((await run.call("vault", "remove", "API_KEY", "--yes")).out).toContain("Removed API_KEY");
    expect((await run.call("vault", "remove", "API_KEY", "--yes")).err).toContain("not stored there");
    expect((await run.call("vault", "undo", "API_KEY")).code).toBe(0);
    expect((await run.call("vault", "status")).out).toMatch(/state +open\nsource +file/);
    const rotated = await run.call("vault", "rotate");
    expect(rotated).toMatchObject({ code: 0, err: "" });
    expect(rotated.out).toContain("sealed with a new key");
  }
  const none = await run.call("vault", "set", "NAME", "value-in-the-arguments");
  expect(none).toMatchObject({ code: 2 });
  const two = await run.call("vault", "list", "--user", "tg/1", "--profile", "x");
  expect(two.err).toContain("more than one is named");
  expect((await piped(run, secret, "vault", "set", "A", "--user", "tg/1")).err).toContain('no adapter "tg"');
  expect((await run.call("vault", "lsit")).err).toContain("Did you mean remoteagent vault list?");
  expect(disk(run.stateDir).includes(secret)).toBe(false);
}, 60_000);

test("a passphrase from a file; a start asks nothing and says that it is locked", async () => {
  await using run = program();
  settle(run, { vault: { injectOnHost: true } });
  const file = join(run.home, "passphrase");
  writeFileSync(file, "four words and more\n", { mode: 0o600 });
  await piped(run, secret, "vault", "set", "API_KEY");
  const rotated = await run.call("vault", "rotate", "--to", "passphrase", "--new-passphrase-file", file);
  expect(rotated).toMatchObject({ code: 0 });
  expect(existsSync(run.path("key"))).toBe(false);
  const alone = await piped(run, "another-value", "vault", "set", "OTHER");
  expect(alone).toMatchObject({ code: 2 });
  expect(alone.err).toContain("--passphrase-file");
  expect((await run.call("start")).code).toBe(0);
  expect((await run.call("status")).out).toContain("vault is locked");
  const told = await piped(run, "run echo $API_KEY | wc -c", "chat");
  expect(told.out + told.err).toContain("The vault is locked");
  expect(told.out).toMatch(/\n1\n/);
  writeFileSync(join(run.home, "wrong"), "four words and less\n");
  const wrong = await run.call("vault", "unlock", "--passphrase-file", join(run.home, "wrong"));
  expect(wrong.code).toBe(1);
  expect(wrong.err).toContain("the passphrase is wrong");
  expect((await run.call("vault", "unlock", "--passphrase-file", file)).out).toBe("The vault is open\n");
  expect((await run.call("status")).out).not.toContain("vault is locked");
  const open = await piped(run, "run echo $API_KEY | wc -c", "chat");
  expect(open.out).toMatch(new RegExp(`\\n${secret.length + 1}\\n`));
  expect((await run.call("vault", "lock")).code).toBe(0);
  expect((await run.call("vault", "status")).out).toContain("needs its passphrase");
}, 90_000);

test("a turn gets what is kept for its requester: on the host only when settings say so, files gone after it", async () => {
  await using run = program();
  settle(run, {});
  await piped(run, secret, "vault", "set", "API_KEY");
  await piped(run, "line one of it\nline two of it\n", "vault", "set", "LINES");
  const file = join(run.home, "gws.json");
  writeFileSync(file, JSON.stringify({ type: "authorized_user", private_key: secret.toUpperCase() }));
  expect((await run.call("vault", "set", "--file", file)).out).toContain("Stored .config/gws/credentials.json");
  const ask = [
    "run printf %s \"$API_KEY\" | wc -c; printf '%s' \"$LINES\" | wc -l; stat -c 'mode %a' ~/.config/gws/credentials.json",
    "run echo $API_KEY; cat ~/.config/gws/credentials.json",
  ];
  const without = await piped(run, ask[0] ?? "", "chat");
  expect(without.out).toMatch(/\n0\n0\n/);
  expect(without.out).not.toContain("mode 600");
  settle(run, { vault: { injectOnHost: true } });
  const first = await piped(run, ask[0] ?? "", "chat");
  expect(first.out).toMatch(new RegExp(`\\n${secret.length}\\n1\\nmode 600\\n`));
  const second = await piped(run, ask[1] ?? "", "chat");
  expect(second.out).toContain("[redacted]");
  expect(second.out).toContain("authorized_user");
  expect(second.out.toLowerCase()).not.toContain(secret);
  const written = disk(run.stateDir);
  expect(written.includes(secret)).toBe(false);
  expect(written.includes(secret.toUpperCase())).toBe(false);
}, 90_000);

test("the folder of an older program: a dry run, the import, the same again, and back out", async () => {
  await using run = program();
  settle(run, { adapters: { work: { type: "telegram", botToken: "1:x" } } });
  const folder = join(run.home, "vaults");
  const write = (path: string, text: string) => {
    mkdirSync(join(folder, path, ".."), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  write("ann/env", `# hers\nexport API_KEY="${secret}"\nEMPTY=\nPATH=/evil\nno line of it\nSPACED= 'two words' \n`);
  write("ann/gws.json", '{"refresh_token":"refresh-me-please"}');
  write("ann/.ssh/id_ed25519", "the key of ann");
  write("container-dev/env", "DEV_TOKEN=token-of-the-container");
  write("U123/env", "LONELY=value-of-nobody");
  write("bad name/env", "A=b");
  symlinkSync("/etc/hostname", join(folder, "ann/link"));
  const row = (platform: string, platformUserId: string | number, vaultId: string, status: string) => ({
    platform,
    platformUserId,
    vaultId,
    status,
    internalUserId: "x",
  });
  const rows = [
    row("telegram", 57, "ann", "active"),
    row("telegram", "58", "ann", "revoked"),
    row("slack", "U1", "ann", "active"),
  ];
  write("bindings.json", JSON.stringify({ bindings: rows }));
  write("vault.json", JSON.stringify({ vaults: { ann: { displayName: "Ann" } } }));
  const dry = await run.call("vault", "import", folder, "--dry-run");
  expect(dry.out).toContain("profile ann  API_KEY  would be stored");
  expect((await run.call("vault")).out).toContain("Nothing is stored");
  const done = await run.call("vault", "import", folder);
  expect(done.code).toBe(1);
  for (const line of [
    "profile ann  API_KEY  stored",
    "profile ann  SPACED  stored",
    "profile ann  EMPTY  not taken: Cannot store EMPTY: its value is empty",
    "profile ann  .config/gws/credentials.json  stored",
    "profile ann  .ssh/id_ed25519  stored",
    "container dev  DEV_TOKEN  stored",
    "profile U123  LONELY  stored",
    "user work/57  bound to ann",
    "slack U1 is not bound to ann: settings have no such adapter",
    "The binding of telegram to ann is revoked",
    "Cannot use PATH",
    "line 4 is no KEY=VALUE",
    "link is not taken: it is a link",
    'Cannot use "bad name"',
    "U123 is bound to nobody",
  ])
    expect(done.out).toContain(line);
  expect(done.out).not.toContain(secret);
  const again = await run.call("vault", "import", folder);
  expect(again.out).not.toMatch(/ {2}stored$| {2}replaced$| {2}bound to/m);
  expect(again.out).toContain("profile ann  API_KEY  already there");
  write("ann/env", "API_KEY=another-value-of-ann");
  expect((await run.call("vault", "import", folder)).out).toContain("API_KEY  left alone");
  expect((await run.call("vault", "import", folder, "--replace")).out).toContain("API_KEY  replaced");
  await piped(run, "one line\nand another", "vault", "set", "LINES", "--profile", "ann");
  const out = join(run.home, "out");
  expect((await run.call("vault", "export", out)).code).toBe(2);
  const exported = await run.call("vault", "export", out, "--yes");
  expect(exported).toMatchObject({ code: 0 });
  expect(exported.out).toContain("LINES has several lines");
  expect(statSync(join(out, "ann/env")).mode & 0o777).toBe(0o600);
  expect(statSync(join(out, "ann")).mode & 0o777).toBe(0o700);
  expect(readFileSync(join(out, "ann/env"), "utf8")).toBe("API_KEY=another-value-of-ann\nSPACED=two words\n");
  expect(readFileSync(join(out, "ann/env.LINES"), "utf8")).toBe("one line\nand another");
  expect(readFileSync(join(out, "container-dev/env"), "utf8")).toBe("DEV_TOKEN=token-of-the-container\n");
  expect((await run.call("vault", "export", out, "--yes")).err).toContain("it is not empty");
}, 90_000);

test("a model's key of the instance is found by doctor and used, and a key file that others read is mended", async () => {
  await using run = program();
  const doctor = async (...args: string[]) => {
    const found = JSON.parse((await run.call("doctor", "--json", ...args)).out) as { area: string; text: string }[];
    return found.filter(({ area }) => area === "vault" || area === "model").map(({ text }) => text);
  };
  settle(run, { model: "anthropic/claude-sonnet-4-5" });
  expect(await doctor()).toEqual(["anthropic/claude-sonnet-4-5 has no key"]);
  await piped(run, secret, "vault", "set", "ANTHROPIC_API_KEY", "--instance");
  const found = await doctor();
  expect(found[0]).toBe("It is open, by its key file");
  expect(found[1]).toContain("has a key");
  chmodSync(run.path("key"), 0o644);
  expect((await doctor())[0]).toContain("others can read it");
  await doctor("--fix");
  expect(statSync(run.path("key")).mode & 0o777).toBe(0o600);
  writeFileSync(run.path("settings.json"), "{}", { mode: 0o600 });
  expect((await run.call("start")).code).toBe(0);
  // No model is chosen: the first provider with a key is taken, and the key is in the vault.
  expect((await run.call("status")).out).toContain("anthropic/");
  expect((await run.call("vault", "list", "--instance")).out).toContain("the instance");
}, 60_000);

test("no value stands in the arguments of any process", async () => {
  await using run = program();
  settle(run, { vault: { injectOnHost: true } });
  await piped(run, secret, "vault", "set", "API_KEY");
  await run.call("start");
  const chat = run.open("chat");
  chat.child.stdin?.end("run sleep 3; echo done");
  await until(() => commandLines().includes("sleep\x003"), "the command did not begin");
  expect(commandLines()).not.toContain(secret);
  expect((await chat.ended).out).toContain("done");
}, 60_000);
