// Pages as they are sent: a template with our own words in its places, never with anybody else's.
import { assert } from "../core/assert.ts";

/** Puts `values` into the `{{name}}`s of a page. The runtime's types take an HTML import for a bundle; it is text. */
export function fill(page: unknown, values: Readonly<Record<string, string>>): string {
  assert(typeof page === "string", "A page is imported as text");
  return page.replaceAll(/\{\{(\w+)\}\}/g, (place, name: string) => values[name] ?? place);
}
