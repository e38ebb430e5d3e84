// install.sh as a person meets it: it installs, goes back, removes, and fails in one sentence with nothing half done.
import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Checkout, type Ran } from "./checkout.ts";

const failing = (words: string) => `#!/bin/sh\necho "${words}" >&2\nexit 1\n`;

/** Refused with this code, and this in its words. */
function expectRefusal({ code, err }: Ran, words: string, wanted = 1): void {
  expect(err).toContain(words);
  expect(code).toBe(wanted);
}

/** What is left of unfinished work, anywhere. */
const leftovers = (files: string[]) => files.filter((path) => /\.bun-|\.remoteagent-|remoteagent-install-/.test(path));

test("installs, and says where and what to do next", () => {
  using place = new Checkout();
  const ran = place.install();
  expect(ran).toMatchObject({ code: 0, err: "" });
  expect(ran.out).toContain(`Installing remoteagent from ${place.checkout}`);
  expect(ran.out).toContain(`install to ${place.installed} ... 0 s`);
  expect(ran.out).toContain("remoteagent 1.0.0");
  expect(ran.out).toContain(`${place.home}/.local/bin is not in your PATH`);
  expect(place.run([place.installed, "--version"]).out).toBe("remoteagent 1.0.0\n");
  expect(leftovers(place.files())).toEqual([]);
});

test("an update keeps the program before, and the same program again does not push it out", () => {
  using place = new Checkout();
  place.install();
  place.release("2.0.0");
  place.tool("npm", failing("not needed a second time"));
  for (const _ of [1, 2]) expect(place.install().code).toBe(0);
  expect(place.run([place.installed, "--version"]).out).toBe("remoteagent 2.0.0\n");
  expect(place.run([`${place.installed}.previous`, "--version"]).out).toBe("remoteagent 1.0.0\n");
});

test("a running instance is named after an update, and stopped before a removal", () => {
  using place = new Checkout();
  place.install();
  writeFileSync(join(place.home, "running"), "");
  expect(place.install().out).toContain("The running instance is still the old program: remoteagent restart");
  const removed = place.install("--uninstall");
  expect(removed).toMatchObject({ code: 0, err: "" });
  expect(removed.out).toContain("Stopping the running instance\nstopped\n");
});

test("--uninstall removes what was installed, and leaves the state folder", () => {
  using place = new Checkout();
  place.install();
  place.release("2.0.0");
  place.install();
  mkdirSync(join(place.home, ".remoteagent"));
  const ran = place.install("--uninstall");
  expect(ran.code).toBe(0);
  expect(ran.out).toContain(`rm -rf "${place.home}/.remoteagent"`);
  expect(readdirSync(join(place.home, ".local/bin"))).toEqual([]);
  expect(existsSync(join(place.home, ".cache/remoteagent/bun-9.9.9"))).toBe(false);
  expect(existsSync(join(place.home, ".remoteagent"))).toBe(true);
  expect(place.install("--uninstall")).toMatchObject({ code: 0 });
});

test("--prefix in every form, relative too", () => {
  using place = new Checkout();
  expect(place.install("--prefix", join(place.folder, "a b")).code).toBe(0);
  expect(place.install(`--prefix=${place.folder}/c`).code).toBe(0);
  expect(place.install("--prefix", "d").code).toBe(0);
  const env = { PREFIX: join(place.folder, "e"), PATH: `${place.path}:${place.folder}/e/bin` };
  const ran = place.run(["sh", join(place.checkout, "install.sh")], env);
  expect(ran.out).not.toContain("is not in your PATH");
  for (const prefix of ["a b", "c", "d", "e"]) {
    expect(existsSync(join(place.folder, prefix, "bin/remoteagent"))).toBe(true);
  }
});

test("--dry-run says each step and changes nothing", () => {
  using place = new Checkout();
  const before = place.files();
  const ran = place.install("--dry-run", "--chat");
  expect(ran).toMatchObject({ code: 0, err: "" });
  expect(ran.out.match(/would: /g)?.length).toBe(5);
  expect(ran.out).toContain("Nothing was changed.");
  expect(place.files()).toEqual(before);
  place.install();
  const installed = place.files();
  expect(place.install("--dry-run", "--uninstall").code).toBe(0);
  expect(place.files()).toEqual(installed);
});

test("--chat opens the chat in a terminal, and names the command where there is none", () => {
  using place = new Checkout();
  // A session of its own has no terminal to fall back on.
  const none = place.run(["/usr/bin/setsid", "-w", "sh", join(place.checkout, "install.sh"), "--chat"]);
  expect(none.out).toContain(`There is no terminal here for the chat. In one: "${place.installed}" chat`);
  const opened = spawnSync("/usr/bin/script", ["-qec", `sh '${place.checkout}/install.sh' --chat`, "/dev/null"], {
    encoding: "utf8",
    env: { HOME: place.home, PATH: place.path, TMPDIR: place.folder, SHELL: "/bin/sh" },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 20_000,
  });
  expect(opened.stdout).toContain("chat is open");
});

