// Hands a file of the sandbox to the chat.
import { posix } from "node:path";
import * as v from "valibot";
import { Failure } from "../core/failure.ts";
import { limits } from "../core/limits.ts";
import { fileName, oneLine } from "../workspace/names.ts";
import { readWhole } from "./files.ts";
import { bytesText } from "./quantity.ts";
import { defineTool, textResult } from "./tool.ts";

const schema = v.strictObject({
  path: v.pipe(v.string(), v.minLength(1, "The path is empty"), v.description("The file to send")),
  title: v.optional(v.pipe(v.string(), v.description("The name that people see; the file's own when left out"))),
  caption: v.optional(v.pipe(v.string(), v.maxLength(1000), v.description("A sentence shown with it"))),
});

/** The tool. */
export const attach = defineTool({
  name: "attach",
  description: `Sends a file to the chat, at most ${bytesText(limits.attachBytesMax)}. People see nothing of a file that is not attached.`,
  schema,
  title: (input) => oneLine(`attach ${input.path}`, 120),
  async run({ path, title, caption }, { sandbox, attach: send }) {
    const bytes = await readWhole(sandbox, { path, bytesMax: limits.attachBytesMax, asked: "attach" });
    // Platforms take no file without content.
    if (bytes.byteLength === 0) throw new Failure("tool", `Cannot attach ${JSON.stringify(path)}: it is empty`);
    const own = fileName(posix.basename(path));
    const name = title === undefined || title.trim() === "" ? own : withExtension(fileName(title), own);
    await send({ name, bytes, ...(caption === undefined ? {} : { caption }) });
    return textResult(`Attached ${name}, ${bytesText(bytes.byteLength)}`);
  },
});

/** A title that is a phrase still opens with the right program. */
function withExtension(title: string, own: string): string {
  const extension = posix.extname(own);
  return posix.extname(title) === "" ? fileName(`${title}${extension}`) : title;
}
