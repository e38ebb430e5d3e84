// The seam at which what a turn says loses secrets, before the store, the model and the hub see it.
import type { TurnEvent } from "../../core/event.ts";
import type { Inbound, Outgoing, Receipt } from "../../core/message.ts";
import type { ImagePart, TextPart } from "../../core/transcript.ts";
import type { Tool } from "../../tools/tool.ts";
import type { Redactor } from "../../vault/redact.ts";

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

/**
 * The same event without secrets in any of its texts; pictures are passed as they are. A message without a secret stays
 * the same object, by which whoever reads the next turn's history knows it again.
 */
export function redactEvent(event: TurnEvent, redactor: Redactor): TurnEvent {
  const cleaned = clean(event, redactor) as TurnEvent;
  if (!("entry" in event && "entry" in cleaned) || event.entry?.kind !== "message") return cleaned;
  return { ...cleaned, entry: isSame(event.entry, cleaned.entry) ? event.entry : cleaned.entry };
}

function clean(value: unknown, redactor: Redactor): unknown {
  if (typeof value === "string") return redactor.exact(value);
  if (Array.isArray(value)) return value.map((item) => clean(item, redactor));
  if (value === null || typeof value !== "object") return value;
  if ("type" in value && value.type === "image") return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [redactor.exact(key), clean(item, redactor)]));
}

/** True when a cleaned value lost nothing. */
function isSame(before: unknown, after: unknown): boolean {
  if (typeof before !== "object" || before === null || typeof after !== "object" || after === null)
    return before === after;
  const [were, are] = [Object.entries(before), Object.entries(after)];
  return (
    were.length === are.length &&
    were.every(([key, value], index) => key === are[index]?.[0] && isSame(value, are[index]?.[1]))
  );
}

/**
 * What came in, without a secret in its words: it goes to the store, the model and the history like this. Ids and
 * references stay as they are, so that the same happening is known again. `exposed`: the sender's own words held one.
 */
export function redactInbound(inbound: Inbound, redactor: Redactor): { inbound: Inbound; exposed: boolean } {
  const { exact } = redactor;
  switch (inbound.kind) {
    case "message": {
      const { quote, files } = inbound;
      const text = exact(inbound.text);
      const named = files?.map((file) => ({ ...file, name: exact(file.name) }));
      const exposed = text !== inbound.text || named?.some(({ name }, n) => name !== files?.[n]?.name) === true;
      const more = {
        ...(quote === undefined ? {} : { quote: { ...quote, text: exact(quote.text) } }),
        ...(named === undefined ? {} : { files: named }),
      };
      return { inbound: { ...inbound, text, ...more }, exposed };
    }
    case "edit": {
      const text = exact(inbound.text);
      return { inbound: { ...inbound, text }, exposed: text !== inbound.text };
    }
    case "command": {
      const args = exact(inbound.args);
      return { inbound: { ...inbound, args }, exposed: args !== inbound.args };
    }
    default:
      return { inbound, exposed: false };
  }
}

/** What goes out, without a secret in its words. */
export function redactOutgoing(outgoing: Outgoing, redactor: Redactor): Outgoing {
  return clean(outgoing, redactor) as Outgoing;
}

/** A receipt whose words carry no secret. */
export function redactReceipt(receipt: Receipt, redactor: Redactor): Receipt {
  return clean(receipt, redactor) as Receipt;
}
