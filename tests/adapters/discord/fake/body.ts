// Reads a request to the fake Discord: JSON, or multipart with `payload_json` and `files[n]`.
import type { IncomingMessage } from "node:http";
import type { Request } from "./rest.ts";
import type { Upload } from "./route.ts";

/** Above the largest request, so that the platform itself refuses what is too large. */
const bodyBytesMax = 64 * 1024 * 1024;

/** The whole request; `badBody` for one that cannot be read. */
export async function readRequest(request: IncomingMessage): Promise<Request> {
  const url = new URL(request.url ?? "/", "http://127.0.0.1");
  const bytes = await readAll(request);
  const body = await parseBody(bytes, request.headers["content-type"] ?? "");
  return {
    method: request.method ?? "GET",
    path: url.pathname,
    query: url.searchParams,
    authorization: request.headers.authorization,
    size: bytes.length,
    ...body,
  };
}

/** A body of bytes with its content type. */
export async function parseBody(
  bytes: Uint8Array<ArrayBuffer>,
  type: string,
): Promise<Pick<Request, "body" | "badBody" | "files">> {
  const files = new Map<number, Upload>();
  try {
    if (bytes.length === 0) return { body: undefined, badBody: false, files };
    if (type.startsWith("application/json")) return { body: parsedJson(bytes), badBody: false, files };
    if (!type.startsWith("multipart/form-data")) return { body: undefined, badBody: true, files };
    const form = await new Response(bytes, { headers: { "content-type": type } }).formData();
    let body: unknown = {};
    for (const [name, value] of form) {
      const number = /^files\[(\d+)\]$/.exec(name)?.[1];
      if (typeof value === "string") {
        if (name === "payload_json") body = JSON.parse(value);
      } else if (number !== undefined) {
        files.set(Number(number), {
          name: value.name,
          type: value.type,
          bytes: new Uint8Array(await value.arrayBuffer()),
        });
      }
    }
    return { body, badBody: false, files };
  } catch {
    return { body: undefined, badBody: true, files };
  }
}

function parsedJson(bytes: Uint8Array): unknown {
  return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
}

async function readAll(request: IncomingMessage): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    // The rest is read and thrown away: a client that still writes would not hear the answer.
    if (length <= bodyBytesMax) chunks.push(chunk);
  }
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
