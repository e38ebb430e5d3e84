// The middle of the house: admits what comes in, stores it, finds its session, runs its turn.
import type { Admission } from "../access/admission.ts";
import { Failure, failureData, failureText } from "../core/failure.ts";
import type { InputId } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import type { FileRef, Inbound, Receipt } from "../core/message.ts";
import type { Session } from "../core/session.ts";
import { excerpt } from "../core/words.ts";
import type { Command, CommandServices } from "./command.ts";
import type { AdapterTraits } from "./handle.ts";
import { createQueue } from "./queue.ts";
import { redactReceipt } from "./redacting.ts";
import { type Resumed, resumeTurns, wakeWaiting } from "./resume.ts";
import { createSessionBook, type Resolved } from "./sessions.ts";
import { isStop, stopHere } from "./stop.ts";
import { startTurn, type TurnDeps } from "./turn.ts";

/** What the gateway is made of. */
export interface GatewayDeps
  extends Omit<TurnDeps, "next">,
    Pick<
      CommandServices,
      | "modelOf"
      | "checkModel"
      | "availableModels"
      | "memory"
      | "statusLines"
      | "killBackground"
      | "backgroundOf"
      | "confirmText"
      | "confirmTools"
    > {
  commands: readonly Command[];
  admit(inbound: Inbound, traits: AdapterTraits): Admission;
  /** Stores bytes as an attachment of a conversation. */
  keepFile(inbound: Inbound, file: { name: string; bytes: Uint8Array }): Promise<FileRef>;
  /** The history view; never throws. */
  onInbound(inbound: Inbound): void;
  /** Waiting inputs were removed and start no turn; never throws. */
  onGone(inputs: InputId[]): void;
  turnsParallelMax?: number;
}

export type Gateway = ReturnType<typeof createGateway>;

