// Where in a text secrets stand, in every reading of it and every form of theirs.
import { formsOf, marks } from "./forms.ts";
import { type Alphabet, createMatcher, type Matcher } from "./matcher.ts";
import { endOf, indexAt, type Reading, readings, startOf } from "./reading.ts";

/** A stretch of a text, in UTF-16 units; `end` is behind it. */
export interface Range {
  start: number;
  end: number;
}

/** Looks through one text. */
export type Search = (text: string) => {
  /** What is to be masked, in order; none overlaps another. */
  ranges: Range[];
  /** Before this, nothing that may follow changes what was found; no range and no escape goes across it. */
  settled: number;
};

/** At least this much of the end of a text may stay unsettled, in characters. */
const unsettledCharsMin = 8192;

/** And this many for each of the longest value's: `&#x0000002f;` is twelve. */
const unsettledPerChar = 16;

/** Any of the marks of formatting. */
const anyMark = /[*_~`]/;

const same = (code: number) => code;
const blanks = "\t\n\v\f\r ";
const alphabets = {
  text: { fold: same, skipped: "" },
  unmarked: { fold: same, skipped: marks },
  // The alphabet for URLs has - and _ for + and /.
  base64: { fold: (code) => (code === 0x2d ? 0x2b : code === 0x5f ? 0x2f : code), skipped: blanks },
  hex: { fold: (code) => (code >= 0x41 && code <= 0x46 ? code + 0x20 : code), skipped: `${blanks}:-,;xX\\%` },
} satisfies Record<string, Alphabet>;

/** A search for values, each of which is long enough to be looked for. */
export function createSearch(values: readonly string[]): Search {
  const forms = formsOf(values);
  const matchers = [
    createMatcher(forms.text, alphabets.text),
    createMatcher(forms.base64, alphabets.base64),
    createMatcher(forms.hex, alphabets.hex),
  ];
  const unmarked = createMatcher(forms.unmarked, alphabets.unmarked);
  const longest = values.reduce((most, value) => Math.max(most, value.length), 0);
  const unsettledMax = unsettledCharsMin + unsettledPerChar * longest;
  return (text) => {
    const views = readings(text);
    const found: Range[] = [];
    let open = text.length;
    for (const view of views) {
      for (const matcher of matchers) open = Math.min(open, look(matcher, { view, found }));
      if (anyMark.test(view.bytes)) open = Math.min(open, look(unmarked, { view, found, marked: true }));
    }
    const ranges = merged(found);
    const wanted = Math.max(open, text.length - unsettledMax);
    return { ranges, settled: boundary(wanted, { views, ranges, forced: wanted > open }) };
  };
}

/** Adds what is found in one reading, `marked` only with a mark inside; returns where a secret or an escape may begin that the end cuts off. */
function look(
  matcher: Matcher,
  { view, found, marked = false }: { view: Reading; found: Range[]; marked?: boolean },
): number {
  const { hits, pending } = matcher.scan(view.bytes, view.openAt);
  for (const { from, to } of hits)
    if (!marked || anyMark.test(view.bytes.slice(from, to)))
      found.push({ start: startOf(view, from), end: endOf(view, to - 1) });
  return startOf(view, pending);
}

/** The ranges in order, those that overlap as one. */
function merged(found: Range[]): Range[] {
  const ranges: Range[] = [];
  for (const range of found.sort((a, b) => a.start - b.start)) {
    const last = ranges.at(-1);
    if (last === undefined || range.start >= last.end) ranges.push({ ...range });
    else last.end = Math.max(last.end, range.end);
  }
  return ranges;
}

/** The nearest place, at `wanted` or before it, that cuts no range and no escape; a range in the way of a forced cut goes. */
function boundary(
  wanted: number,
  { views, ranges, forced }: { views: Reading[]; ranges: Range[]; forced: boolean },
): number {
  let cut = wanted;
  for (let before = -1; before !== cut; ) {
    before = cut;
    for (const view of views) cut = tokenStart(view, cut);
    const across = ranges.find(({ start, end }) => start < cut && cut < end);
    if (across === undefined) continue;
    if (forced) return across.end;
    cut = across.start;
  }
  return cut;
}

/** `cut`, or the start of the escape that it is inside of. */
function tokenStart(view: Reading, cut: number): number {
  const { starts, dropped } = view;
  for (let last = dropped.length - 1; (dropped[last] ?? 0) > cut; last -= 2) {
    const start = dropped[last - 1] ?? cut;
    if (start < cut) return start;
  }
  if (starts === undefined) return cut;
  const behind = indexAt(starts, cut);
  return behind > 0 && endOf(view, behind - 1) > cut ? startOf(view, behind - 1) : cut;
}
