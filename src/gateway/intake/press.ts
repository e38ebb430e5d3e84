// A pressed button is the command that it stands for, said in that place by whoever pressed it.
import type { Inbound } from "../../core/message.ts";
import type { Store } from "../../store/store.ts";
import { pressMark } from "../target.ts";

type Action = Inbound & { kind: "action" };
type Called = Inbound & { kind: "command" };

/** What a person is told who pressed a button that stands for nothing any more. */
export const stalePress = "This button is no longer valid";

/** The command of a pressed button; none when the message that it stood under is gone or was never ours. */
export function pressedCommand({ deliveries }: Pick<Store, "deliveries">, action: Action): Called | undefined {
  const { adapter, conversation, delivery, value } = action;
  const id = wholeNumber(delivery);
  const index = wholeNumber(value);
  if (id === undefined || index === undefined) return undefined;
  const choice = deliveries.choice(adapter, conversation.id, id, index);
  const line = /^\/([a-z][a-z-]{0,30})(?:\s+([\s\S]*))?$/.exec(choice?.value ?? "");
  if (line === null) return undefined;
  const { kind: _kind, delivery: _delivery, value: _value, thread: _thread, root: _root, ...base } = action;
  // Where the message stands, whatever the platform says of the press.
  const { thread, root } = deliveries.get(id)?.target ?? {};
  return {
    ...base,
    ...(thread === undefined ? {} : { thread }),
    ...(root === undefined ? {} : { root }),
    kind: "command",
    id: `${pressMark}${action.id}`,
    name: line[1] ?? "",
    args: line[2] ?? "",
  };
}

function wholeNumber(text: string): number | undefined {
  return /^[0-9]{1,15}$/.test(text) ? Number(text) : undefined;
}
