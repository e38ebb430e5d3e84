// Holds the house's rules over the whole checkout; whoever needs an exception writes it here, with its reason.
import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { basename, dirname, join, posix, resolve } from "node:path";
import { form, wording } from "./tidy/form.ts";
import type { Rule, Violation } from "./tidy/rule.ts";
import { read } from "./tidy/source.ts";
import { structure } from "./tidy/structure.ts";

/** Each is one rule in one file. An exception that nothing needs any more fails the test as well. */
const exceptions: { rule: string; path: string; reason: string }[] = [
  {
    rule: "no empty catch",
    path: "src/sys/log-writer.ts",
    reason: "when the log itself cannot be written, nobody is left to be told",
  },
];

const root = resolve(import.meta.dirname, "..");

/** What stands at the top of the checkout, besides files that begin with a dot. */
const topLevel = [
  "LICENSE",
  "README.md",
  "bun.lock",
  "bunfig.toml",
  "docs",
  "install.sh",
  "package.json",
  "scripts",
  "src",
  "tests",
  "tsconfig.json",
];

/** Files in git, and new ones that git does not ignore. */
const tracked = spawnSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "-z"], {
  cwd: root,
  encoding: "utf8",
})
  .stdout.split("\0")
  .filter((path) => path !== "" && existsSync(join(root, path)));

const isText = (path: string) => /\.(?:ts|js|json|md|sql|html|css|svg|txt|sh|awk|toml)$|^\.ci\/|^\.[a-z]+$/.test(path);

/** The rules themselves are full of what they forbid. */
const isRule = (path: string) => path === "tests/tidy.test.ts" || path.startsWith("tests/tidy/");

const sources = tracked
  .filter((path) => isText(path) && path !== "bun.lock")
  .map((path) => read(path, readFileSync(join(root, path), "utf8")));

/** Paths and hosts of the machine that this runs on: they help nobody elsewhere. */
function machineWords(): { word: RegExp; why: string }[] {
  const files = [join(homedir(), ".npmrc"), "/etc/npmrc", "/usr/etc/npmrc", "/etc/apt/sources.list.d/debian.sources"];
  const hosts = files
    .filter((path) => existsSync(path))
    .flatMap((path) => [...readFileSync(path, "utf8").matchAll(/https?:\/\/([^/\s:]+)/g)].map(([, host]) => host ?? ""))
    .filter((host) => host.includes(".") && !/(?:^|\.)(?:debian\.org|ubuntu\.com|npmjs\.org)$/.test(host));
  const paths = [`${dirname(root)}/${basename(root)}`, homedir()].filter((path) => path.split("/").length > 2);
  return [
    ...hosts.map((host) => ({ word: literally(host), why: "a host of this machine's" })),
    ...paths.map((path) => ({ word: literally(path), why: "a path of this machine's" })),
  ];
}

function literally(text: string): RegExp {
  return new RegExp(text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
}

const rules: Rule[] = [...structure, ...form, wording(machineWords())];

function found(rule: Rule, samples: Record<string, string>): Violation[] {
  const parsed = Object.entries(samples).map(([path, text]) => read(path, text));
  return rule.check(parsed).map((one) => ({ ...one, rule: rule.name }));
}

const show = ({ path, line, what }: Omit<Violation, "rule">) => `${path}:${line} ${what}`;

describe("rules", () => {
  for (const rule of rules) {
    test(`${rule.name}: finds it where it is, and nowhere else`, () => {
      const paths = new Set(found(rule, rule.bad).map(({ path }) => path));
      expect(paths.size).toBeGreaterThan(0);
      if (rule.name !== "no cycles") expect([...paths].sort()).toEqual(Object.keys(rule.bad).sort());
      expect(found(rule, rule.good)).toEqual([]);
    });

    test(rule.name, () => {
      const allowed = exceptions.filter((one) => one.rule === rule.name).map(({ path }) => path);
      const broken = rule.check(
        rule.name === "no banned words" ? sources.filter(({ path }) => !isRule(path)) : sources,
      );
      expect(broken.filter(({ path }) => !allowed.includes(path)).map(show)).toEqual([]);
      expect(allowed.filter((path) => !broken.some((one) => one.path === path))).toEqual([]);
    });
  }
});

describe("checkout", () => {
  test("the tree is read", () => {
    expect(sources.filter(({ path }) => path.startsWith("src/")).length).toBeGreaterThan(20);
  });

  test("every exception names a rule and has a reason", () => {
    for (const { rule, reason } of exceptions) {
      expect(rules.map(({ name }) => name)).toContain(rule);
      expect(reason.length).toBeGreaterThan(20);
    }
  });

  test("the top level holds what it should", () => {
    const top = new Set(tracked.map((path) => path.split("/")[0] ?? "").filter((name) => !name.startsWith(".")));
    expect([...top].filter((name) => !topLevel.includes(name))).toEqual([]);
  });

  test("dependencies are pinned exactly, and each comes with a reason", () => {
    const {
      dependencies,
      devDependencies,
    }: Record<string, Record<string, string>> = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
    const pinned = Object.entries({ ...dependencies, ...devDependencies });
    const text = readFileSync(join(root, "docs/dependencies.md"), "utf8");
    const reasons = [...text.matchAll(/^\| (\S+) \| ([\d.]+) \| [^|]+ \| [^|]{20,} \|$/gm)];
    expect(reasons.map(([, name, version]) => `${name} ${version}`).sort()).toEqual(
      pinned.map(([name, version]) => `${name} ${version}`).sort(),
    );
    expect(pinned.filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
  });

  test("the lock file names no registry", () => {
    expect(readFileSync(join(root, "bun.lock"), "utf8")).not.toMatch(/https?:\/\//);
  });

  test("links in the documents lead somewhere", () => {
    expect(sources.flatMap(({ path, text }) => (path.endsWith(".md") ? deadLinks(path, text) : []))).toEqual([]);
  });

  test("a dead link is found", () => {
    expect(deadLinks("docs/a.md", "[x](nowhere.md) [y](../package.json) [z](https://example.com) [w](#gone)")).toEqual([
      "docs/a.md: nowhere.md",
      "docs/a.md: #gone",
    ]);
  });
});

/** Relative links of a Markdown file whose file or heading is missing. */
function deadLinks(path: string, text: string): string[] {
  const prose = text.replaceAll(/^```[\s\S]*?^```/gm, "").replaceAll(/`[^`\n]*`/g, "");
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link = ""]) => {
    if (/^[a-z]+:/.test(link)) return [];
    const [file = "", heading] = link.split("#");
    const target = file === "" ? path : posix.join(posix.dirname(path), file);
    if (!existsSync(join(root, target))) return target === path && heading === undefined ? [] : [`${path}: ${link}`];
    if (heading === undefined) return [];
    const whole = file === "" ? text : readFileSync(join(root, target), "utf8");
    return headings(whole).includes(heading) ? [] : [`${path}: ${link}`];
  });
}

/** The anchors of a Markdown text's headings, as forges make them. */
function headings(text: string): string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}
