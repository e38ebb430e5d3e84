// Reads and adds to MEMORY.md, of the workspace or of this conversation.
import * as v from "valibot";
import { Failure } from "../core/failure.ts";
import { oneLine } from "../workspace/names.ts";
import { defineTool, textResult } from "./tool.ts";

const schema = v.strictObject({
  action: v.pipe(
    v.picklist(["append", "read", "replace"], 'The action is "append", "read" or "replace"'),
    v.description("What to do"),
  ),
  scope: v.pipe(
    v.picklist(["workspace", "conversation"], 'The scope is "workspace" or "conversation"'),
    v.description("workspace: for every conversation; conversation: for this one"),
  ),
  old: v.optional(v.pipe(v.string(), v.description("For replace: the exact text that stands there"))),
  text: v.optional(
    v.pipe(v.string(), v.description("What to remember; for replace what comes instead, empty to forget it")),
  ),
});

/** The tool. */
export const memory = defineTool({
  name: "memory",
  effect: "lasting",
  description:
    "Remembers something for later conversations, in MEMORY.md. What is there already stands in your instructions. To change or remove something of this conversation's, edit its MEMORY.md.",
  schema,
  title: (input) => {
    if (input.action === "read") return `read ${input.scope} memory`;
    const forget = input.action === "replace" && (input.text ?? "").trim() === "";
    return oneLine(forget ? `forget: ${input.old ?? ""}` : `remember: ${input.text ?? ""}`, 120);
  },
  async run({ action, scope, old, text }, context) {
    if (action === "read") {
      const kept = await context.memory.read(scope);
      return textResult(kept === "" ? "(nothing is remembered yet)" : kept);
    }
    if (action === "replace") {
      await context.memory.replace(scope, { old: old ?? "", text: text ?? "" });
      return textResult((text ?? "").trim() === "" ? "Forgotten" : "Changed");
    }
    if (text === undefined || text.trim() === "") throw new Failure("tool", "Cannot remember this: `text` is empty");
    await context.memory.append(scope, text.trim());
    return textResult(`Remembered for ${scope === "workspace" ? "every conversation" : "this conversation"}`);
  },
});
