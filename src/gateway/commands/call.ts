// Chat commands on their way in: which one is called, and its effect with its "done" in one transaction.
import { atLeast, higher, type Role } from "../../access/roles.ts";
import { Failure, failureData, failureText } from "../../core/failure.ts";
import type { Inbound, Message, Outgoing, Receipt } from "../../core/message.ts";
import { ago, excerpt } from "../../core/words.ts";
import type { AdapterTraits } from "../handle.ts";
import type { Answering } from "../intake/answering.ts";
import type { ArrivalDeps } from "../intake/receive.ts";
import { currentInbound } from "../moving.ts";
import type { Resolved } from "../sessions.ts";
import type { Command, CommandServices } from "./command.ts";

/** What commands are received with. */
export interface CallDeps extends CommandServices, Pick<ArrivalDeps, "enter"> {
  answering: Answering;
  /** Takes a message that a command turned out to stand for. */
  say(message: Message): Promise<Receipt>;
}

/** One call, and how it came. */
export interface Call {
  inbound: Inbound;
  command: Command;
  args: string;
  role: Role;
  traits: AdapterTraits;
  /** By how much it was missed, in milliseconds. */
  missedMs: number | undefined;
}

/** A command: what it reads first, then its effect and its "done" in one transaction. */
export async function receiveCommand(deps: CallDeps, call: Call): Promise<Receipt> {
  const { store, book } = deps;
  const { inbound, command, args, role, traits } = call;
  const known = store.inputs.find(inbound);
  if (known !== undefined) return { state: "duplicate", input: known };
  const refused = refusal(call);
  if (refused !== undefined) return finish(deps, call, { refused });
  const resolved: Resolved | undefined = store.transaction(() => book.resolve(inbound));
  if (resolved === undefined) return finish(deps, call, { refused: "No agent answers here" });
  try {
    const facts = { inbound, args: args.trim(), resolved, session: resolved.session, traits, role };
    const effect = await command.run({ ...deps, ...facts, owner: role === "owner" });
    if (effect.becomes !== undefined) return await deps.say(spoken(inbound, effect.becomes));
    const receipt = finish(deps, call, {
      session: resolved.session?.id,
      apply: () => effect.apply?.() ?? effect.answer,
    });
    if (receipt.state === "done") effect.after?.();
    return receipt;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return finish(deps, call, { failed: failureText(failureData(error)) });
  }
}

/** Why a call is not run. What a person may not use is said with their id, by which somebody can give them the right. */
function refusal({ inbound, command, role, missedMs }: Call): string | undefined {
  // Guests of a room may ask the agent there, and not decide what holds for the others.
  const common = command.forAll === true && inbound.conversation.kind === "shared" ? "member" : "none";
  const least = command.ownerOnly === true ? "owner" : higher(command.least ?? "none", common);
  if (!atLeast(role, least)) {
    const who = { owner: "the owner", admin: "the owner and admins", member: "members", none: "everybody" }[least];
    return `/${command.name} is for ${who}; your id here is ${inbound.sender.id}`;
  }
  if (missedMs === undefined) return undefined;
  return `/${command.name} was sent ${ago(missedMs)}, while I was away, and was not run`;
}

/** In one transaction: the effect, its "done", and the answer on its way where the door does not show receipts. */
function finish(
  { store, answering, enter, now }: CallDeps,
  { inbound, traits }: Call,
  end: {
    refused?: string;
    failed?: string;
    session?: number | undefined;
    apply?: () => Outgoing | undefined;
  },
): Receipt {
  return store.transaction((): Receipt => {
    const admission = enter(inbound, traits);
    if (!admission.admitted) return { state: "refused", reason: admission.reason };
    if (end.refused !== undefined) return answering.refuse(inbound, traits, end.refused);
    // Its conversation may have got another id while the command ran.
    const { input, fresh } = store.inputs.add(currentInbound(store, inbound), {
      state: "done",
      session: end.session ?? null,
      at: now(),
    });
    if (!fresh) return { state: "duplicate", input: input.id };
    const answer = end.failed === undefined ? end.apply?.() : { markdown: end.failed };
    if (answer !== undefined) answering.reply(inbound, traits, answer);
    const ok = end.failed === undefined;
    return { state: "done", ok, input: input.id, ...(answer === undefined ? {} : { answer }) };
  });
}

/** A command as the message that it stands for, by whoever called it. */
function spoken(inbound: Inbound, text: string): Message {
  const { adapter, conversation, thread, root, id, sender, sentAt } = inbound;
  return {
    kind: "message",
    adapter,
    conversation,
    id,
    sender,
    sentAt,
    text,
    addressed: true,
    ...(thread === undefined ? {} : { thread }),
    ...(root === undefined ? {} : { root }),
    ...(inbound.kind === "message" && inbound.replyTo !== undefined ? { replyTo: inbound.replyTo } : {}),
    ...(inbound.kind === "message" && inbound.files !== undefined ? { files: inbound.files } : {}),
  };
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

/** Why a command of the platform's menu is not run that this program does not have. */
export function unknownCommand(inbound: Inbound): string {
  const name = inbound.kind === "command" ? inbound.name : "";
  return `There is no command /${excerpt(name, 30)}; /help lists them`;
}
