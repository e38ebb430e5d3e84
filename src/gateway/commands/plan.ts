// /plan: turns that may only look, so that there is a plan before anything happens.
import { type Command, say } from "./command.ts";
import { change } from "./option.ts";

const off = [{ value: "/plan off", label: "Plan mode off" }];

export const plan: Command = {
  name: "plan",
  args: "[on | off | <1-10>]",
  summary: "Let the agent only read and plan, in at most so many steps, until /plan off",
  forAll: true,
  run(call) {
    const { args, session } = call;
    const isOn = session?.options.plan !== undefined;
    const steps = /^(?:[1-9]|10)$/.test(args) ? Number(args) : undefined;
    if (args === "" && isOn)
      return say("Plan mode is on: the agent only reads and plans. `/plan off` lets it work.", off);
    if (args === "off")
      return isOn
        ? change(call, { plan: undefined, markdown: "Plan mode is off: the agent may work again." })
        : say("Plan mode is off.");
    if (args !== "" && args !== "on" && steps === undefined)
      return say("`/plan` turns plan mode on, `/plan 5` asks for a plan of five steps (1 to 10), `/plan off` ends it.");
    const told = steps === undefined ? "" : ` The plan gets ${steps} step${steps === 1 ? "" : "s"}.`;
    const text = `Plan mode is on: from the next turn on the agent only reads and plans, until \`/plan off\`.${told}`;
    const effect = change(call, { plan: steps === undefined ? {} : { steps }, markdown: text });
    return {
      apply: () => {
        const answer = effect.apply?.();
        return answer === undefined ? undefined : { ...answer, choices: off };
      },
    };
  },
};
