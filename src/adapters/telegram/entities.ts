// A text with its entities as markdown: links and code are kept, mentions of the bot are found and taken out.
import { limits } from "../../core/limits.ts";
import type { Entity } from "./updates.ts";

/** The bot itself, as mentions name it. */
export interface Self {
  id: number;
  /** Without the `@`. */
  username: string;
}

interface Change {
  start: number;
  end: number;
  text: string;
}

/**
 * The text as markdown, without mentions of the bot, and whether it was mentioned. An entity counts only when it lies
 * within the text and splits no character; a mention only when the bot's name really stands there.
 */
export function readMarked(
  text: string,
  entities: readonly Entity[],
  self: Self,
): { text: string; mentioned: boolean } {
  const sound = entities.slice(0, limits.marksMax).filter((entity) => isSound(entity, text));
  const changes: Change[] = [];
  let mentioned = false;
  for (const entity of sound) {
    if (!mentions(entity, text, self)) continue;
    mentioned = true;
    changes.push(withoutMention(entity, text));
  }
  for (const entity of sound) {
    const part = text.slice(entity.offset, entity.offset + entity.length);
    const marked = mark(entity, part);
    if (marked !== undefined) {
      changes.push({ start: entity.offset, end: entity.offset + entity.length, text: marked });
    }
  }
  const result = apply(text, changes);
  return { text: mentioned ? result.trim() : result, mentioned };
}

function isSound({ offset, length }: Entity, text: string): boolean {
  const end = offset + length;
  return length > 0 && end <= text.length && !splits(text, offset) && !splits(text, end);
}

/** Whether `at` lies between the halves of one character. */
function splits(text: string, at: number): boolean {
  return /[\uDC00-\uDFFF]/.test(text.charAt(at)) && /[\uD800-\uDBFF]/.test(text.charAt(at - 1));
}

function mentions({ type, offset, length, user }: Entity, text: string, self: Self): boolean {
  if (type === "text_mention") return user?.id === self.id;
  return type === "mention" && text.slice(offset, offset + length).toLowerCase() === `@${self.username.toLowerCase()}`;
}

/** The mention with the blank, or what sets off an address at the beginning. */
function withoutMention({ offset, length }: Entity, text: string): Change {
  const end = offset + length;
  if (text.slice(0, offset).trim() === "") {
    const after = /^[\s,:]*/.exec(text.slice(end, end + 10))?.[0].length ?? 0;
    return { start: offset, end: end + after, text: "" };
  }
  return { start: /[ \t]/.test(text.charAt(offset - 1)) ? offset - 1 : offset, end, text: "" };
}

/** A part in markdown; undefined for marks that say nothing to a reader of plain text. */
function mark({ type, url, language }: Entity, part: string): string | undefined {
  switch (type) {
    case "text_link": {
      if (url === undefined || url === part || !URL.canParse(url)) return undefined;
      return `[${part}](${url.replace(/[\s()<>]/g, (one) => encodeURIComponent(one).replace("(", "%28").replace(")", "%29"))})`;
    }
    case "code":
      return `${fence(part, 1)}${part}${fence(part, 1)}`;
    case "pre": {
      const bar = fence(part, 3);
      return `\n${bar}${/^[\w+#.-]{1,30}$/.test(language ?? "") ? language : ""}\n${part.replace(/\n$/, "")}\n${bar}\n`;
    }
    case "blockquote":
    case "expandable_blockquote":
      return `${quoted(part)}\n`;
    case "strikethrough":
      return `~~${part}~~`;
    default:
      return undefined;
  }
}

/** Backticks that the text itself does not have in a row. */
function fence(text: string, least: number): string {
  const longest = Math.max(0, ...(text.match(/`+/g) ?? []).slice(0, limits.marksMax).map((run) => run.length));
  return "`".repeat(Math.max(least, longest + 1));
}

/** Each line of a text as a quote. */
export function quoted(text: string): string {
  return text
    .split("\n")
    .map((line) => `> ${line}`)
    .join("\n");
}

/** Applies the changes that do not overlap an earlier one. */
function apply(text: string, changes: Change[]): string {
  let at = 0;
  let result = "";
  for (const { start, end, text: changed } of changes.sort((a, b) => a.start - b.start || b.end - a.end)) {
    if (end <= at || (start < at && changed !== "")) continue;
    const from = Math.max(start, at);
    // A block of code begins on a line of its own.
    const before = result + text.slice(at, from);
    result = before + (before === "" || before.endsWith("\n") ? changed.replace(/^\n/, "") : changed);
    at = text.charAt(end) === "\n" && changed.endsWith("\n") ? end + 1 : end;
  }
  return result + text.slice(at);
}
