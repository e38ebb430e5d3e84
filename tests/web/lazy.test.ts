// Nothing of the web is loaded before somebody needs it.
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

const root = resolve(import.meta.dirname, "../..");

/** Every file that is loaded with the first one, and every package, by the imports that are no `import()`. */
function loadedWith(first: string): Set<string> {
  const transpiler = new Bun.Transpiler({ loader: "ts" });
  const found = new Set<string>();
  const visit = (path: string): void => {
    const name = relative(root, path);
    if (found.has(name)) return;
    found.add(name);
    if (!path.endsWith(".ts")) return;
    for (const { path: specifier, kind } of transpiler.scanImports(readFileSync(path, "utf8"))) {
      if (kind !== "import-statement") continue;
      const file = specifier.startsWith(".") ? join(dirname(path), specifier) : undefined;
      if (file !== undefined && existsSync(file)) visit(file);
      else found.add(specifier);
    }
  };
  visit(join(root, first));
  return found;
}

test("the program is there without a line of its pages", () => {
  const loaded = loadedWith("src/app.ts");
  expect([...loaded].filter((name) => name.startsWith("src/web/") || /^hono\b/.test(name))).toEqual([]);
  // What is looked at is the program, and what is looked for is there.
  expect(loaded.has("src/app/web.ts")).toBe(true);
  const web = loadedWith("src/web/index.ts");
  expect(web.has("hono")).toBe(true);
  expect(web.has("src/web/viewer/routes.ts")).toBe(true);
});
