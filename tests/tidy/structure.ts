// Tidy rules about who may import whom, and where things may stand.
import { builtinModules } from "node:module";
import { program, type Rule } from "./rule.ts";
import { type Import, isNode, nameOf, type Source, stringOf } from "./source.ts";

/** Imports point to a higher number only. */
const layers: Record<string, number> = {
  main: 1,
  cli: 2,
  app: 3,
  adapters: 4,
  web: 4,
  schedule: 4,
  admin: 4,
  gateway: 5,
  harness: 6,
  tools: 7,
  models: 7,
  sandbox: 8,
  vault: 8,
  access: 8,
  workspace: 8,
  store: 9,
  config: 9,
  sys: 10,
  core: 11,
};

/** The folders whose sub-folders are members: their `index.ts` alone imports them. */
const families = ["adapters", "admin", "harness", "models", "sandbox", "tools", "web"];

/** Folders that members of a family share, each with its reason. */
const shared: Record<string, string> = {
  "src/sandbox/engine": "the kinds container and image speak to the same engines in the same way",
};

/** Where a package may be imported; what is listed nowhere may be imported nowhere. */
const places: Record<string, string[]> = {
  "@agentclientprotocol/sdk": ["src/harness/acp/"],
  "@discordjs/rest": ["src/adapters/discord/"],
  "@earendil-works/pi-agent-core": ["src/harness/native/"],
  "@earendil-works/pi-ai": ["src/models/"],
  "@modelcontextprotocol/sdk": ["src/tools/mcp", "src/web/mcp/"],
  "@valibot/to-json-schema": ["src/config/", "src/harness/native/", "src/tools/"],
  "@xterm/addon-fit": ["src/web/workbench/"],
  "@xterm/xterm": ["src/web/workbench/"],
  citty: ["src/cli/"],
  croner: ["src/schedule/", "src/sys/calendar.ts"],
  "discord-api-types": ["src/adapters/discord/"],
  "get-east-asian-width": ["src/adapters/table.ts", "src/cli/terminal/"],
  grammy: ["src/adapters/telegram/"],
  hono: ["src/web/"],
  marked: ["src/adapters/markdown.ts"],
  ssh2: ["src/sandbox/firecracker/"],
  valibot: ["src/"],
  yaml: ["src/workspace/"],
};

/** `src/gateway/queue/queue.ts` → `gateway`, `src/main.ts` → `main`. */
function partOf(path: string): string {
  return (path.split("/")[1] ?? "").replace(/\.ts$/, "");
}

/** The member folder that a file stands in (`src/sandbox/host`), if it does. */
function memberOf(path: string): string | undefined {
  const [, part, member, file] = path.split("/");
  return part !== undefined && file !== undefined && families.includes(part) ? `src/${part}/${member}` : undefined;
}

