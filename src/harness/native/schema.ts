// Tools as models see them, and their arguments as tools expect them.
import { toJsonSchema } from "@valibot/to-json-schema";
import * as v from "valibot";
import type { Json, ToolCallPart } from "../../core/transcript.ts";
import type { ModelTool } from "../../models/model.ts";
import type { Tool } from "../../tools/tool.ts";
import { jsonChars } from "./context.ts";

const shownArgumentsCharsMax = 500;

/** Tools as models see them, and about how many characters they are. */
export interface ModelTools {
  tools: ModelTool[];
  chars: number;
}

/** Makes the model's form of tools; one schema is converted once in the life of the returned function. */
export function modelTools(): (tools: readonly Tool[]) => ModelTools {
  const known = new WeakMap<v.GenericSchema, { parameters: Json; chars: number }>();
  const parametersOf = (tool: Tool) => {
    let found = known.get(tool.schema);
    if (found === undefined) {
      // What JSON Schema cannot say (a transformation, a custom check) is checked here and not told to the model.
      const { $schema: _, ...schema } = toJsonSchema(tool.schema, { errorMode: "ignore", typeMode: "input" });
      // Through text, so that what is sent is plain JSON.
      const parameters = JSON.parse(JSON.stringify(schema)) as Json;
      found = { parameters, chars: jsonChars(parameters) };
      known.set(tool.schema, found);
    }
    return found;
  };
  return (tools) => {
    const forms = tools.map((tool) => ({ tool, ...parametersOf(tool) }));
    return {
      tools: forms.map(({ tool, parameters }) => ({ name: tool.name, description: tool.description, parameters })),
      chars: forms.reduce((sum, { tool, chars }) => sum + tool.description.length + chars, 0),
    };
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