test.each([
  ["getaddrinfo ENOTFOUND a.registry", "the package registry cannot be reached"],
  ["ENOSPC: no space left on device, write", "the disk is full"],
  ["SELF_SIGNED_CERT_IN_CHAIN", "the package registry's certificate is not trusted"],
])("npm fails with %p: one sentence, and nothing is left", (words, sentence) => {
  using place = new Checkout();
  place.tool("npm", failing(words));
  const ran = place.install();
  expect(ran.code).toBe(1);
  expect(ran.err).toContain(`Cannot get Bun 9.9.9: ${sentence}\n`);
  expect(existsSync(place.installed)).toBe(false);
  expect(leftovers(place.files())).toEqual([]);
});

test("npm that ends well without a program is not believed", () => {
  using place = new Checkout();
  place.tool("npm", "#!/bin/sh\n");
  expectRefusal(place.install(), "Cannot get Bun 9.9.9");
});

test("without npm it says how to get it", () => {
  using place = new Checkout();
  place.run(["rm", join(place.path, "npm")]);
  const ran = place.install();
  expectRefusal(ran, "Cannot get Bun 9.9.9: npm is missing\n");
  expect(ran.err).toContain("apt-get install nodejs npm");
});

test("a Bun of the right version on the PATH is used", () => {
  using place = new Checkout();
  place.tool("npm", failing("not needed"));
  place.tool("bun", readFileSync(join(place.folder, "bun-to-get"), "utf8"));
  expect(place.install().out).toContain(`Bun 9.9.9: ${place.path}/bun\n`);
});

test("a build that fails, or a program that does not start, leaves the old one in place", () => {
  using place = new Checkout();
  place.install();
  place.script(join(place.checkout, "program"), failing("Illegal instruction"));
  const broken = place.install();
  expect(broken.code).toBe(1);
  expect(broken.err).toContain("Illegal instruction");
  expect(broken.err).toContain("The program that was there before is untouched");
  place.run(["rm", join(place.checkout, "program")]);
  expectRefusal(place.install(), "Cannot build the program");
  expect(place.run([place.installed, "--version"]).out).toBe("remoteagent 1.0.0\n");
  expect(leftovers(place.files())).toEqual([]);
});

test("without bubblewrap and without rights it prints the command, and goes on", () => {
  using place = new Checkout();
  place.run(["rm", join(place.path, "bwrap")]);
  place.tool("apt-get", failing("locked"));
  place.tool("id", "#!/bin/sh\necho 1000\n");
  const ran = place.install();
  expect(ran.code).toBe(0);
  expect(ran.out).toContain("sudo apt-get install -y --no-install-recommends bubblewrap");
});

test("as root bubblewrap is installed, after an update of the package lists where that is needed", () => {
  using place = new Checkout();
  place.run(["rm", join(place.path, "bwrap")]);
  place.tool("id", "#!/bin/sh\necho 0\n");
  const apt = `case "$1" in update) touch "$HOME/lists" ;; install) test -e "$HOME/lists" && cp "$0" "${place.path}/bwrap" ;; esac`;
  place.tool("apt-get", `#!/bin/sh\n${apt}\n`);
  expect(place.install().code).toBe(0);
  expect(existsSync(join(place.path, "bwrap"))).toBe(true);
});

test("wrong usage and wrong places are told apart", () => {
  using place = new Checkout();
  expectRefusal(place.install("--frobnicate"), 'Unknown option "--frobnicate"', 2);
  expectRefusal(place.install("--prefix"), "--prefix needs a folder", 2);
  expect(place.install("--help").out).toStartWith("Usage: sh install.sh");
  expectRefusal(place.run(["sh", join(place.checkout, "install.sh")], { HOME: "" }), "HOME is not set");
  place.tool("uname", '#!/bin/sh\nif [ "$1" = -m ]; then echo riscv64; else echo Linux; fi\n');
  expect(place.install().err).toContain("remoteagent does not run on Linux riscv64");
  place.run(["rm", join(place.checkout, "scripts/bun.sh")]);
  expectRefusal(place.install(), "is not a checkout of remoteagent");
});

test("a disk without room is told before anything is done", () => {
  using place = new Checkout();
  place.tool("df", '#!/bin/sh\nprintf "head\\nfs 1000 900 100000 90%% /\\n"\n');
  expectRefusal(place.install(), "has 97 MB left, 700 MB are needed");
  expect(existsSync(join(place.home, ".cache"))).toBe(false);
});
