// Tidy rules about how a file looks: sizes, names, comments, words.
import { program, type Rule, type Violation } from "./rule.ts";
import { isFunction, isNode, type Node, nameOf, type Source, stringOf } from "./source.ts";

const fileLinesMax = 500;
const functionLinesMax = 70;

type Found = Omit<Violation, "rule">;

/** Runs `find` on each node; what it returns is the violation's text. */
function eachNode(sources: Source[], find: (node: Node, parents: Node[]) => string | undefined): Found[] {
  return sources.flatMap((source) =>
    source.nodes.flatMap(({ node, parents }) => {
      const what = find(node, parents);
      return what === undefined ? [] : [{ path: source.path, line: source.lineAt(node.start), what }];
    }),
  );
}

const fileSize: Rule = {
  name: `a file has ${fileLinesMax} lines at most`,
  check: (sources) =>
    sources
      .filter(({ path }) => /\.(?:ts|sh|sql|html|css|js)$/.test(path))
      .map(({ path, text }) => ({ path, lines: text.split("\n").length - 1 }))
      .filter(({ lines }) => lines > fileLinesMax)
      .map(({ path, lines }) => ({ path, line: lines, what: `has ${lines} lines` })),
  bad: { "src/gateway/gateway.ts": "// Long.\n".repeat(fileLinesMax + 1) },
  good: { "src/gateway/gateway.ts": "// Long.\n".repeat(fileLinesMax) },
};

/**
 * The lines that a function answers for. In tests a suite is a list of functions. In the program a factory (a top-level function that ends with `return { … }`) is a class in
 * function's clothes: the functions inside it are measured each by itself, as methods would be.
 */
function ownLines({ node, parents }: Source["nodes"][number], source: Source): number {
  const lines = (from: Node) => source.lineAt(from.end) - source.lineAt(from.start) + 1;
  const depth = parents.filter(isFunction).length;
  if (!source.path.startsWith("tests/") && (depth > 0 || !isFactory(node))) return lines(node);
  const inner = source.nodes.filter(
    (one) => isFunction(one.node) && one.parents.filter(isFunction).length === depth + 1 && one.parents.includes(node),
  );
  return lines(node) - inner.reduce((sum, one) => sum + lines(one.node) - 1, 0);
}

function isFactory(node: Node): boolean {
  const body = isNode(node.body) && Array.isArray(node.body.body) ? node.body.body : [];
  const last: unknown = body.at(-1);
  return (
    isNode(last) &&
    last.type === "ReturnStatement" &&
    isNode(last.argument) &&
    last.argument.type === "ObjectExpression"
  );
}

const functionSize: Rule = {
  name: `a function has ${functionLinesMax} lines at most`,
  check: (sources) =>
    sources.flatMap((source) =>
      source.nodes.flatMap((place) => {
        if (!isFunction(place.node)) return [];
        const lines = ownLines(place, source);
        const what = `${nameOf(place.node.id) ?? "a function"} has ${lines} lines`;
        return lines > functionLinesMax ? [{ path: source.path, line: source.lineAt(place.node.start), what }] : [];
      }),
    ),
  bad: {
    "src/cli/cli.ts": `export function run() {\n${"  f();\n".repeat(functionLinesMax)}}`,
    "src/cli/io.ts": `export function open() {\n return { run() {\n${"  f();\n".repeat(functionLinesMax)}} };\n}`,
    "src/cli/exit.ts": `export function open() {\n${"  f();\n".repeat(functionLinesMax)} return { a: 1 };\n}`,
  },
  good: {
    "src/cli/cli.ts": `export function run() {\n${"  f();\n".repeat(functionLinesMax - 2)}}`,
    "src/cli/io.ts": `export function open() {\n return { a() {\n${"  f();\n".repeat(50)}}, b() {\n${"  f();\n".repeat(50)}} };\n}`,
    "tests/a.test.ts": `describe("all", () => {\n${"  test(() => {\n});\n".repeat(functionLinesMax - 3)}});`,
  },
};