/** The gateway. `resume` is called once, when every part is up. */
export function createGateway(deps: GatewayDeps) {
  const { store, clock, log } = deps;
  const book = createSessionBook({ store, clock });
  const queue = createQueue({
    store,
    clock,
    log,
    turnsParallelMax: deps.turnsParallelMax ?? limits.turnsParallelMax,
    start: (parts) => startTurn({ ...deps, next: (row) => queue.next(row) }, parts),
  });
  const services: CommandServices = { ...deps, queue, book, now: () => clock.now() };

  /** A message that starts or joins a turn. */
  const receiveMessage = async (inbound: Inbound & { kind: "message" }): Promise<Receipt> => {
    // Nothing is kept for what came before.
    const message = store.inputs.has(inbound) ? inbound : await withinLimits(deps, inbound);
    // The turn that it starts is stored with it: one commit, and a person waits for each.
    const { receipt, start } = store.transaction(() => {
      const receipt = place(message);
      return { receipt, start: receipt.state === "waiting" ? queue.begin(receipt.session) : undefined };
    });
    start?.();
    if (receipt.state === "waiting" || receipt.state === "context") deps.onInbound(message);
    return receipt;
  };

  /** Inside the transaction: finds the session of a message and stores it there. */
  const place = (message: Inbound & { kind: "message" }): Receipt => {
    const resolved = book.resolve(message);
    if (resolved === undefined) return { state: "refused", reason: "No agent answers here" };
    const triggers = message.addressed || resolved.wiring.trigger === "all";
    if (!triggers && resolved.wiring.unmatched === "drop")
      return { state: "refused", reason: "The agent was not addressed" };
    const session =
      message.fresh === true ? book.apart(resolved, message) : triggers ? book.ensure(resolved) : resolved.session;
    if (triggers && session !== undefined && store.inputs.waitingCount(session.id) >= limits.waitingMax) {
      return {
        state: "refused",
        reason: `${limits.waitingMax} messages wait already; /queue shows them, /stop ends the turn`,
      };
    }
    return add(message, { session, triggers });
  };

  /** Inside the transaction: the input, its place, and the message for search. */
  const add = (
    message: Inbound & { kind: "message" },
    { session, triggers }: { session: Session | undefined; triggers: boolean },
  ): Receipt => {
    const at = clock.now();
    const state = triggers ? "waiting" : "context";
    const { input, fresh } = store.inputs.add(message, { state, session: session?.id ?? null, at });
    if (!fresh) return { state: "duplicate", input: input.id };
    store.messages.add({
      adapter: message.adapter,
      conversation: message.conversation.id,
      external: message.id,
      session: session?.id ?? null,
      turn: null,
      direction: "in",
      sender: message.sender.name,
      at: message.sentAt,
      text: deps.redactor.exact(message.text),
    });
    if (!triggers || session === undefined) return { state: "context", input: input.id };
    store.sessions.touch(session.id, {
      at,
      title: excerpt(deps.redactor.exact(message.text), 60),
    });
    return { state: "waiting", input: input.id, session: session.id, place: store.inputs.waitingCount(session.id) };
  };

  /** An edit: of a waiting input it replaces the text, of a running one it steers, later it is history. */
  const receiveEdit = (inbound: Inbound & { kind: "edit" }): Receipt => {
    const receipt = store.transaction((): Receipt => {
      const at = clock.now();
      const original = store.inputs.message(inbound.adapter, {
        conversation: inbound.conversation.id,
        id: inbound.target,
      });
      const session = original?.session ?? null;
      if (original?.state === "waiting" && original.inbound.kind === "message") {
        store.inputs.replaceBody(original.id, { ...original.inbound, text: inbound.text });
        const { input, fresh } = store.inputs.add(inbound, { state: "done", session, at });
        return fresh ? { state: "done", ok: true, input: input.id } : { state: "duplicate", input: input.id };
      }
      const steers = original?.state === "taken" && session !== null;
      const { input, fresh } = store.inputs.add(inbound, { state: steers ? "waiting" : "context", session, at });
      if (!fresh) return { state: "duplicate", input: input.id };
      return steers ? { state: "waiting", input: input.id, session, place: 1 } : { state: "context", input: input.id };
    });
    if (receipt.state === "waiting") queue.wake(receipt.session);
    return receipt;
  };

  /** A delete takes a waiting input back; of anything later it is only recorded. So are reactions. */
  const receiveOther = (inbound: Inbound): Receipt =>
    store.transaction((): Receipt => {
      const at = clock.now();
      const target = inbound.kind === "delete" ? inbound.target : undefined;
      const original =
        target === undefined
          ? undefined
          : store.inputs.message(inbound.adapter, { conversation: inbound.conversation.id, id: target });
      const { input, fresh } = store.inputs.add(inbound, { state: "context", session: original?.session ?? null, at });
      if (fresh && original?.state === "waiting") store.inputs.set(original.id, "removed");
      return { state: fresh ? "context" : "duplicate", input: input.id };
    });

  /** A command: what it reads first, then its effect and its "done" in one transaction. */
  const receiveCommand = async (
    inbound: Inbound,
    { command, args, owner, traits }: { command: Command; args: string; owner: boolean; traits: AdapterTraits },
  ): Promise<Receipt> => {
    if (command.ownerOnly === true && !owner) {
      return { state: "refused", reason: `/${command.name} is for the owner; your id here is ${inbound.sender.id}` };
    }
    const resolved: Resolved | undefined = store.transaction(() => book.resolve(inbound));
    if (resolved === undefined) return { state: "refused", reason: "No agent answers here" };
    try {
      const call = { ...services, inbound, args: args.trim(), resolved, session: resolved.session, traits, owner };
      const effect = await command.run(call);
      return store.transaction((): Receipt => {
        const session = resolved.session?.id ?? null;
        const { input, fresh } = store.inputs.add(inbound, { state: "done", session, at: clock.now() });
        if (!fresh) return { state: "duplicate", input: input.id };
        const answer = effect.apply?.() ?? effect.answer;
        return { state: "done", ok: true, input: input.id, ...(answer === undefined ? {} : { answer }) };
      });
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      return { state: "done", ok: false, answer: { markdown: failureText(failureData(error)) } };
    }
  };

  const receive = async (inbound: Inbound, traits: AdapterTraits): Promise<Receipt> => {
    const admission = deps.admit(inbound, traits);
    if (!admission.admitted) return { state: "refused", reason: admission.reason };
    const stop = isStop(inbound);
    if (stop !== undefined) return stopHere({ ...deps, queue, book }, { inbound, all: stop.all });
    const called = findCommand(deps.commands, inbound);
    if (called === "unknown") return unknownCommand(inbound);
    if (called !== undefined) return receiveCommand(inbound, { ...called, owner: admission.role === "owner", traits });
    if (inbound.kind === "message") return receiveMessage(inbound);
    if (inbound.kind === "edit")
      return receiveEdit({ ...inbound, text: cleanText(inbound.text).slice(0, limits.inputCharsMax) });
    return receiveOther(inbound);
  };

  return {
    /**
     * Takes one outside happening. When it resolves, the happening is stored (or refused) and may be
     * acknowledged to the platform. @throws Failure `store` when it could not be stored.
     */
    receive: async (inbound: Inbound, traits: AdapterTraits): Promise<Receipt> =>
      redactReceipt(await receive(inbound, traits), deps.redactor),
    /** Goes on with what the last process left. */
    resume: (crashLoop: boolean): Resumed => resumeTurns({ ...deps, queue }, crashLoop),
    /** See `Queue.close`. */
    close: (drainMs: number) => queue.close(drainMs),
    hurry: () => queue.hurry(),
    running: () => queue.running(),
    runningIn: (session: number) => queue.active(session),
    /** The session that a place leads to now. */
    sessionAt: book.find,
    /** Starts what waits; after a crash loop nothing does so by itself for a while. */
    wakeWaiting: () => wakeWaiting({ store, queue }),
    /** Sets the working folder of the session at a place; makes the session when there is none. */
    useFolder(inbound: Inbound, folder: string): Session | undefined {
      return store.transaction(() => {
        const resolved = book.resolve(inbound);
        if (resolved === undefined) return undefined;
        const session = resolved.session ?? book.create(resolved, { folder });
        if (session.folder !== folder) store.sessions.set(session.id, { folder });
        return { ...session, folder };
      });
    },
  };
}

/** The command that an inbound calls: by kind, by `/name`, or by a bare word. */
function findCommand(
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

function unknownCommand(inbound: Inbound): Receipt {
  const name = inbound.kind === "command" ? inbound.name : "";
  return { state: "refused", reason: `There is no command /${excerpt(name, 30)}; /help lists them` };
}

/** Text without halves of characters and without NUL, which no part further in would take. */
function cleanText(text: string): string {
  return text.toWellFormed().replaceAll("\u0000", "");
}

/** A text beyond the limit becomes a file that the agent can read, with its beginning in the message. */
async function withinLimits(
  deps: GatewayDeps,
  inbound: Inbound & { kind: "message" },
): Promise<Inbound & { kind: "message" }> {
  const text = cleanText(inbound.text);
  if (text.length <= limits.inputCharsMax) return { ...inbound, text };
  const file = await deps.keepFile(inbound, { name: "message.txt", bytes: new TextEncoder().encode(text) });
  const head = text.slice(0, limits.inputHeadChars).toWellFormed();
  return {
    ...inbound,
    text: `${head}…\n\n[The message has ${text.length} characters; all of it is in the attached file.]`,
    files: [...(inbound.files ?? []), file],
  };
}
