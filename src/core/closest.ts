// "Did you mean …": the known names nearest to a mistyped one.

/**
 * The names nearest to `text`, best first, at most `max`. Without `anyDistance` only those that a slip of the
 * keyboard, a missing part or another case could explain.
 */
export function closest(
  text: string,
  names: readonly string[],
  options: { max: number; anyDistance?: boolean },
): string[] {
  const wanted = folded(text);
  const scored = names.map((name) => ({ name, score: score(wanted, folded(name)) }));
  const bound = options.anyDistance ? Number.POSITIVE_INFINITY : Math.max(2, Math.floor(wanted.length / 3));
  return scored
    .filter((entry) => entry.score <= bound)
    .toSorted((a, b) => a.score - b.score)
    .slice(0, options.max)
    .map((entry) => entry.name);
}

/** Without what people do not see: case, and the many ways to write one letter or one space. */
function folded(name: string): string {
  return name.normalize("NFKC").toLowerCase();
}

/** Edits between the two; a contained name counts as near. */
function score(a: string, b: string): number {
  const contained = a.length > 2 && b.length > 2 && (a.includes(b) || b.includes(a));
  return contained ? Math.min(2, distance(a, b)) : distance(a, b);
}

/** Levenshtein distance in O(|a|·|b|), on at most 100 characters of each. */
function distance(first: string, second: string): number {
  const a = first.slice(0, 100);
  const b = second.slice(0, 100);
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
