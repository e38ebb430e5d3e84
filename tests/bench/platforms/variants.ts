// Executables that are only measured: one with short pauses before a reconnect, one without the adapters' code.
import { join, resolve } from "node:path";
import { build } from "../../../scripts/build.ts";
import type { Setup } from "../setup.ts";

const root = resolve(import.meta.dirname, "../../..");
const defines = { REMOTEAGENT_VERSION: "0.0.0-bench", REMOTEAGENT_COMMIT: "" };

/** remoteagent that reconnects without long pauses. */
export function buildHasty({ folder }: Pick<Setup, "folder">): string {
  const output = join(folder, "remoteagent-hasty");
  build({ entry: "tests/bench/platforms/hasty.ts", output, defines });
  return output;
}

/** remoteagent with all adapters and without what they load when they are used, otherwise made in the same way. */
export async function buildBoth({ folder }: Pick<Setup, "folder">): Promise<{ whole: string; without: string }> {
  const whole = join(folder, "remoteagent-whole");
  const without = join(folder, "remoteagent-without");
  await bundle(whole, []);
  await bundle(without, [leaveOut]);
  return { whole, without };
}

/** What the table of adapters imports when one is used is nothing. */
const leaveOut: Bun.BunPlugin = {
  name: "without adapters",
  setup(builder) {
    builder.onResolve({ filter: /^\.\// }, ({ path, importer, kind }) =>
      kind === "dynamic-import" && importer.endsWith(join("src", "adapters", "index.ts"))
        ? { path, namespace: "without" }
        : undefined,
    );
    builder.onLoad({ filter: /.*/, namespace: "without" }, () => ({
      contents: "module.exports = {};",
      loader: "js",
    }));
  },
};

/** As scripts/build.ts does, which cannot leave anything out. @throws AggregateError with the compiler's words. */
async function bundle(outfile: string, plugins: Bun.BunPlugin[]): Promise<void> {
  await Bun.build({
    entrypoints: [join(root, "src/main.ts")],
    target: "bun",
    minify: true,
    bytecode: true,
    format: "esm",
    splitting: true,
    sourcemap: "linked",
    define: Object.fromEntries(Object.entries(defines).map(([name, value]) => [name, JSON.stringify(value)])),
    compile: { outfile, autoloadDotenv: false, autoloadBunfig: false },
    plugins,
  });
}
