// The JSON Schema in docs is the one that the program has, and every key in it is explained.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { schemaFile, schemaText } from "../../scripts/settings-schema.ts";
import { adapterParts } from "../../src/adapters/index.ts";
import { parts } from "./folder.ts";

test("docs/settings.schema.json is up to date (else: bun scripts/settings-schema.ts)", () => {
  expect(readFileSync(schemaFile, "utf8")).toBe(schemaText(adapterParts));
});

interface Node {
  description?: string;
  const?: unknown;
  properties?: Record<string, Node>;
  additionalProperties?: Node | boolean;
  items?: Node;
  anyOf?: Node[];
  oneOf?: Node[];
}

/** Paths of keys without a word about them. */
function silent(node: Node, path: string): string[] {
  const members = Object.entries(node.properties ?? {}).flatMap(([key, value]) => {
    const own = value.description === undefined && value.properties === undefined && value.const === undefined;
    return [...(own ? [`${path}.${key}`] : []), ...silent(value, `${path}.${key}`)];
  });
  const inner = [node.items, ...(node.oneOf ?? []), ...(node.anyOf ?? []), node.additionalProperties];
  return [...members, ...inner.flatMap((one) => (typeof one === "object" ? silent(one, `${path}.*`) : []))];
}

test("every key has a description", () => {
  const schema = JSON.parse(schemaText(adapterParts)) as Node;
  // The two halves of a secret are explained where the secret is.
  expect(silent(schema, "").filter((path) => !/\.(?:env|file)$/.test(path))).toEqual([]);
});

test("the keys of each adapter type are in it", () => {
  const schema = JSON.parse(schemaText(parts)) as { properties: { adapters: { additionalProperties: Node } } };
  const { additionalProperties } = schema.properties.adapters;
  const types = (additionalProperties.oneOf ?? additionalProperties.anyOf ?? []).map(
    (one) => one.properties?.type?.const,
  );
  expect(types).toEqual(["pigeon", "drum"]);
});
