// Any value as bounded, secret-free JSON for a log line.
import { limits } from "../core/limits.ts";

export interface PlainOptions {
  redact(text: string): string;
  /** Errors with their stacks. */
  stacks: boolean;
}

/** The fields of a log line as plain JSON values: bounded in depth, number and length, secrets removed, cycles named. */
export function plainFields(fields: Record<string, unknown>, options: PlainOptions): Record<string, unknown> {
  return plainObject(fields, { ...options, above: [] });
}

interface Walk extends PlainOptions {
  /** The objects around the value, outermost first. */
  above: readonly object[];
}

function plainValue(value: unknown, walk: Walk): unknown {
  switch (typeof value) {
    case "string":
      return plainText(value, walk);
    case "number":
    case "bigint":
      return plainNumber(value, walk);
    case "boolean":
    case "undefined":
      return value;
    case "function":
    case "symbol":
      return `[${typeof value}]`;
    case "object":
      return value === null ? null : guarded(value, walk);
  }
}

/** Getters, proxies and toJSON may throw; the line is written all the same. */
function guarded(value: object, walk: Walk): unknown {
  if (walk.above.includes(value)) return "[circular]";
  if (walk.above.length >= limits.logDepthMax) return Array.isArray(value) ? "[array]" : "[object]";
  try {
    return plainComposite(value, { ...walk, above: [...walk.above, value] });
  } catch {
    return "[unreadable]";
  }
}

function plainComposite(value: object, walk: Walk): unknown {
  if (value instanceof Error) return plainError(value, walk);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "[invalid date]" : value.toISOString();
  if (value instanceof URL || value instanceof RegExp) return plainText(String(value), walk);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`;
  if (value instanceof Map) return plainObject(Object.fromEntries(firstOf(value)), walk);
  if (value instanceof Set) return plainArray([...firstOf(value)], value.size, walk);
  if (Array.isArray(value)) return plainArray(value.slice(0, limits.logItemsMax), value.length, walk);
  return plainObject(value as Record<string, unknown>, walk);
}

/** The members of a big collection that are looked at. */
function* firstOf<Item>(items: Iterable<Item>): Generator<Item> {
  let left = limits.logItemsMax + 1;
  for (const item of items) {
    if (left-- === 0) return;
    yield item;
  }
}

function plainArray(items: readonly unknown[], length: number, walk: Walk): unknown[] {
  const shown = items.slice(0, limits.logItemsMax).map((item) => plainValue(item, walk) ?? null);
  return length > shown.length ? [...shown, `[${length - shown.length} more]`] : shown;
}

function plainObject(value: Record<string, unknown>, walk: Walk): Record<string, unknown> {
  const keys = Object.keys(value);
  // No prototype: a key named __proto__ is a key like any other.
  const plain = Object.create(null) as Record<string, unknown>;
  for (const key of keys.slice(0, limits.logItemsMax)) plain[plainText(key, walk)] = plainMember(value, key, walk);
  if (keys.length > limits.logItemsMax) plain["…"] = `[${keys.length - limits.logItemsMax} more]`;
  return plain;
}

function plainMember(value: Record<string, unknown>, key: string, walk: Walk): unknown {
  try {
    return plainValue(value[key], walk);
  } catch {
    return "[unreadable]";
  }
}

function plainError(error: Error, walk: Walk): Record<string, unknown> {
  const { code, detail } = error as { code?: unknown; detail?: unknown };
  return {
    name: plainText(error.name, walk),
    message: plainText(error.message, walk),
    ...(code === undefined ? {} : { code: plainValue(code, walk) }),
    ...(detail === undefined ? {} : { detail: plainValue(detail, walk) }),
    ...(error.cause === undefined ? {} : { cause: plainValue(error.cause, walk) }),
    ...(error instanceof AggregateError ? { errors: plainValue(error.errors, walk) } : {}),
    ...(walk.stacks && error.stack !== undefined ? { stack: plainText(error.stack, walk) } : {}),
  };
}

/** A secret may be all digits. */
function plainNumber(value: number | bigint, { redact }: Walk): unknown {
  const text = String(value);
  const clean = redact(text);
  if (clean !== text) return clean;
  return typeof value === "bigint" || !Number.isFinite(value) ? text : value;
}

function plainText(text: string, { redact }: Walk): string {
  const max = limits.logFieldCharsMax;
  if (text.length <= max + limits.secretCharsMax) {
    const clean = redact(text);
    return clean.length <= max ? clean : `${clean.slice(0, max)}… [${clean.length - max} more]`;
  }
  // Megabytes are not searched: a bit more than is shown, of which the end goes, for it may be half a secret.
  const clean = redact(text.slice(0, max + limits.secretCharsMax));
  const shown = clean.slice(0, Math.max(0, Math.min(max, clean.length - limits.secretCharsMax)));
  return `${shown}… [${text.length - shown.length} more]`;
}

/** Controls, line ends and what reorders text (Unicode bidi), each as `\uXXXX`; in JSON text that is the same text. */
export function escapeControls(text: string): string {
  return text.replace(unsafe, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

// C0, DEL and C1 controls; line and paragraph separator; marks and overrides of direction; byte order mark.
const unsafe = /[\p{Cc}\u2028\u2029\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\ufeff]/gu;
