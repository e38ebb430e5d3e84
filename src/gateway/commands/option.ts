// /option: what holds for this session alone.
import { limits } from "../../core/limits.ts";
import { queueModes, type SessionOptions } from "../../core/session.ts";
import { excerpt } from "../../core/words.ts";
import { type Command, type CommandCall, type CommandEffect, say } from "./command.ts";
import { modeTexts } from "./queue.ts";

/** Shortest and longest time of a turn that can be chosen, in seconds. */
const secondsMin = 10;
const secondsMax = limits.commandMsMax / 1000;

export const option: Command = {
  name: "option",
  args: "[queue <mode> | timeout <seconds|off>]",
  summary: "Show or set what holds for this session alone",
  forAll: true,
  run(call) {
    const [name = "", ...rest] = call.args.split(/\s+/);
    const value = rest.join(" ").toLowerCase();
    if (name === "queue") return setQueue(call, value);
    if (name === "timeout") return setTimeLimit(call, value);
    const { queue = "steer", timeoutSeconds } = call.session?.options ?? {};
    const unknown = name === "" ? "" : `There is no option ${JSON.stringify(excerpt(name, 30))}. `;
    const time = timeoutSeconds === undefined ? "as in settings.json" : `${timeoutSeconds} seconds`;
    return say(
      `${unknown}Options of this session:\n\n- \`queue\` is \`${queue}\`: ${modeTexts[queue]}\n- \`timeout\`, the longest time of a turn: ${time}`,
      [
        ...queueModes
          .filter((mode) => mode !== queue)
          .map((mode) => ({ value: `/option queue ${mode}`, label: `Queue: ${mode}` })),
        { value: "/option timeout 600", label: "Timeout: 10 minutes" },
        ...(timeoutSeconds === undefined ? [] : [{ value: "/option timeout off", label: "Timeout: off" }]),
      ],
    );
  },
};

function setQueue(call: CommandCall, value: string): CommandEffect {
  const mode = queueModes.find((known) => known === value);
  if (mode === undefined) return say(`\`/option queue\` takes one of: ${queueModes.join(", ")}.`);
  return change(call, { queue: mode, markdown: `While a turn runs, ${modeTexts[mode]}.` });
}

function setTimeLimit(call: CommandCall, value: string): CommandEffect {
  if (value === "off")
    return change(call, { timeoutSeconds: undefined, markdown: "Turns of this session last as settings.json says." });
  const seconds = /^[0-9]{1,6}$/.test(value) ? Number(value) : 0;
  if (seconds < secondsMin || seconds > secondsMax)
    return say(`\`/option timeout\` takes ${secondsMin} to ${secondsMax} seconds, or \`off\`.`);
  return change(call, {
    timeoutSeconds: seconds,
    markdown: `From the next turn on, one ends after ${seconds} seconds.`,
  });
}

/** Sets options of the session here, which is made when there is none; what is `undefined` is taken away. */
export function change(
  { store, book, resolved }: CommandCall,
  { markdown, ...options }: { markdown: string } & { [Key in keyof SessionOptions]: SessionOptions[Key] | undefined },
): CommandEffect {
  return {
    apply() {
      const chosen = book.ensure(resolved);
      const changed = Object.entries({ ...chosen.options, ...options }).filter(([, value]) => value !== undefined);
      store.sessions.set(chosen.id, { options: Object.fromEntries(changed) });
      return { markdown };
    },
  };
}
