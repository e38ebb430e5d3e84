// /batch: collects several messages and sends them as one.
import { publicId } from "../../core/ids.ts";
import { limits } from "../../core/limits.ts";
import type { Input, Session } from "../../core/session.ts";
import { heldOf } from "../intake/receive.ts";
import { type Command, type CommandCall, type CommandEffect, say } from "./command.ts";

const choices = [
  { value: "/batch send", label: "Send" },
  { value: "/batch cancel", label: "Cancel" },
];

export const batch: Command = {
  name: "batch",
  args: "start | send | cancel | status",
  summary: "Collect several messages and send them as one",
  run(call) {
    const { args, inbound, store, book, resolved } = call;
    const base = store.transaction(() => book.base(resolved));
    const collects = base?.options.batch?.includes(inbound.sender.id) === true;
    const held = base === undefined ? [] : heldOf(store, { session: base.id, why: "batch", user: inbound.sender.id });
    if (args === "start") return collects ? say(`A batch is open already, with ${count(held)}.`, choices) : start(call);
    if (args !== "" && args !== "status" && args !== "send" && args !== "done" && args !== "cancel")
      return say("`/batch start` collects your messages, `/batch send` sends them as one, `/batch cancel` drops them.");
    if (base === undefined || !collects) return say("No batch is open. `/batch start` begins one.");
    if (args === "" || args === "status") return say(`Your batch has ${count(held)}.`, choices);
    return args === "cancel" ? cancel(call, { base, held }) : send(call, { base, held });
  },
};

/** A sentence about what is collected in the session that a place leaves, to stand behind an answer; empty when nothing is. */
export function batchLeft({ store }: Pick<CommandCall, "store">, session: Session | undefined): string {
  if (session?.options.batch === undefined) return "";
  const held = heldOf(store, { session: session.id, why: "batch" });
  if (held.length === 0) return " No batch is open here any more.";
  const id = publicId(session.id);
  return ` An open batch with ${count(held)} stays in ${id}: \`/switch ${id}\`, then \`/batch send\`.`;
}

function start({ inbound, store, book, resolved }: CommandCall): CommandEffect {
  return {
    apply() {
      const base = book.ensureBase(resolved);
      const people = [...(base.options.batch ?? []), inbound.sender.id].slice(-limits.batchMax);
      store.sessions.set(base.id, { options: { ...base.options, batch: people } });
      return { markdown: `I collect your messages, up to ${limits.batchMax}, until \`/batch send\`.`, choices };
    },
  };
}

function cancel(call: CommandCall, { base, held }: { base: Session; held: readonly Input[] }): CommandEffect {
  return {
    apply() {
      close(call, base);
      for (const { id } of held) call.store.inputs.set(id, "removed");
      return { markdown: `The batch is dropped, with ${count(held)}.` };
    },
    after: () => call.onGone(held.map(({ id }) => id)),
  };
}

function send(call: CommandCall, { base, held }: { base: Session; held: readonly Input[] }): CommandEffect {
  const [first] = held;
  if (first === undefined) return say("The batch is empty. Write something first, or `/batch cancel`.", choices);
  let release: (() => void) | undefined;
  return {
    apply() {
      close(call, base);
      // As one: all of them belong where the first does.
      const { root } = first.inbound;
      const together = held.map((input) => ({
        ...input,
        inbound: root === undefined ? input.inbound : { ...input.inbound, root },
      }));
      release = call.release(together);
      return { markdown: `Sent: ${count(held)}.` };
    },
    after: () => release?.(),
  };
}

function close({ store, inbound }: CommandCall, base: Session): void {
  const people = (base.options.batch ?? []).filter((id) => id !== inbound.sender.id);
  const { batch: _batch, ...options } = base.options;
  store.sessions.set(base.id, { options: people.length === 0 ? options : { ...options, batch: people } });
}

function count(held: readonly Input[]): string {
  return `${held.length} message${held.length === 1 ? "" : "s"}`;
}