/** `@scope/name/deep/path` → `@scope/name`. */
function packageOf(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

/** Runs `find` on each import of the program; what it returns is the violation's text. */
function eachImport(find: (one: Import, source: Source) => string | undefined): Rule["check"] {
  return (sources) =>
    program(sources).flatMap((source) =>
      source.imports.flatMap((one) => {
        const what = find(one, source);
        return what === undefined ? [] : [{ path: source.path, line: one.line, what }];
      }),
    );
}

const layering: Rule = {
  name: "imports point downwards",
  check: eachImport(({ path }, source) => {
    if (path === undefined) return undefined;
    if (!path.startsWith("src/")) return `imports "${path}" from outside src`;
    const [from, to] = [partOf(source.path), partOf(path)];
    const [above, below] = [layers[from], layers[to]];
    if (above === undefined || below === undefined) return `"${above === undefined ? from : to}" is in no layer`;
    return from === to || above < below ? undefined : `${from} imports ${to} ("${path}")`;
  }),
  bad: {
    "src/store/db.ts": 'import type { Queue } from "../gateway/queue.ts";',
    "src/tools/bash.ts": 'export type Reply = import("../models/model.ts").Reply;',
  },
  good: { "src/gateway/queue/queue.ts": 'import { db } from "../store/db.ts";\nimport { x } from "./x.ts";' },
};

const core: Rule = {
  name: "core imports nothing from outside",
  check: eachImport(({ specifier, path }, source) =>
    partOf(source.path) === "core" && path?.startsWith("src/core/") !== true
      ? `core imports "${specifier}"`
      : undefined,
  ),
  bad: { "src/core/ids.ts": 'import { randomUUID } from "node:crypto";' },
  good: { "src/core/event.ts": 'import type { Id } from "./ids.ts";' },
};

const members: Rule = {
  name: "a member is imported by its family's index alone",
  check: eachImport(({ path }, source) => {
    const member = path === undefined ? undefined : memberOf(path);
    if (member === undefined || memberOf(source.path) === member) return undefined;
    if (member in shared && memberOf(source.path) !== undefined) return undefined;
    const index = `${member.slice(0, member.lastIndexOf("/"))}/index.ts`;
    return source.path === index ? undefined : `imports "${path}", which only ${index} may`;
  }),
  bad: {
    "src/adapters/slack/inbound.ts": 'import { cut } from "../discord/format.ts";',
    "src/app.ts": 'const host = await import("./sandbox/host/index.ts");',
  },
  good: {
    "src/sandbox/index.ts": 'const host = await import("./host/index.ts");',
    "src/sandbox/host/index.ts": 'import { x } from "./argv.ts";\nimport { y } from "../exec.ts";',
    "src/sandbox/image/index.ts": 'import { x } from "../engine/x.ts";',
  },
};

const packages: Rule = {
  name: "a package is imported in its place",
  check: eachImport(({ specifier }, source) => {
    if (/^(?:[.#]|node:|bun:)/.test(specifier) || specifier === "bun") return undefined;
    const name = packageOf(specifier);
    if (builtinModules.includes(specifier)) return `imports "${specifier}" without node:`;
    const allowed = places[name];
    if (allowed === undefined) return `imports "${name}", which has no place in the table`;
    return allowed.some((place) => source.path.startsWith(place)) ? undefined : `imports "${name}"`;
  }),
  bad: {
    "src/gateway/gateway.ts": 'import { Bot } from "grammy";',
    "src/web/app.ts": 'import express from "express";',
    "src/sys/disk.ts": 'import { statfs } from "fs";',
  },
  good: { "src/adapters/telegram/connect.ts": 'import { Bot } from "grammy";\nimport { join } from "node:path";' },
};

const runtime: Rule = {
  name: "the runtimes stand in sys",
  check: (sources) =>
    program(sources)
      .filter(({ path }) => !path.startsWith("src/sys/"))
      .flatMap((source) => [
        ...source.imports
          .filter(({ specifier }) => specifier === "bun" || specifier.startsWith("bun:"))
          .map(({ specifier, line }) => ({ path: source.path, line, what: `imports "${specifier}"` })),
        ...source.nodes.flatMap(({ node }) => {
          const name = node.type === "MemberExpression" ? nameOf(node.object) : undefined;
          const what = name === "Bun" || name === "Deno" ? `uses ${name}` : undefined;
          return what === undefined ? [] : [{ path: source.path, line: source.lineAt(node.start), what }];
        }),
      ]),
  bad: {
    "src/web/app.ts": 'Bun.serve({ fetch: () => new Response("") });',
    "src/store/db.ts": 'import { Database } from "bun:sqlite";',
    "src/cli/cli.ts": "export const version = Deno.version.deno;",
  },
  good: { "src/sys/serve.bun.ts": "export const serve = Bun.serve;" },
};

const environment: Rule = {
  name: "the environment is read in config/load.ts",
  check: (sources) =>
    program(sources)
      .filter(({ path }) => path !== "src/config/load.ts")
      .flatMap((source) =>
        source.nodes.flatMap(({ node }) => {
          const member = node.type === "MemberExpression" && nameOf(node.property) === "env";
          const object = member && isNode(node.object) ? node.object : undefined;
          const imported =
            node.type === "ImportSpecifier" && nameOf(node.imported) === "env" && fromProcess(source, node.start);
          const found = imported || nameOf(object) === "process" || object?.type === "MetaProperty";
          return found ? [{ path: source.path, line: source.lineAt(node.start), what: "reads the environment" }] : [];
        }),
      ),
  bad: {
    "src/cli/cli.ts": "export const home = process.env.HOME;",
    "src/sys/log.ts": 'import { env } from "node:process";',
    "src/web/app.ts": "export const port = import.meta.env.PORT;",
  },
  good: { "src/config/load.ts": "export const home = process.env.HOME;", "src/sys/a.ts": "const { env } = options;" },
};

function fromProcess(source: Source, offset: number): boolean {
  const line = source.lineAt(offset);
  return source.imports.some((one) => one.line <= line && /^(?:node:)?process$/.test(one.specifier));
}

const sql: Rule = {
  name: "SQL stands in the store",
  check: (sources) =>
    program(sources)
      .filter(({ path }) => !path.startsWith("src/store/") && !/^src\/sys\/(?:sqlite|transactions)\b/.test(path))
      .flatMap((source) =>
        source.nodes.flatMap(({ node }) => {
          const text =
            stringOf(node) ?? (node.type === "TemplateLiteral" ? source.text.slice(node.start, node.end) : "");
          const found =
            /\b(?:SELECT\s.+\sFROM|INSERT\s+(?:OR\s+\w+\s+)?INTO|UPDATE\s+\w+\s+SET|DELETE\s+FROM|CREATE\s+TABLE|PRAGMA\s+\w+|BEGIN\s+IMMEDIATE)\b/s.exec(
              text,
            );
          return found === null
            ? []
            : [{ path: source.path, line: source.lineAt(node.start), what: `says ${found[0].slice(0, 20)}` }];
        }),
      ),
  bad: { "src/gateway/queue/queue.ts": 'export const next = "SELECT id FROM inputs";' },
  good: {
    "src/store/inputs.ts": 'export const next = "SELECT id FROM inputs";',
    "src/gateway/queue/queue.ts": 'export const words = "Select one from the list";',
  },
};

const cycles: Rule = {
  name: "no cycles",
  check: (sources) => {
    const graph = new Map(program(sources).map((source) => [source.path, source]));
    const done = new Set<string>();
    const found: ReturnType<Rule["check"]> = [];
    const visit = (path: string, trail: string[]): void => {
      const at = trail.indexOf(path);
      if (at !== -1) found.push({ path, line: 1, what: [...trail.slice(at), path].join(" → ") });
      if (at !== -1 || done.has(path)) return;
      for (const one of graph.get(path)?.imports ?? []) if (one.path !== undefined) visit(one.path, [...trail, path]);
      done.add(path);
    };
    for (const path of graph.keys()) visit(path, []);
    return found;
  },
  bad: {
    "src/store/a.ts": 'import type { B } from "./b.ts";',
    "src/store/b.ts": 'import { a } from "./a.ts";',
  },
  good: { "src/store/a.ts": 'import { b } from "./b.ts";', "src/store/b.ts": "export const b = 1;" },
};

const assets: Rule = {
  name: "imports are written in full, assets come as text",
  check: (sources) =>
    sources.flatMap((source) =>
      source.imports.flatMap(({ specifier, attribute, line }) => {
        const say = (what: string) => [{ path: source.path, line, what: `${what}: "${specifier}"` }];
        if (!specifier.startsWith(".")) return [];
        if (specifier.endsWith(".ts")) return [];
        if (specifier.endsWith(".json")) return attribute === "json" ? [] : say("JSON without its type");
        if (/\.(?:html|css|js|sql|md|svg|txt)$/.test(specifier))
          return attribute === "text" ? [] : say("asset not as text");
        return say("no known ending");
      }),
    ),
  bad: {
    "src/store/migrate.ts": 'import spine from "./migrations/001-spine.sql";',
    "src/store/db.ts": 'import { migrate } from "./migrate";',
  },
  good: { "src/store/migrate.ts": 'import spine from "./migrations/001-spine.sql" with { type: "text" };' },
};

const beside: Rule = {
  name: "nothing is read from beside the program",
  check: (sources) =>
    program(sources).flatMap((source) =>
      source.nodes.flatMap(({ node }) => {
        const meta = node.type === "MemberExpression" && isNode(node.object) && node.object.type === "MetaProperty";
        const name = meta ? nameOf(node.property) : nameOf(node);
        const found = meta ? name !== "main" : name === "__dirname" || name === "__filename";
        return found ? [{ path: source.path, line: source.lineAt(node.start), what: `uses ${name}` }] : [];
      }),
    ),
  bad: { "src/cli/cli.ts": 'export const help = new URL("help.txt", import.meta.url);' },
  good: { "src/main.ts": "if (import.meta.main) start();" },
};

export const structure: Rule[] = [layering, core, members, packages, runtime, environment, sql, cycles, assets, beside];
