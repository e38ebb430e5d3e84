// Reads a file of the sandbox: text by lines, images as images, anything else described.
import * as v from "valibot";
import { Failure } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";
import { fitImage, imageInfo } from "../workspace/images.ts";
import { oneLine } from "../workspace/names.ts";
import { readPart, readWhole } from "./files.ts";
import { createLineReader } from "./lines.ts";
import { bytesText, countText } from "./quantity.ts";
import { defineTool, type ToolContext, type ToolResult, textResult } from "./tool.ts";

const schema = v.strictObject({
  path: v.pipe(v.string(), v.minLength(1, "The path is empty"), v.description("File or folder")),
  offset: v.optional(
    v.pipe(v.number(), v.integer(), v.minValue(1, "The first line is 1"), v.description("First line to show, from 1")),
  ),
  limit: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.description("Number of lines to show"))),
});
type Input = v.InferOutput<typeof schema>;

/** The tool. */
export const read = defineTool({
  name: "read",
  description: `Reads a file: text (the first ${limits.toolLinesMax} lines or ${limits.toolBytesMax / 1024} KB; go on with offset), \
images (png, jpg, gif, webp), or the list of a folder. Shows the text as it is, without line numbers.`,
  schema,
  title: (input) => oneLine(`read ${input.path}${input.offset === undefined ? "" : ` from line ${input.offset}`}`, 120),
  async run(input, context) {
    const { sandbox } = context;
    const first = await readPart(sandbox, { path: input.path, length: limits.readChunkBytes }).catch(async (error) => {
      return (await listFolder(sandbox, input.path)) ?? Promise.reject(error);
    });
    if ("content" in first) return first;
    if (imageInfo(first.bytes) !== undefined) return await readImage(sandbox, { path: input.path, size: first.size });
    const encoding = textEncoding(first.bytes);
    if (encoding === undefined) return textResult(describeBinary(input.path, first));
    if (first.size === 0) return textResult("(empty file)");
    return await readText({ input, context, first, encoding });
  },
});

/** The list of a folder; `undefined` when the path is none. */
async function listFolder(sandbox: Sandbox, path: string): Promise<ToolResult | undefined> {
  const entries = await sandbox.files.list(path).catch(() => undefined);
  if (entries === undefined) return undefined;
  const names = entries.map((entry) => (entry.kind === "folder" ? `${entry.name}/` : entry.name)).sort();
  const shown = names.slice(0, limits.listEntriesMax).map((name) => oneLine(name, 255));
  const rest = names.length - shown.length;
  if (rest > 0) shown.push(`[${rest} more are not shown; list a part of it with bash: ls ${path} | …]`);
  return textResult(names.length === 0 ? "(empty folder)" : shown.join("\n"));
}

async function readImage(sandbox: Sandbox, { path, size }: { path: string; size: number }): Promise<ToolResult> {
  const cannot = (why: string) =>
    new Failure("tool", `Cannot show ${JSON.stringify(path)}: ${why}`, {
      hint: "Make a smaller copy first and read that",
    });
  if (size > limits.imageSourceBytesMax) {
    throw cannot(`it has ${bytesText(size)} and images may have ${bytesText(limits.imageSourceBytesMax)}`);
  }
  const bytes = await readWhole(sandbox, { path, bytesMax: limits.imageSourceBytesMax, asked: "show" });
  const shown = await fitImage(bytes);
  if (typeof shown === "string") throw cannot(shown);
  const { mime, width, height, was } = shown;
  const sides = was === undefined ? `${width}×${height}` : `${was.width}×${was.height}, shown as ${width}×${height}`;
  return {
    ok: true,
    content: [
      { type: "text", text: `Image ${mime}, ${sides} pixels, ${bytesText(size)}` },
      { type: "image", data: Buffer.from(shown.bytes).toString("base64"), mimeType: mime },
    ],
  };
}

interface TextJob {
  input: Input;
  context: ToolContext;
  first: { bytes: Uint8Array; size: number };
  encoding: "utf-8" | "utf-16le" | "utf-16be";
}

async function readText({ input, context, first, encoding }: TextJob): Promise<ToolResult> {
  const from = input.offset ?? 1;
  const linesMax = Math.min(input.limit ?? limits.toolLinesMax, limits.toolLinesMax);
  const reader = createLineReader({ from, linesMax, bytesMax: limits.toolBytesMax });
  const decoder = new TextDecoder(encoding);
  let { bytes } = first;
  let at = 0;
  let wanted = true;
  while (bytes.length > 0) {
    at += bytes.length;
    wanted = reader.push(decoder.decode(bytes, { stream: true })) && wanted;
    // A small file is gone through to its end, so that its number of lines can be told.
    if ((!wanted && first.size > limits.readBytesMax) || at >= first.size) break;
    if (at >= limits.readScanBytesMax) throw tooFar(input.path, from);
    if (context.signal.aborted) return textResult("Reading aborted", false);
    ({ bytes } = await readPart(context.sandbox, { path: input.path, offset: at, length: limits.readChunkBytes }));
  }
  reader.push(decoder.decode());
  const found = reader.end();
  const total = at >= first.size ? found.seen : undefined;
  if (found.count === 0) {
    throw new Failure(
      "tool",
      `Cannot read ${JSON.stringify(input.path)} from line ${from}: it has ${countText(found.seen, "line")}`,
    );
  }
  const notes: string[] = [];
  if (found.cutLine) {
    notes.push(
      `[Line ${from} is too long: only its first ${bytesText(limits.toolBytesMax)} are shown; take a part of it with bash: sed -n ${from}p FILE | cut -c…]`,
    );
  }
  const last = from + found.count - 1;
  if (found.more || (total !== undefined && last < total)) {
    const of = total === undefined ? `the file has ${bytesText(first.size)}` : `of ${total}`;
    notes.push(`[Lines ${from} to ${last} are shown, ${of}; go on with offset=${last + 1}]`);
  }
  return textResult([found.text.replaceAll("\0", "\uFFFD"), ...notes].join("\n\n"));
}

function tooFar(path: string, from: number): Failure {
  return new Failure(
    "tool",
    `Cannot read ${JSON.stringify(path)} from line ${from}: it is not within the first ${bytesText(limits.readScanBytesMax)}`,
    {
      hint: "Use tail, sed or grep with bash",
    },
  );
}

/** How the text is written; `undefined` for what is no text. */
function textEncoding(head: Uint8Array): TextJob["encoding"] | undefined {
  if (head[0] === 0xff && head[1] === 0xfe) return "utf-16le";
  if (head[0] === 0xfe && head[1] === 0xff) return "utf-16be";
  const sample = head.subarray(0, 8192);
  if (sample.includes(0)) return undefined;
  const text = new TextDecoder().decode(sample);
  const broken = text.split("\uFFFD").length - 1;
  // Some bytes of another encoding are still text; mostly such bytes are not.
  return broken > 1 && broken * 10 > text.length * 3 ? undefined : "utf-8";
}

function describeBinary(path: string, { bytes, size }: { bytes: Uint8Array; size: number }): string {
  const hex = [...bytes.subarray(0, 16)].map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
  return `${path} is a binary file of ${bytesText(size)}, beginning with ${hex}. It is not shown; look at it with bash (file, strings, xxd)`;
}
