// Finds many words in a text at once, in one pass: an automaton after Aho and Corasick (1975).

/** How the characters of a text are compared with those of the words. Codes are 0 to 255. */
export interface Alphabet {
  /** The code under which a code is known: upper and lower case may be one. */
  fold(code: number): number;
  /** Characters that may stand anywhere inside a word and do not count. */
  skipped: string;
}

/** What a scan found, as indexes of the text. */
export interface Found {
  hits: { from: number; to: number }[];
  /** From here on the text may be the beginning of a word; `sure` when it is not. */
  pending: number;
}

export interface Matcher {
  /** `sure` characters of the text are as they stay; those behind may become others. */
  scan(text: string, sure: number): Found;
}

/** The automaton knows this much of each word; the rest is compared. It bounds memory, not what is found. */
const headMax = 6;

/** Class of what does not count: it leaves every state as it is. Class 0 is in no word. */
const skip = 1;

/** A matcher of non-empty `words`, whose characters are bytes. */
export function createMatcher(words: Iterable<string>, { fold, skipped }: Alphabet): Matcher {
  const classes = new Uint8Array(256);
  let width = 2;
  const classOf = (code: number): number => {
    const folded = fold(code);
    if (classes[folded] === 0) classes[folded] = width++;
    return classes[folded] ?? 0;
  };
  const spelled = [...new Set(words)].map((word) => Uint8Array.from(word, (letter) => classOf(letter.charCodeAt(0))));
  for (let code = 0; code < 256; code++) classes[code] = classes[fold(code)] ?? 0;
  for (const letter of skipped) classes[letter.charCodeAt(0)] = skip;
  const automaton = build(spelled, width);
  const parts = { ...automaton, classes, width };
  return { scan: (text, sure) => scan(text, { ...parts, sure }) };
}

interface Automaton {
  /** At `s * width + c`, for the state after state `s` and class `c`: the place of its row, twice, plus 1 when words end in it. */
  next: Int32Array;
  /** How many characters of a word a state stands for. */
  depths: number[];
  /** The words whose heads end in a state. */
  ends: (Uint8Array[] | undefined)[];
}

function build(words: readonly Uint8Array[], width: number): Automaton {
  const next = new Int32Array((words.reduce((sum, word) => sum + Math.min(word.length, headMax), 0) + 1) * width);
  const depths = [0];
  const ends: Automaton["ends"] = [undefined];
  for (const word of words) {
    let state = 0;
    for (const letter of word.subarray(0, headMax)) {
      const at = state * width + letter;
      if (next[at] === 0) {
        next[at] = depths.length;
        depths.push((depths[state] ?? 0) + 1);
        ends.push(undefined);
      }
      state = next[at] ?? 0;
    }
    ends[state] = [...(ends[state] ?? []), word];
  }
  // Breadth first: where a state has no way on, it goes where the longest end of what it stands for goes.
  const fallback = new Int32Array(depths.length);
  const queue = [0];
  for (const state of queue) {
    const fall = fallback[state] ?? 0;
    if (state !== 0 && ends[fall] !== undefined) ends[state] = [...(ends[state] ?? []), ...ends[fall]];
    for (let letter = 0; letter < width; letter++) {
      if (letter === skip) continue;
      const at = state * width + letter;
      const child = next[at] ?? 0;
      const other = state === 0 ? 0 : (next[fall * width + letter] ?? 0);
      if (child === 0) next[at] = other;
      else {
        fallback[child] = other;
        queue.push(child);
      }
    }
  }
  // Stored this way, a step needs no multiplication and no look into a list.
  const steps = next.map((state) => 2 * state * width + (ends[state] === undefined ? 0 : 1));
  for (let state = 0; state < depths.length; state++) steps[state * width + skip] = 2 * state * width;
  return { next: steps, depths, ends };
}

function scan(text: string, parts: Automaton & { classes: Uint8Array; width: number; sure: number }): Found {
  const { next, depths, ends, classes, width, sure } = parts;
  const hits: Found["hits"] = [];
  let pending = sure;
  let row = 0;
  for (let index = 0; index < text.length; index++) {
    if (index === sure) pending = Math.min(pending, back(text, { classes, index, count: depths[row / width] ?? 0 }));
    const entry = next[row + (classes[text.charCodeAt(index)] ?? 0)] ?? 0;
    row = entry >>> 1;
    if ((entry & 1) === 0) continue;
    for (const word of ends[row / width] ?? []) {
      const from = back(text, { classes, index: index + 1, count: Math.min(word.length, headMax) });
      const { to, same } = rest(text, { classes, index: index + 1, word });
      if (same) hits.push({ from, to });
      else if (to >= sure) pending = Math.min(pending, from);
    }
  }
  if (sure === text.length)
    pending = Math.min(pending, back(text, { classes, index: text.length, count: depths[row / width] ?? 0 }));
  return { hits, pending };
}

/** The index at which the `count` characters begin that end before `index`. */
function back(text: string, { classes, index, count }: { classes: Uint8Array; index: number; count: number }): number {
  let left = count;
  let at = index;
  while (left > 0 && at > 0) if (classes[text.charCodeAt(--at)] !== skip) left--;
  return at;
}

/** How far a word goes on whose head ends before `index`, and whether that was all of it. */
function rest(
  text: string,
  { classes, index, word }: { classes: Uint8Array; index: number; word: Uint8Array },
): { to: number; same: boolean } {
  let at = index;
  for (let known = headMax; known < word.length; at++) {
    if (at >= text.length) return { to: at, same: false };
    const letter = classes[text.charCodeAt(at)];
    if (letter === skip) continue;
    if (letter !== word[known++]) return { to: at, same: false };
  }
  return { to: at, same: true };
}
