// Parameters of an HTTP request to the fake Bot API: query, JSON, form or multipart, all at once if need be.
import type { IncomingMessage } from "node:http";
import { bad, Refusal } from "./refusal.ts";
import type { Json, Upload } from "./world.ts";

/** A little above the largest upload, so that the method itself refuses what is slightly too large. */
const bodyBytesMax = 64 * 1024 * 1024;

/** Everything that a request says. Throws a Refusal for a body that cannot be read. */
export async function readParams(
  url: URL,
  { bytes, type }: { bytes: Uint8Array<ArrayBuffer>; type: string },
): Promise<{ params: Json; files: Record<string, Upload> }> {
  const params: Json = Object.fromEntries(url.searchParams);
  const files: Record<string, Upload> = {};
  if (bytes.length === 0) return { params, files };
  if (type.startsWith("application/json")) Object.assign(params, parsedJson(bytes));
  else if (/^(?:multipart\/form-data|application\/x-www-form-urlencoded)/.test(type)) {
    await readForm(bytes, type, { params, files });
  }
  return { params, files };
}

/** The whole body of a request, up to a limit. */
export async function readAll(request: IncomingMessage): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    // The rest is read and thrown away: a client that still writes would not hear the answer.
    if (length <= bodyBytesMax) chunks.push(chunk);
  }
  if (length > bodyBytesMax) throw new Refusal(413, "Request Entity Too Large");
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

function parsedJson(bytes: Uint8Array): Json {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Json;
  } catch {
    throw bad("can't parse JSON object");
  }
  throw bad("expected a JSON object");
}

async function readForm(
  bytes: Uint8Array<ArrayBuffer>,
  type: string,
  into: { params: Json; files: Record<string, Upload> },
): Promise<void> {
  const form = await new Response(bytes, { headers: { "content-type": type } }).formData().catch(() => undefined);
  if (form === undefined) throw bad("can't parse the request body");
  for (const [name, value] of form) {
    if (typeof value === "string") into.params[name] = value;
    else into.files[name] = { name: value.name, type: value.type, bytes: new Uint8Array(await value.arrayBuffer()) };
  }
}
