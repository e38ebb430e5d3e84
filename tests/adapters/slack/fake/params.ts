// Arguments of a Web API call: a form, whose lists and objects are JSON text, or a JSON body.
import { Refusal, refused } from "./refusal.ts";
import type { Json } from "./world.ts";

/** Arguments that may come as JSON text, and what is said of text that is none. */
const structured: Record<string, string> = {
  blocks: "invalid_blocks_format",
  attachments: "invalid_attachments",
  metadata: "invalid_metadata_format",
  chunks: "invalid_chunks",
  files: "invalid_arguments",
  view: "invalid_arguments",
  prompts: "invalid_arguments",
  loading_messages: "invalid_arguments",
};

/** Objects and lists become values, wherever they came as text. Null and undefined are as if they were not there. */
export function decoded(params: Json): Json {
  const out: Json = {};
  for (const [name, value] of Object.entries(params)) {
    if (value === undefined || value === null) continue;
    const refusal = structured[name];
    out[name] = refusal !== undefined && typeof value === "string" && value !== "" ? parsed(value, refusal) : value;
  }
  return out;
}

function parsed(text: string, refusal: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw refused(refusal, ["must be valid JSON"]);
  }
}

/** A text, "" when it is not there. */
export function text(value: unknown): string {
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}

/** A text that must be there: `invalid_arguments` names it otherwise. */
export function needed(params: Json, name: string): string {
  const value = text(params[name]);
  if (value === "") throw refused("invalid_arguments", [`missing required field: ${name}`]);
  return value;
}

/** Forms say "true", "1" or "false". */
export function flag(value: unknown): boolean {
  return value === true || value === "true" || value === "1" || value === 1;
}

export function object(value: unknown): Json | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}

export function list(value: unknown): Json[] | undefined {
  return Array.isArray(value) ? (value as Json[]) : undefined;
}

/** Characters as Slack counts them: code points. */
export function lengthOf(value: string): number {
  return [...value].length;
}

/** A page of a list. Cursors are opaque: what was not given out here is `invalid_cursor`. */
export function page<T>(
  items: T[],
  { params, standard, max }: { params: Json; standard: number; max: number },
): { items: T[]; next: string } {
  const asked = text(params.limit);
  const limit = asked === "" || asked === "0" ? standard : Number(asked);
  if (!Number.isInteger(limit) || limit < 0 || limit > max) throw new Refusal("invalid_limit");
  const cursor = text(params.cursor);
  const start = cursor === "" ? 0 : startOf(cursor);
  const end = start + limit;
  return { items: items.slice(start, end), next: end < items.length ? cursorFor(end) : "" };
}

function cursorFor(start: number): string {
  return Buffer.from(`next:${start}`).toString("base64");
}

function startOf(cursor: string): number {
  const start = /^next:(\d+)$/.exec(Buffer.from(cursor, "base64").toString())?.[1];
  if (start === undefined) throw new Refusal("invalid_cursor");
  return Number(start);
}
