// Writes a whole file in the sandbox.
import * as v from "valibot";
import { oneLine } from "../workspace/names.ts";
import { lockName, type PathLock } from "./files.ts";
import { bytesText, countText } from "./quantity.ts";
import { defineTool, type Tool, textResult } from "./tool.ts";

const schema = v.strictObject({
  path: v.pipe(v.string(), v.minLength(1, "The path is empty"), v.description("The file; folders above it are made")),
  content: v.pipe(v.string(), v.description("All of the file's new content")),
});

/** The tool; `lock` is shared with those that change files too. */
export function createWrite({ lock }: { lock: PathLock }): Tool {
  return defineTool({
    name: "write",
    effect: "inside",
    description: "Writes a file as a whole, replacing what was there. Change a part of a file with edit instead.",
    schema,
    title: (input) => oneLine(`write ${input.path}`, 120),
    async run({ path, content }, { sandbox }) {
      const bytes = new TextEncoder().encode(content);
      await lock(lockName(sandbox, path), () => sandbox.files.write(path, bytes));
      const lines = content === "" ? 0 : content.split("\n").length - (content.endsWith("\n") ? 1 : 0);
      return textResult(`Wrote ${path}: ${countText(lines, "line")}, ${bytesText(bytes.byteLength)}`);
    },
  });
}
