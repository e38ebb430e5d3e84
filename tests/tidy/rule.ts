// What a tidy rule is: a check over the sources, and a sample that it must refuse.
import type { Source } from "./source.ts";

/** One place that breaks a rule. */
export interface Violation {
  rule: string;
  path: string;
  line: number;
  what: string;
}

/** A rule. `bad` and `good` are small checkouts (path → text): the rule finds something in the one, nothing in the other. */
export interface Rule {
  name: string;
  check(sources: Source[]): Omit<Violation, "rule">[];
  bad: Record<string, string>;
  good: Record<string, string>;
}

/** The sources under `src/` that are TypeScript. */
export function program(sources: Source[]): Source[] {
  return sources.filter(({ path }) => path.startsWith("src/") && path.endsWith(".ts") && !path.endsWith(".d.ts"));
}
