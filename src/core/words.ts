// Numbers and texts as people read them, the same in every adapter.

/** A duration in milliseconds as `5s`, `3m`, `2h`, `4d`, with ` ago` after it; below a second `just now`. */
export function ago(ms: number, after = " ago"): string {
  const seconds = Math.floor(Math.max(0, ms) / 1000);
  if (seconds < 1) return after === "" ? "0s" : "just now";
  const [count, unit] =
    seconds < 60
      ? [seconds, "s"]
      : seconds < 3600
        ? [Math.floor(seconds / 60), "m"]
        : seconds < 86_400
          ? [Math.floor(seconds / 3600), "h"]
          : [Math.floor(seconds / 86_400), "d"];
  return `${count}${unit}${after}`;
}

/** A count of tokens as `950`, `12.3k`, `1.2M`. */
export function tokens(count: number): string {
  if (count < 1000) return String(Math.round(count));
  if (count < 999_950) return `${(count / 1000).toFixed(count < 9_950 ? 1 : 0)}k`;
  return `${(count / 1_000_000).toFixed(1)}M`;
}

/** A number of bytes as `950 B`, `1.5 KiB`, `12 MiB` (1 KiB = 1,024 bytes). */
export function byteSize(bytes: number): string {
  let value = bytes;
  let shown = `${Math.round(value)} B`;
  for (const unit of ["KiB", "MiB", "GiB", "TiB"]) {
    if (Math.round(value) < 1024) break;
    value /= 1024;
    shown = `${Number(value.toFixed(value < 10 ? 1 : 0))} ${unit}`;
  }
  return shown;
}

/** US dollars: whole cents from one dollar up, else enough digits to see something. */
export function usd(amount: number): string {
  if (amount === 0) return "$0";
  return amount >= 1 ? `$${amount.toFixed(2)}` : `$${amount.toFixed(4)}`;
}

/** A text that somebody wrote, for a place in our markdown: nothing in it is markup. */
export function literal(text: string): string {
  return text.replace(/[\\`*_~[\]<>|&#]/g, "\\$&");
}

/** The beginning of a text on one line, at most `max` characters, with an ellipsis when it was cut. */
export function excerpt(text: string, max: number): string {
  // No more than needed is looked at: the text may have megabytes.
  const head = text
    .slice(0, max * 16)
    .replace(/\s+/gu, " ")
    .trim();
  const characters = [...head];
  return characters.length > max ? `${characters.slice(0, max - 1).join("")}…` : head;
}
