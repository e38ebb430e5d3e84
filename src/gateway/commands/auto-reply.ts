// /auto-reply: in a group, answer messages that fit the rules although nobody addressed the agent.
import { limits } from "../../core/limits.ts";
import type { SessionOptions } from "../../core/session.ts";
import { excerpt } from "../../core/words.ts";
import { buttons, type Command, type CommandCall, type CommandEffect, say } from "./command.ts";

export const autoReply: Command = {
  name: "auto-reply",
  args: "[on [rules] | off]",
  summary: "In a group: answer without a mention, all messages or those that fit rules",
  least: "admin",
  run(call) {
    const { inbound, args, book, resolved, store } = call;
    if (inbound.conversation.kind !== "shared") return say("This is for groups: here every message is answered.");
    const [, verb = "", rest = ""] = /^(\S*)\s*([\s\S]*)$/.exec(args) ?? [];
    const rules = rest.trim();
    const current = store.transaction(() => book.base(resolved))?.options.autoReply;
    if (verb === "" || (verb === "status" && rules === "")) return status(current);
    if (verb === "off" && rules === "") return set(call, undefined);
    if (verb !== "on")
      return say(
        "`/auto-reply on` answers every message here, `/auto-reply on <rules>` those that fit, `/auto-reply off` ends it.",
      );
    if (rules.length > limits.rulesCharsMax)
      return say(`The rules may have ${limits.rulesCharsMax} characters; these have ${rules.length}.`);
    return set(call, { rules });
  },
};

function status(current: SessionOptions["autoReply"]): CommandEffect {
  if (current === undefined)
    return say(
      "Auto-reply is off: I answer mentions and replies. `/auto-reply on questions about cooking` sets rules.",
      [{ value: "/auto-reply on", label: "Answer everything" }],
    );
  return say(`Auto-reply is on: ${describe(current.rules)}.`, [{ value: "/auto-reply off", label: "Turn off" }]);
}

function set({ book, resolved, store }: CommandCall, autoReply: SessionOptions["autoReply"]): CommandEffect {
  return {
    apply() {
      const base = book.ensureBase(resolved);
      const { autoReply: _before, ...options } = base.options;
      store.sessions.set(base.id, { options: autoReply === undefined ? options : { ...options, autoReply } });
      if (autoReply === undefined) return { markdown: "Auto-reply is off: I answer mentions and replies." };
      return {
        markdown: `Auto-reply is on: ${describe(autoReply.rules)}.`,
        ...buttons([{ value: "/auto-reply off", label: "Turn off" }]),
      };
    },
  };
}

function describe(rules: string): string {
  return rules === "" ? "I answer every message here" : `I answer messages that fit “${excerpt(rules, 200)}”`;
}
