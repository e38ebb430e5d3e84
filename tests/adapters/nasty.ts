// Markdown as nobody should write it, from a seed: for properties that must hold whatever comes.

/** A stream of numbers from 0 to under `most`, the same for the same seed. */
export function randomOf(seed: number): (most: number) => number {
  let state = seed >>> 0;
  return (most) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % most;
  };
}

const marks = [
  "*",
  "**",
  "***",
  "_",
  "__",
  "~~",
  "`",
  "``",
  "[",
  "](",
  ")",
  "![",
  "<",
  ">",
  "&",
  "&lt;",
  "&#0;",
  "&#x110000;",
  "<script>",
  "</b>",
  "<b>",
  "<!--",
  "-->",
  "<a href='",
  "\\",
  "|",
  "||",
  "#",
  "\ud800",
  "\udc00",
  "\u0000",
  "\u001b[31m",
  "\u202e",
  "\u2066",
  "\u200b",
  "\u200f",
  "\ufeff",
  "\u0301".repeat(40),
  "👩‍👩‍👧‍👦",
  "🇩🇪",
  "👍🏽",
  "שלום",
  "你好。",
  "\t",
  "  \n",
  "\n",
  "\n\n",
  "[x](javascript:alert(1))",
  '[x](http://e.org/a?b=1&c="d")',
  "![](data:x)",
  "<http://e.org>",
  "https://e.org/_a_*b*",
]; // prettier-ignore
const starts = [
  "",
  "",
  "# ",
  "###### ",
  "> ",
  "> > > ",
  "- ",
  "  - ",
  "      - ",
  "1. ",
  "99. ",
  "- [ ] ",
  "- [x] ",
  "```\n",
  "```ts\n",
  "~~~~ <x>\n",
  "    ",
  "---\n",
  "| a | b |\n|---|:-:|\n| ",
  "|-|\n",
  "[r]: http://e.org\n",
  "<div>\n",
  "> ```\n> ",
  "- ```js\n  ",
]; // prettier-ignore

/** A text of about `lines` lines. Its words are `w0`, `w1`, …, each there once. */
export function nastyMarkdown(seed: number, lines: number): string {
  const random = randomOf(seed);
  const of = <T>(list: readonly T[]): T => list[random(list.length)] as T;
  let word = 0;
  const piece = (): string => {
    const kind = random(12);
    if (kind < 6) return ` w${word++}${of([" ", "", ". ", ", "])}`;
    if (kind === 6) return of(marks).repeat(1 + random(random(20) === 0 ? 3000 : 3));
    if (kind === 7) return `**w${word++} \`w${word++}\`*`;
    return of(marks);
  };
  let text = "";
  for (let line = 0; line < lines; line += 1) {
    text += of(starts);
    for (let count = random(random(8) === 0 ? 400 : 12); count > 0; count -= 1) text += piece();
    text += of(["\n", "\n", "\n\n", " | ", "\r\n"]);
  }
  return text;
}

/** The `w…` words of a text, in order. */
export function wordsOf(text: string): string[] {
  return text.match(/w\d+/g) ?? [];
}
