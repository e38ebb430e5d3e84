// Chat commands on their way in: which one is called, and its effect with its "done" in one transaction.
import { Failure, failureData, failureText } from "../core/failure.ts";
import type { Inbound, Receipt } from "../core/message.ts";
import { excerpt } from "../core/words.ts";
import type { Command, CommandServices } from "./command.ts";
import type { AdapterTraits } from "./handle.ts";
import type { Resolved } from "./sessions.ts";

/** A command: what it reads first, then its effect and its "done" in one transaction. */
export async function receiveCommand(
  services: CommandServices,
  call: { inbound: Inbound; command: Command; args: string; owner: boolean; traits: AdapterTraits },
): Promise<Receipt> {
  const { store, book } = services;
  const { inbound, command, args, owner, traits } = call;
  if (command.ownerOnly === true && !owner) {
    return { state: "refused", reason: `/${command.name} is for the owner; your id here is ${inbound.sender.id}` };
  }
  const resolved: Resolved | undefined = store.transaction(() => book.resolve(inbound));
  if (resolved === undefined) return { state: "refused", reason: "No agent answers here" };
  try {
    const facts = { inbound, args: args.trim(), resolved, session: resolved.session, traits, owner };
    const effect = await command.run({ ...services, ...facts });
    return store.transaction((): Receipt => {
      const session = resolved.session?.id ?? null;
      const { input, fresh } = store.inputs.add(inbound, { state: "done", session, at: services.now() });
      if (!fresh) return { state: "duplicate", input: input.id };
      const answer = effect.apply?.() ?? effect.answer;
      return { state: "done", ok: true, input: input.id, ...(answer === undefined ? {} : { answer }) };
    });
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { state: "done", ok: false, answer: { markdown: failureText(failureData(error)) } };
  }
}

/** The command that an inbound calls: by kind, by `/name`, or by a bare word. */
export function findCommand(
  commands: readonly Command[],
  inbound: Inbound,
): { command: Command; args: string } | "unknown" | undefined {
  if (inbound.kind === "command") {
    const command = commands.find((known) => known.name === inbound.name);
    return command === undefined ? "unknown" : { command, args: inbound.args };
  }
  if (inbound.kind !== "message" || !inbound.addressed || inbound.event !== undefined) return undefined;
  const text = inbound.text.trim();
  const called = /^\/([a-z][a-z-]{0,30})(?:\s+([\s\S]*))?$/i.exec(text);
  const name = called?.[1]?.toLowerCase();
  // A path such as `/etc/hosts` is no command, and neither is a name that nobody has.
  const command = commands.find((known) =>
    name === undefined ? known.bare === true && known.name === text.toLowerCase() : known.name === name,
  );
  return command === undefined ? undefined : { command, args: called?.[2] ?? "" };
}

/** The answer to a command of the platform's menu that this program does not have. */
export function unknownCommand(inbound: Inbound): Receipt {
  const name = inbound.kind === "command" ? inbound.name : "";
  return { state: "refused", reason: `There is no command /${excerpt(name, 30)}; /help lists them` };
}
