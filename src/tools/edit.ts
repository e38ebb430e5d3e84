// Changes a part of a file in the sandbox by exact text.
import * as v from "valibot";
import { Failure } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";
import { oneLine } from "../workspace/names.ts";
import { renderDiff } from "./diff.ts";
import { lockName, type PathLock, readWhole } from "./files.ts";
import { countText } from "./quantity.ts";
import { defineTool, type Tool, textResult } from "./tool.ts";

const schema = v.strictObject({
  path: v.pipe(v.string(), v.minLength(1, "The path is empty"), v.description("The file")),
  oldText: v.pipe(
    v.string(),
    v.minLength(1, "The old text is empty; use write to make a file"),
    v.description("The text to replace, exactly as it stands in the file, with enough around it to be there once"),
  ),
  newText: v.pipe(v.string(), v.description("What takes its place")),
  all: v.optional(v.pipe(v.boolean(), v.description("Replace every place where it stands"))),
});
type Input = v.InferOutput<typeof schema>;

const linesShownMax = 20;

/** The tool; `lock` is shared with those that change files too. */
export function createEdit({ lock }: { lock: PathLock }): Tool {
  return defineTool({
    name: "edit",
    effect: "inside",
    description: "Replaces text in a file. The old text must match exactly, spaces and line breaks included.",
    schema,
    title: (input) => oneLine(`edit ${input.path}`, 120),
    run: (input, { sandbox }) => lock(lockName(sandbox, input.path), () => change(sandbox, input)),
  });
}

async function change(sandbox: Sandbox, input: Input) {
  const { path } = input;
  const bytes = await readWhole(sandbox, { path, bytesMax: limits.readBytesMax, asked: "edit" });
  const text = decode(bytes, path);
  // A file that ends every line with CRLF is searched and filled in its own way; models write LF.
  const crlf = /\r\n/.test(text) && !/(^|[^\r])\n/.test(text);
  const own = (part: string) => (crlf ? part.replace(/\r?\n/g, "\r\n") : part);
  const oldText = own(input.oldText);
  const newText = own(input.newText);
  if (oldText === newText)
    throw new Failure("tool", `Cannot edit ${JSON.stringify(path)}: old and new text are the same`);
  const places = occurrences(text, oldText);
  if (places.length === 0) throw notFound({ path, text, oldText });
  if (places.length > 1 && input.all !== true) {
    const lines = places.slice(0, linesShownMax).map((at) => lineOf(text, at));
    const more = places.length > linesShownMax ? ", …" : "";
    throw new Failure(
      "tool",
      `Cannot edit ${JSON.stringify(path)}: the text is there ${places.length} times, on lines ${lines.join(", ")}${more}`,
      {
        hint: "Give more of the text around the one that is meant, or set all to true",
      },
    );
  }
  const changed = text.split(oldText).join(newText);
  await sandbox.files.write(path, new TextEncoder().encode(changed));
  const head = `Edited ${path}: ${countText(places.length, "replacement")}`;
  return textResult(`${head}\n${renderDiff(text, { places, oldText, newText })}`);
}

/** The text with its byte order mark, which so stays where it is. */
function decode(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    throw new Failure("tool", `Cannot edit ${JSON.stringify(path)}: it is not UTF-8 text`, {
      hint: "Change it with a command in bash",
      cause: error,
    });
  }
}

function occurrences(text: string, part: string): number[] {
  const found: number[] = [];
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length)) found.push(at);
  return found;
}

/** Says where the text stands with other spaces, the commonest reason. */
function notFound({ path, text, oldText }: { path: string; text: string; oldText: string }): Failure {
  const lines = text.split("\n").map(squeezed);
  const wanted = oldText.split("\n").map(squeezed);
  while (wanted.length > 1 && wanted[0] === "") wanted.shift();
  while (wanted.length > 1 && wanted.at(-1) === "") wanted.pop();
  const near: number[] = [];
  for (let at = 0; at + wanted.length <= lines.length && near.length < linesShownMax; at++) {
    if (wanted[0] !== "" && wanted.every((line, index) => lines[at + index] === line)) near.push(at + 1);
  }
  return new Failure("tool", `Cannot edit ${JSON.stringify(path)}: the old text is not in it`, {
    hint:
      near.length === 0
        ? "Read the file again and copy the text exactly"
        : `With other spaces it stands on line ${near.join(", ")}: copy it exactly from there`,
  });
}

function squeezed(line: string): string {
  return line.replace(/\s+/g, " ").trim();
}

function lineOf(text: string, at: number): number {
  return text.slice(0, at).split("\n").length;
}
