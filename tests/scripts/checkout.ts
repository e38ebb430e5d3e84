// A small checkout with the real installer and a made-up npm, Bun and program: everything but the network and the compiler.
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "../..");

/** What the installer may use of the system; npm, sudo and package managers are not among it. */
const tools =
  "awk cat chmod cmp cp cut date df dirname env grep head id ln ls mkdir mktemp mv rm sed sh sleep sort tail touch tr uname";

/** The program that the made-up compiler makes. */
const program = (version: string) => `#!/bin/sh
case "$1" in
--version) echo "remoteagent ${version}" ;;
status) test -e "$HOME/running" ;;
stop) rm "$HOME/running" && echo "stopped" ;;
chat) echo "chat is open" ;;
esac
`;

const bun = `#!/bin/sh
case "$1" in
--version) echo 9.9.9 ;;
install) echo "got packages" ;;
scripts/build.ts) mkdir -p dist && cp program dist/remoteagent && chmod 755 dist/remoteagent ;;
esac
`;

/** Puts the made-up Bun where the real npm would: under \`--prefix\`, in the package that is asked for. */
const npm = `#!/bin/sh
while [ $# -gt 1 ]; do
  if [ "$1" = --prefix ]; then prefix=$2; fi
  shift
done
name=\${1%@*}
mkdir -p "$prefix/node_modules/$name/bin"
cp "$(dirname "$0")/../bun-to-get" "$prefix/node_modules/$name/bin/bun"
`;

export interface Ran {
  code: number | null;
  out: string;
  err: string;
}

/** A folder with a checkout, a home and a PATH of its own; names have spaces on purpose. */
export class Checkout {
  readonly folder = mkdtempSync(join(tmpdir(), "remoteagent install "));
  readonly home = join(this.folder, "my home");
  readonly path = join(this.folder, "tools");
  readonly checkout = join(this.folder, "the checkout");
  readonly installed = join(this.home, ".local/bin/remoteagent");

  constructor() {
    for (const folder of [this.home, this.path, join(this.checkout, "scripts")]) mkdirSync(folder, { recursive: true });
    for (const file of ["install.sh", "scripts/bun.sh"]) copyFileSync(join(root, file), join(this.checkout, file));
    writeFileSync(join(this.checkout, "package.json"), '{ "packageManager": "bun@9.9.9" }\n');
    for (const tool of tools.split(" ")) symlinkSync(Bun.which(tool) ?? `/usr/bin/${tool}`, join(this.path, tool));
    this.tool("npm", npm);
    this.tool("bwrap", "#!/bin/sh\n");
    this.script(join(this.folder, "bun-to-get"), bun);
    this.release("1.0.0");
  }

  /** What the next build makes. */
  release(version: string): void {
    this.script(join(this.checkout, "program"), program(version));
  }

  /** A command on the PATH. */
  tool(name: string, text: string): void {
    this.script(join(this.path, name), text);
  }

  /** Writes an executable. What is there goes first: it may be a link to the system's own program. */
  script(path: string, text: string): void {
    mkdirSync(dirname(path), { recursive: true });
    rmSync(path, { force: true });
    writeFileSync(path, text, { flag: "wx" });
    chmodSync(path, 0o755);
  }

  /** Runs install.sh from another folder. */
  install(...args: string[]): Ran {
    return this.run(["sh", join(this.checkout, "install.sh"), ...args]);
  }

  run([command = "", ...args]: string[], env: Record<string, string> = {}): Ran {
    const ran = spawnSync(command, args, {
      cwd: this.folder,
      encoding: "utf8",
      env: { HOME: this.home, PATH: this.path, TMPDIR: this.folder, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: 20_000,
    });
    return { code: ran.status, out: ran.stdout, err: ran.stderr };
  }

  /** Every file and folder, to see what was changed. */
  files(): string[] {
    return readdirSync(this.folder, { recursive: true, encoding: "utf8" }).sort();
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
