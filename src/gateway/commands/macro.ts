// /macro: texts that a person saved under a name, said again with one word.
import { limits } from "../../core/limits.ts";
import { excerpt } from "../../core/words.ts";
import type { MacroOwner } from "../../store/macros.ts";
import { buttons, type Command, type CommandCall, type CommandEffect, say } from "./command.ts";

const verbs = ["save", "set", "run", "list", "remove"];
const nameForm = /^[\p{L}\p{N}][\p{L}\p{N}_-]{0,31}$/u;
const usage = "`/macro save <name> <text>` saves one, `/macro <name>` says it, `/macro remove <name>` removes it.";

export const macro: Command = {
  name: "macro",
  args: "[save <name> <text> | run <name> | remove <name>]",
  summary: "Save a text under a name and say it again",
  run(call) {
    const [, verb = "", rest = ""] = /^(\S*)\s*([\s\S]*)$/.exec(call.args) ?? [];
    const [, name = "", text = ""] = /^(\S*)\s*([\s\S]*)$/.exec(rest) ?? [];
    if (verb === "" || verb === "list") return list(call);
    if (verb === "save" || verb === "set") return save(call, { name: name.normalize("NFC"), text: text.trim() });
    if (verb === "remove") return remove(call, name.normalize("NFC"));
    // What follows the name is said after the saved text.
    return verb === "run" ? runOne(call, { name, more: text }) : runOne(call, { name: verb, more: rest });
  },
};

function ownerOf({ inbound }: CommandCall): MacroOwner {
  return { adapter: inbound.adapter, user: inbound.sender.id };
}

function list(call: CommandCall): CommandEffect {
  const all = call.store.macros.list(ownerOf(call), limits.macrosMax);
  if (all.length === 0) return say(`You have no macros. ${usage}`);
  const rows = all.map(({ name, text }) => `- \`${name}\` — ${excerpt(text, 80)}`);
  return say(
    `Your macros:\n\n${rows.join("\n")}`,
    all.map(({ name }) => ({ value: `/macro run ${name}`, label: name })),
  );
}

function save(call: CommandCall, { name, text }: { name: string; text: string }): CommandEffect {
  const { store, now } = call;
  if (name === "" || text === "") return say(usage);
  if (!nameForm.test(name) || verbs.includes(name))
    return say(
      `${JSON.stringify(excerpt(name, 40))} cannot be a macro's name: letters, digits, \`-\` and \`_\`, at most 32, and none of ${verbs.join(", ")}.`,
    );
  if (text.length > limits.macroCharsMax)
    return say(`A macro may have ${limits.macroCharsMax} characters; this has ${text.length}.`);
  const owner = ownerOf(call);
  return {
    apply() {
      const known = store.macros.get(owner, name) !== undefined;
      if (!known && store.macros.list(owner, limits.macrosMax).length >= limits.macrosMax)
        return { markdown: `You have ${limits.macrosMax} macros already; \`/macro remove <name>\` makes room.` };
      store.macros.save(owner, { name, text, at: now() });
      return {
        markdown: `Saved. \`/macro ${name}\` says it.`,
        ...buttons([{ value: `/macro run ${name}`, label: `Say ${name}` }]),
      };
    },
  };
}

function remove(call: CommandCall, name: string): CommandEffect {
  if (name === "") return say(usage);
  return {
    apply: () => ({
      markdown: call.store.macros.remove(ownerOf(call), name) ? `Removed \`${name}\`.` : missing(name),
    }),
  };
}

function runOne(call: CommandCall, { name, more }: { name: string; more: string }): CommandEffect {
  const found = call.store.macros.get(ownerOf(call), name.normalize("NFC"));
  if (found === undefined) return say(missing(name));
  return { becomes: more.trim() === "" ? found.text : `${found.text}\n\n${more.trim()}` };
}

function missing(name: string): string {
  return `You have no macro ${JSON.stringify(excerpt(name, 40))}. \`/macro\` lists yours.`;
}
