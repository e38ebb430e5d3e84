// File downloads of the fake Bot API: byte-exact, with ranges, and with all that can go wrong with a long transfer.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Fault } from "./faults.ts";
import type { StoredFile } from "./world.ts";

/** What the server lends to a download. */
export interface Line {
  request: IncomingMessage;
  response: ServerResponse;
  /** Runs later; forgotten when the server closes. */
  later: (ms: number, run: () => void) => void;
}

/** Answers `GET /file/bot<token>/<path>`; a fault changes how. */
export function sendFile(file: StoredFile | undefined, line: Line, fault: Fault | undefined): void {
  const { response } = line;
  if (fault?.kind === "drop" || fault?.kind === "lose") response.destroy();
  else if (fault?.kind === "delay") line.later(fault.ms, () => sendFile(file, line, undefined));
  else if (fault?.kind === "html") refuse(response, fault.status);
  else if (fault?.kind === "flood") refuse(response, 429, fault.retryAfterS);
  else if (fault?.kind === "unauthorized") refuse(response, 401);
  else if (fault?.kind !== "hang") sendBytes(file, line, fault);
}

function refuse(response: ServerResponse, status: number, retryAfterS?: number): void {
  const description = { 401: "Unauthorized", 404: "Not Found", 429: `Too Many Requests: retry after ${retryAfterS}` }[
    status
  ];
  const headers = retryAfterS === undefined ? {} : { "retry-after": String(retryAfterS) };
  response.writeHead(status, {
    "content-type": description === undefined ? "text/html" : "application/json",
    ...headers,
  });
  response.end(
    description === undefined
      ? `<html><body><h1>${status}</h1></body></html>`
      : JSON.stringify({ ok: false, error_code: status, description }),
  );
}

function sendBytes(file: StoredFile | undefined, { request, response }: Line, fault: Fault | undefined): void {
  if (file === undefined) {
    refuse(response, 404);
    return;
  }
  const range = rangeOf(request.headers.range, file.bytes.length);
  if (range === "none") {
    response.writeHead(416, { "content-range": `bytes */${file.bytes.length}` }).end();
    return;
  }
  const { start, end } = range ?? { start: 0, end: file.bytes.length };
  const bytes = file.bytes.subarray(start, end);
  const headers = {
    "content-type": "application/octet-stream",
    "accept-ranges": "bytes",
    ...(range === undefined ? {} : { "content-range": `bytes ${start}-${end - 1}/${file.bytes.length}` }),
  };
  const status = range === undefined ? 200 : 206;
  if (fault?.kind === "swell") {
    response.writeHead(status, headers);
    response.write(bytes);
    response.end(new Uint8Array(fault.bytes));
    return;
  }
  response.writeHead(status, { ...headers, "content-length": bytes.length });
  if (fault?.kind === "cut")
    response.write(bytes.subarray(0, fault.bytes ?? bytes.length >> 1), () => response.destroy());
  else if (fault?.kind === "stall") response.write(bytes.subarray(0, fault.bytes));
  else response.end(request.method === "HEAD" ? undefined : bytes);
}

/** One range of bytes, end exclusive; "none" when it lies outside; undefined when the whole is wanted. */
export function rangeOf(
  header: string | undefined,
  length: number,
): { start: number; end: number } | "none" | undefined {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? "");
  const [, from = "", to = ""] = match ?? [];
  if (match === null || (from === "" && to === "")) return undefined;
  if (from === "") return { start: Math.max(0, length - Number(to)), end: length };
  const start = Number(from);
  const end = to === "" ? length : Math.min(Number(to) + 1, length);
  return start >= length || end <= start ? "none" : { start, end };
}
