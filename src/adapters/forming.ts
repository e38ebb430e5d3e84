// Markdown that is still being written: what its writer has opened and most likely will close.

/** `text` with the marks closed that its last paragraph opens, and half a link shown as its words. */
export function closeMarks(text: string): string {
  const from = text.lastIndexOf("\n\n") + 1;
  const last = text.slice(from);
  if (isCode(text)) return text;
  const ticks = last.match(/`+/g) ?? [];
  if (ticks.length % 2 === 1) return last.endsWith("`") ? text.replace(/`+$/, "") : text + (ticks.at(-1) ?? "");
  const half = last.replace(/!?\[([^\][\n]{1,500})(?:\](?:\([^()\s]*)?)?$/, "$1");
  const bare = half.replace(/`[^`]*`/g, "").replace(/^\s*[*+-] /gm, "");
  const open = /[\s*_~]$/.test(half) ? "" : openMarks(bare);
  return text.slice(0, from) + (open === "" ? half.replace(/(?<=\s)(?:\*{1,3}|~~|__?)$/, "") : half + open);
}

/** The marks that are open at the end of `text`, the innermost first. */
function openMarks(text: string): string {
  const stack: string[] = [];
  for (const match of text.matchAll(/\*\*|\*|~~|(?<!\w)__?|__?(?!\w)/g)) {
    const mark = match[0];
    const place = stack.lastIndexOf(mark);
    const opens = /\S/.test(text[match.index + mark.length] ?? "");
    if (place >= 0) stack.length = place;
    else if (opens && stack.length < marksMax) stack.push(mark);
  }
  return stack.toReversed().join("");
}

/** So many marks in each other are closed. */
const marksMax = 8;

/** True when the text ends in a code block. */
function isCode(text: string): boolean {
  let mark = "";
  for (const [, found = "", info = ""] of text.matchAll(/^[ \t]*(?:[-*+] |\d{1,9}[.)] )?(`{3,}|~{3,})([^\n]*)$/gm)) {
    if (mark === "") mark = found;
    else if (found.startsWith(mark) && info.trim() === "") mark = "";
  }
  return mark !== "";
}
