// Slack's marked text as people read it: ids become names, entities characters. Source: docs.slack.dev/messaging/formatting-message-text.
import { limits } from "../../core/limits.ts";

/** Names that are known now; undefined for those that are not. */
export interface Names {
  user(id: string): string | undefined;
  channel(id: string): string | undefined;
}

export interface ReadText {
  text: string;
  /** Our own name stood in it. */
  mentioned: boolean;
}

/** `raw` with everything in angle brackets in words. A mention of `self` is left out. */
export function readText(raw: string, { names, self }: { names: Names; self: string }): ReadText {
  let mentioned = false;
  let marks = 0;
  const text = raw.replace(/[ \t]*<([^<>\n]{1,4000})>/g, (whole, inner: string) => {
    marks += 1;
    if (marks > limits.marksMax) return whole;
    const space = /^[ \t]*/.exec(whole)?.[0] ?? "";
    if (inner === `@${self}` || inner.startsWith(`@${self}|`)) {
      mentioned = true;
      return "";
    }
    return space + inWords(inner, names);
  });
  return { text: decode(text).trim(), mentioned };
}

/** Ids of people and channels whose names a text needs. */
export function idsIn(raw: string): { users: string[]; channels: string[] } {
  const users = new Set<string>();
  const channels = new Set<string>();
  for (const [, kind, id = "", label] of raw.matchAll(/<([@#])([A-Z][A-Z0-9]{1,40})(\|[^<>]*)?>/g)) {
    if (users.size + channels.size >= limits.namesPerTextMax) break;
    if (kind === "@") users.add(id);
    else if (label === undefined || label === "|") channels.add(id);
  }
  return { users: [...users], channels: [...channels] };
}

function inWords(inner: string, names: Names): string {
  const bar = inner.indexOf("|");
  const head = bar < 0 ? inner : inner.slice(0, bar);
  const label = bar < 0 ? "" : inner.slice(bar + 1);
  if (head.startsWith("@")) return `@${names.user(head.slice(1)) ?? (label === "" ? head.slice(1) : label)}`;
  if (head.startsWith("#")) return `#${label === "" ? (names.channel(head.slice(1)) ?? head.slice(1)) : label}`;
  if (head.startsWith("!")) {
    if (/^!(?:here|channel|everyone)$/.test(head)) return `@${head.slice(1)}`;
    if (label !== "") return label;
    return head.startsWith("!subteam^") ? `@${head.slice("!subteam^".length)}` : head.slice(1);
  }
  const address = head.replace(/^mailto:/, "");
  if (label === "" || label === head || label === address || isSameAddress(head, label)) return address;
  return `[${label}](${head})`;
}

/** Whether a label only shows its address, perhaps without the scheme. */
function isSameAddress(url: string, label: string): boolean {
  const bare = (address: string) => address.replace(/^[a-z]+:\/\//i, "").replace(/\/$/, "");
  return bare(url) === bare(label);
}

/** The three characters that Slack writes as entities. */
export function decode(text: string): string {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

/** Words as Slack takes them: nothing in them is a mention, a link or a broadcast. */
export function entities(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
