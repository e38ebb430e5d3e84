// /model: shows or sets the language model of this session.
import { formatModelName, isThinkingLevel, parseModelName } from "../../core/model-name.ts";
import { type Command, type CommandCall, type CommandEffect, say } from "./command.ts";

/** How many models are listed. */
const shownMax = 30;

export const model: Command = {
  name: "model",
  args: "[provider/name[:level] | level]",
  summary: "Show or set this session's model and thinking level",
  least: "admin",
  async run(call) {
    const { args, modelOf, session, checkModel, availableModels, book, resolved, store, queue } = call;
    const current = modelOf(session);
    if (args === "") return show(call, current);
    const wanted = isThinkingLevel(args) ? { ...parseModelName(current), level: args } : parseModelName(args);
    const info = await checkModel(formatModelName(wanted));
    const usable = await availableModels();
    const keyless = usable.some((found) => found.provider === info.provider)
      ? ""
      : ` It has no key yet, so it cannot answer; \`/model ${current}\` goes back.`;
    const later =
      session !== undefined && queue.active(session.id) !== undefined
        ? " The running turn still ends with the old one."
        : "";
    return {
      apply() {
        const chosen = book.ensure(resolved);
        store.sessions.set(chosen.id, { model: formatModelName(wanted) });
        const mapped = wanted.level !== undefined && !info.levels.includes(wanted.level);
        const note = mapped ? ` It does not think at level ${wanted.level}; the nearest it has is used.` : "";
        return { markdown: `This session now uses \`${formatModelName(wanted)}\`.${note}${keyless}${later}` };
      },
    };
  },
};

async function show({ availableModels }: CommandCall, current: string): Promise<CommandEffect> {
  const all = await availableModels();
  const names = all.map(({ provider, name }) => `${provider}/${name}`);
  const rows = all.slice(0, shownMax).map((info) => `- \`${info.provider}/${info.name}\` ${info.label}`);
  const more = all.length > shownMax ? `\n\n… and ${all.length - shownMax} more` : "";
  return say(
    `This session uses \`${current}\`. Models that can be used:\n\n${rows.join("\n")}${more}\n\n\`/model provider/name:level\` sets one; levels are off, minimal, low, medium, high, xhigh.`,
    names.filter((name) => name !== current).map((name) => ({ value: `/model ${name}`, label: name })),
  );
}