const exporting: Rule = {
  name: "named exports, and no barrel but a family's index",
  check: (sources) =>
    eachNode(
      sources.filter(({ path }) => !path.endsWith(".d.ts")),
      (node) => {
        if (node.type === "ExportDefaultDeclaration") return "has a default export";
        if (node.type === "ExportAllDeclaration") return "exports all of another file";
        return undefined;
      },
    ).concat(
      sources.flatMap(({ path, imports }) =>
        path.endsWith("/index.ts")
          ? []
          : imports
              .filter(({ passedOn }) => passedOn)
              .map(({ line, specifier }) => ({ path, line, what: `passes on "${specifier}"` })),
      ),
    ),
  bad: {
    "src/cli/cli.ts": "export default 1;",
    "src/store/all.ts": 'export { db } from "./db.ts";',
    "src/tools/index.ts": 'export * from "./tool.ts";',
  },
  good: { "src/tools/index.ts": 'export { bash } from "./bash.ts";' },
};

const state: Rule = {
  name: "no state in a module",
  check: (sources) =>
    eachNode(program(sources), (node, parents) => {
      const top = parents.every(({ type }) => type === "Program" || type === "ExportNamedDeclaration");
      if (node.type !== "VariableDeclaration" || !top) return undefined;
      if (node.kind !== "const") return `declares a top-level ${String(node.kind)}`;
      const values = (Array.isArray(node.declarations) ? node.declarations : []).map((one: Node) => one.init);
      return values.some(isEmptyHolder) ? "declares an empty collection for all" : undefined;
    }),
  bad: { "src/store/db.ts": "let db;", "src/sys/log.ts": "export const listeners = new Set<() => void>();" },
  good: { "src/store/db.ts": "const order = new Map([[1, 2]]);\nexport function f() { let a = 1; return a; }" },
};

function isEmptyHolder(value: unknown): boolean {
  if (!isNode(value)) return false;
  if (value.type === "ArrayExpression") return Array.isArray(value.elements) && value.elements.length === 0;
  const made = value.type === "NewExpression" && /^(?:Weak)?(?:Map|Set)$/.test(nameOf(value.callee) ?? "");
  return made && Array.isArray(value.arguments) && value.arguments.length === 0;
}

const catching: Rule = {
  name: "no empty catch",
  check: (sources) =>
    eachNode(sources, (node, parents) => {
      if (node.type === "CatchClause" && isEmptyBlock(node.body)) return "catches and does nothing";
      const callee = node.type === "CallExpression" && isNode(node.callee) ? node.callee : undefined;
      if (callee?.type !== "MemberExpression" || nameOf(callee.property) !== "catch") return undefined;
      const handler: unknown = Array.isArray(node.arguments) ? node.arguments[0] : undefined;
      const empty = isNode(handler) && isFunction(handler) && (isEmptyBlock(handler.body) || isNothing(handler.body));
      // As a value, "nothing instead" is an answer. On a promise that is kept, its other readers still hear of it. As a
      // statement over the one call it is a failure that nobody hears of.
      const onlyReader = isNode(callee.object) && callee.object.type === "CallExpression";
      return empty && onlyReader && isUnused(parents) ? "catches a rejection and does nothing" : undefined;
    }),
  bad: {
    "src/cli/cli.ts": "try { run(); } catch { /* never mind */ }",
    "src/web/app.ts": "run().catch(() => {});",
    "src/web/b.ts": "await run().catch(() => undefined);",
  },
  good: {
    "src/cli/cli.ts": "try { run(); } catch (error) { log(error); }\nrun().catch((error) => log(error));",
    "src/web/b.ts": "const found = await run().catch(() => undefined);\nopened.catch(() => undefined);",
  },
};

function isUnused(parents: Node[]): boolean {
  const holder = parents.findLast(({ type }) => type !== "AwaitExpression" && type !== "UnaryExpression");
  return holder?.type === "ExpressionStatement";
}

function isEmptyBlock(body: unknown): boolean {
  return isNode(body) && body.type === "BlockStatement" && Array.isArray(body.body) && body.body.length === 0;
}

function isNothing(body: unknown): boolean {
  return nameOf(body) === "undefined" || (isNode(body) && body.type === "UnaryExpression" && body.operator === "void");
}

const mocking: Rule = {
  name: "no module mocks",
  check: (sources) =>
    eachNode(sources, (node) => {
      const callee = node.type === "CallExpression" && isNode(node.callee) ? node.callee : undefined;
      const object = callee?.type === "MemberExpression" ? nameOf(callee.object) : undefined;
      const mocked = object !== undefined && /^(?:mock|vi|jest)$/.test(object);
      return mocked && /^(?:module|mock)$/.test(nameOf(callee?.property) ?? "") ? "replaces a module" : undefined;
    }),
  bad: { "tests/a.test.ts": 'mock.module("./config.ts", () => ({}));' },
  good: { "tests/a.test.ts": "const call = mock(() => 1);" },
};

