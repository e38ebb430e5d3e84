// The seam at which tool results lose secrets, before the store, the model and the hub see them.
import type { ImagePart, TextPart } from "../core/transcript.ts";
import type { Tool } from "../tools/tool.ts";
import type { Redactor } from "../vault/redact.ts";

/** The same tool, whose progress and result carry no secret. */
export function redactTool(tool: Tool, redactor: Redactor): Tool {
  const clean = (part: TextPart | ImagePart) =>
    part.type === "text" ? { ...part, text: redactor.exact(part.text) } : part;
  return {
    ...tool,
    async run(input, context) {
      const stream = redactor.stream();
      const output = (text: string) => {
        const shown = stream.push(text);
        if (shown !== "") context.output(shown);
      };
      const result = await tool.run(input, { ...context, output });
      const rest = stream.end();
      if (rest !== "") context.output(rest);
      return { ...result, content: result.content.map(clean) };
    },
  };
}
