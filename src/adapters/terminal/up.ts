// What a screen sends, parsed at the edge: open, say, command.
import { Buffer } from "node:buffer";
import * as v from "valibot";
import { Failure } from "../../core/failure.ts";
import type { ChatUp } from "../../core/frame.ts";
import { limits } from "../../core/limits.ts";

const conversation = v.pipe(
  v.string(),
  v.minLength(1),
  v.maxLength(100),
  v.regex(/^[^\p{Cc}]+$/u, "control characters"),
);
const id = v.pipe(v.string(), v.minLength(1), v.maxLength(100));
const number = v.pipe(v.number(), v.integer(), v.minValue(0));

const schema = v.variant("type", [
  v.strictObject({
    type: v.literal("open"),
    version: number,
    conversation,
    folder: v.optional(v.pipe(v.string(), v.startsWith("/"), v.maxLength(4096))),
    after: v.optional(number),
  }),
  v.strictObject({
    type: v.literal("say"),
    id,
    text: v.string(),
    files: v.optional(
      v.pipe(
        v.array(v.strictObject({ name: v.pipe(v.string(), v.maxLength(1000)), data: v.string() })),
        v.maxLength(20),
      ),
    ),
  }),
  v.strictObject({
    type: v.literal("command"),
    id,
    name: v.pipe(v.string(), v.minLength(1), v.maxLength(31)),
    args: v.pipe(v.string(), v.maxLength(10_000)),
  }),
]);

/** Reads one frame. @throws Failure `usage` for anything that is not one, and beyond `limits.frameBytesMax`. */
export async function readUp(request: Request): Promise<ChatUp> {
  const text = await boundedText(request);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Failure("usage", "Cannot read frame: it is not JSON", { cause });
  }
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw new Failure("usage", `Cannot read frame: ${v.getDotPath(issue) ?? "it"}: ${issue.message}`);
}

async function boundedText(request: Request): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > limits.frameBytesMax) {
      throw new Failure("usage", `Cannot read frame: it has more than ${limits.frameBytesMax} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
