// Reads a source file for the tidy rules: its syntax tree, and what it imports, types included.
import { posix } from "node:path";
import { parseSync } from "oxc-parser";

/** A node of the syntax tree (ESTree with TypeScript), as far as the rules look at it. */
export interface Node {
  type: string;
  start: number;
  end: number;
  [key: string]: unknown;
}

/** One import, export-from, `import()` or `import("…").Type`. */
export interface Import {
  /** As written. */
  specifier: string;
  /** The imported file, from the root of the checkout; undefined for packages and builtins. */
  path?: string;
  line: number;
  /** `type` attribute (`text`, `json`). */
  attribute?: string;
  /** `export … from`. */
  passedOn: boolean;
}

/** A file of the checkout. `nodes` is every node of its tree, in order, each with its ancestors; empty for other languages. */
export interface Source {
  path: string;
  text: string;
  imports: Import[];
  nodes: { node: Node; parents: Node[] }[];
  lineAt(offset: number): number;
}

/** Parses one file. Files that are not TypeScript have text alone. @throws Error for a syntax error. */
export function read(path: string, text: string): Source {
  const lineAt = (offset: number) => text.slice(0, offset).split("\n").length;
  const source: Source = { path, text, imports: [], nodes: [], lineAt };
  if (!path.endsWith(".ts")) return source;
  const parsed = parseSync(path, text);
  const problem = parsed.errors[0];
  if (problem !== undefined) throw new Error(`Cannot parse "${path}": ${problem.message}`);
  walk(parsed.program as unknown as Node, [], source.nodes);
  source.imports = source.nodes.flatMap(({ node }) => importOf(node, source) ?? []);
  return source;
}

/** True for anything that carries a node's `type` and place. */
export function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}

/** The value of a string literal node. */
export function stringOf(node: unknown): string | undefined {
  return isNode(node) && node.type === "Literal" && typeof node.value === "string" ? node.value : undefined;
}

/** The name of an identifier node. */
export function nameOf(node: unknown): string | undefined {
  return isNode(node) && node.type === "Identifier" && typeof node.name === "string" ? node.name : undefined;
}

/** True for every form of function that has a body of its own. */
export function isFunction(node: Node): boolean {
  return ["FunctionDeclaration", "FunctionExpression", "ArrowFunctionExpression"].includes(node.type);
}

function walk(node: Node, parents: Node[], found: Source["nodes"]): void {
  found.push({ node, parents });
  const deeper = [...parents, node];
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) if (isNode(child)) walk(child, deeper, found);
  }
}

const importTypes = new Set([
  "ImportDeclaration",
  "ExportNamedDeclaration",
  "ExportAllDeclaration",
  "ImportExpression",
  "TSImportType",
]);

function importOf(node: Node, source: Source): Import | undefined {
  if (!importTypes.has(node.type)) return undefined;
  const specifier = stringOf(node.source);
  if (specifier === undefined) return undefined;
  const attribute = attributeOf(node);
  return {
    specifier,
    line: source.lineAt(node.start),
    passedOn: node.type.startsWith("Export"),
    ...(specifier.startsWith(".") ? { path: posix.join(posix.dirname(source.path), specifier) } : {}),
    ...(attribute === undefined ? {} : { attribute }),
  };
}

/** `with { type: "…" }` of an import declaration, and of the options of an `import()`. */
function attributeOf(node: Node): string | undefined {
  const written = Array.isArray(node.attributes) ? node.attributes : [];
  return written.filter(isNode).flatMap((one) => (nameOf(one.key) === "type" ? (stringOf(one.value) ?? []) : []))[0];
}
