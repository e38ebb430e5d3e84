// Tools as models see them, and their arguments as tools expect them.
import { toJsonSchema } from "@valibot/to-json-schema";
import * as v from "valibot";
import type { Json, ToolCallPart } from "../../core/transcript.ts";
import type { ModelTool } from "../../models/model.ts";
import type { Tool } from "../../tools/tool.ts";

const shownArgumentsCharsMax = 500;

/** Makes the model's form of a tool; one schema is converted once in the life of the returned function. */
export function modelTools(): (tool: Tool) => ModelTool {
  const known = new WeakMap<v.GenericSchema, Json>();
  return (tool) => {
    let parameters = known.get(tool.schema);
    if (parameters === undefined) {
      // What JSON Schema cannot say (a transformation, a custom check) is checked here and not told to the model.
      const { $schema: _, ...schema } = toJsonSchema(tool.schema, { errorMode: "ignore", typeMode: "input" });
      // Through text, so that what is sent is plain JSON.
      parameters = JSON.parse(JSON.stringify(schema)) as Json;
      known.set(tool.schema, parameters);
    }
    return { name: tool.name, description: tool.description, parameters };
  };
}

/** A call that can run, or the sentence for the model why not. */
export type CheckedCall = { tool: Tool; input: unknown } | { refusal: string };

/** Finds the tool of a call and reads its arguments with the tool's schema. */
export function checkCall(call: ToolCallPart, tools: readonly Tool[]): CheckedCall {
  const tool = tools.find((one) => one.name === call.name);
  if (tool === undefined) {
    const names = tools.map((one) => one.name).join(", ");
    return { refusal: `There is no tool ${JSON.stringify(call.name)}. Tools: ${names === "" ? "none" : names}` };
  }
  let parsed = v.safeParse(tool.schema, call.arguments);
  // Models write null for what they leave out.
  if (!parsed.success) {
    const given = Object.entries(call.arguments).filter(([, value]) => value !== null);
    const again = v.safeParse(tool.schema, Object.fromEntries(given));
    if (again.success) parsed = again;
  }
  if (parsed.success) return { tool, input: parsed.output };
  const problems = parsed.issues.map((issue) => `- ${v.getDotPath(issue) ?? "arguments"}: ${issue.message}`).join("\n");
  const received = JSON.stringify(call.arguments).slice(0, shownArgumentsCharsMax);
  return {
    refusal: `The arguments do not fit the tool ${JSON.stringify(call.name)}, so it was not run:\n${problems}\nReceived: ${received}`,
  };
}
