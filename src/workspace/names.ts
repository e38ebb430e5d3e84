// Names from outside (ids, file names, titles) as names on disk and on the screen.
import { createHash } from "node:crypto";
import { stripVTControlCharacters } from "node:util";
import { limits } from "../core/limits.ts";

/** Control characters, zero-width characters and those that change the direction of writing. */
const invisible = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}]/gu;
const hashCharsMax = 20;

/**
 * A folder's name for an id of a platform. Simple ids stay as they are; every other one becomes its
 * readable part, `~` and a hash of the whole id. Two different ids never share a folder, also where
 * upper and lower case are the same.
 */
export function folderName(id: string): string {
  if (isPlain(id)) return id;
  const hash = createHash("sha256").update(id, "utf8").digest("hex").slice(0, hashCharsMax);
  const readable = cutName(
    clean(id)
      .replace(/[^\p{L}\p{N}._-]+/gu, "_")
      .replace(/^[._]+|[._]+$/g, ""),
    {
      chars: limits.nameCharsMax - hashCharsMax - 1,
      bytes: limits.nameBytesMax - hashCharsMax - 1,
    },
  );
  return `${readable}~${hash}`;
}

/**
 * A file's name for one that a person or the agent gave: readable in any script, without what a
 * path, a shell or a screen could trip over, and short enough. Not unique.
 */
export function fileName(name: string): string {
  const base = clean(name).split(/[/\\]/).pop() ?? "";
  const safe = base
    .replace(/[<>:"|?*'`$;&\s]+/gu, "_")
    .replace(/^[._-]+/, "")
    .replace(/[._]+$/, "");
  const extension = /\.[\p{L}\p{N}]{1,12}$/u.exec(safe)?.[0] ?? "";
  const stem = safe.slice(0, safe.length - extension.length);
  const room = { chars: limits.nameCharsMax - extension.length, bytes: limits.nameBytesMax - extension.length * 4 };
  const short = cutName(stem, room);
  return short === "" && extension === "" ? "file" : `${short}${extension}`;
}

/** Text as one line for people: no control characters, spaces run together, cut at `charsMax`. */
export function oneLine(text: string, charsMax: number): string {
  const line = clean(stripVTControlCharacters(text.slice(0, charsMax * 8)).replace(/\s+/gu, " ")).trim();
  const chars = [...line];
  return chars.length <= charsMax ? line : `${chars.slice(0, Math.max(0, charsMax - 1)).join("")}…`;
}

function clean(text: string): string {
  return text.normalize("NFC").replace(invisible, "");
}

/**
 * Lower-case ids and those of the form that platforms give in upper case (`C024BE91L`) are plain; a
 * lower-case id that would be such a one in upper case is not, so that no two plain ids differ in case alone.
 */
function isPlain(id: string): boolean {
  const platform = /^(?=.*[0-9])[A-Z][A-Z0-9]{7,39}$/;
  if (platform.test(id)) return true;
  return /^[a-z0-9_-][a-z0-9._-]{0,99}$/.test(id) && !id.endsWith(".") && !platform.test(id.toUpperCase());
}

/** The longest beginning within both bounds, never half a character. */
function cutName(text: string, { chars, bytes }: { chars: number; bytes: number }): string {
  let cut = "";
  let size = 0;
  for (const char of text) {
    size += Buffer.byteLength(char);
    if (cut.length + char.length > chars || size > bytes) break;
    cut += char;
  }
  return cut;
}