const opening: Rule = {
  name: "the first line says what the file is for",
  check: (sources) =>
    sources.flatMap(({ path, text }) => {
      const lines = text.split("\n");
      const first = (lines[0]?.startsWith("#!") ? lines[1] : lines[0]) ?? "";
      const form = openings.find(({ files }) => files.test(path))?.comment;
      return form === undefined || form.test(first) ? [] : [{ path, line: 1, what: "opens without a comment" }];
    }),
  bad: { "src/cli/cli.ts": 'import { a } from "./a.ts";', "scripts/a.sh": "#!/bin/sh\nset -eu" },
  good: { "src/cli/cli.ts": "// argv → verb.", "scripts/a.sh": "#!/bin/sh\n# Builds all." },
};

const openings = [
  { files: /\.(?:ts|js)$/, comment: /^\/\/ \S/ },
  { files: /(?:\.sh|\.awk|^\.ci\/run)$/, comment: /^# \S/ },
  { files: /\.sql$/, comment: /^-- \S/ },
  { files: /\.css$/, comment: /^\/\* \S/ },
];

const naming: Rule = {
  name: "files are named in kebab-case",
  check: (sources) =>
    sources
      .filter(({ path }) => /^(?:src|tests|scripts)\//.test(path))
      .flatMap(({ path }) => {
        const bad = path.split("/").find((part) => !/^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+)*$/.test(part));
        return bad === undefined ? [] : [{ path, line: 1, what: `has the name "${bad}"` }];
      }),
  bad: { "src/gateway/replyQueue.ts": "// A." },
  good: { "src/sys/unix-client.bun.ts": "// A." },
};

/** Words that do not belong into what is handed on: promises, silenced tools, and places that only one machine has. */
const banned: { word: RegExp; why: string }[] = [
  { word: /\b(?:TODO|FIXME|XXX|HACK)\b/, why: "an open end" },
  { word: /(?:\/\/|\*|#|^[A-Z-]).*\b[Ff]or now\b/, why: "an open end" },
  { word: /@ts-(?:ignore|nocheck|expect-error)/, why: "a silenced checker" },
  { word: /\b(?:eslint|oxlint|biome)-(?:disable|ignore)/, why: "a silenced checker" },
  { word: /\.(?:only|todo)\(/, why: "a test that hides others, or is none" },
];

/** A rule over all text. `words` adds what only this machine knows: its paths and its registries' hosts. */
export function wording(words: { word: RegExp; why: string }[] = []): Rule {
  return {
    name: "no banned words",
    check: (sources) =>
      sources.flatMap(({ path, text }) =>
        text.split("\n").flatMap((line, index) =>
          [...banned, ...words].flatMap(({ word, why }) => {
            const found = word.exec(line);
            return found === null ? [] : [{ path, line: index + 1, what: `says "${found[0]}", ${why}` }];
          }),
        ),
      ),
    bad: { "src/cli/cli.ts": "// TODO: the rest", "docs/a.md": "Works for now.", "src/a.ts": "// @ts-ignore" },
    good: { "src/cli/cli.ts": "// All of it, for nowhere else.", "src/a.ts": '  say("no more for now");' },
  };
}

const typing: Rule = {
  name: "no any",
  check: (sources) => eachNode(sources, (node) => (node.type === "TSAnyKeyword" ? "says any" : undefined)),
  bad: { "src/cli/cli.ts": "const a = b as any;", "src/cli/io.ts": "let a: any[];" },
  good: { "src/cli/cli.ts": "// As any other.\nconst a: unknown = b;" },
};

const strings: Rule = {
  name: "no credential in a string",
  check: (sources) =>
    eachNode(program(sources), (node) =>
      /^(?:sk-[\w-]{16,}|xox[bap]-[\w-]{10,}|ghp_\w{20,}|\d{6,}:[\w-]{30,})$/.test(stringOf(node) ?? "")
        ? "holds what looks like a credential"
        : undefined,
    ),
  bad: { "src/adapters/slack/connect.ts": 'const token = "xoxb-1234567890-abcdef";' },
  good: { "src/adapters/slack/connect.ts": 'const prefix = "xoxb-";' },
};

export const form: Rule[] = [
  fileSize,
  functionSize,
  exporting,
  state,
  catching,
  mocking,
  opening,
  naming,
  typing,
  strings,
];
