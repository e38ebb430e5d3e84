// The middle of the house: admits what comes in, stores it, finds its session, runs its turn.
import type { Admission } from "../access/admission.ts";
import { presented } from "../access/pairing.ts";
import { atLeast, type Role } from "../access/roles.ts";
import { errorText } from "../core/failure.ts";
import type { InputId } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import type { Inbound, Message, Receipt } from "../core/message.ts";
import type { Input, Session, TurnRow } from "../core/session.ts";
import { type Behind, untilAlone } from "../core/succession.ts";
import type { Log } from "../sys/log.ts";
import { findCommand, receiveCommand, unknownCommand } from "./commands/call.ts";
import type { Command, CommandServices } from "./commands/command.ts";
import type { AdapterTraits } from "./handle.ts";
import { createAnswering } from "./intake/answering.ts";
import { type ConsiderDeps, createConsider } from "./intake/auto-reply.ts";
import { receiveEdit, receiveOther } from "./intake/edit.ts";
import { type EntryDeps, fromDoor } from "./intake/entry.ts";
import { type ExposedDeps, takeExposed, tellExposed } from "./intake/exposed.ts";
import { createFetching, type FetchingDeps } from "./intake/fetching.ts";
import { createLateness } from "./intake/missed.ts";
import { createPeople, type PeopleDeps } from "./intake/people.ts";
import { pressedCommand, stalePress } from "./intake/press.ts";
import { type ReceiveDeps, receiveMessage, releaseInputs } from "./intake/receive.ts";
import { currentInbound, type MovingDeps, moveConversation } from "./moving.ts";
import { createQueue } from "./queue/queue.ts";
import { createSessionBook } from "./sessions.ts";
import { redactInbound, redactReceipt } from "./turns/redacting.ts";
import { type Resumed, resumeTurns, wakeWaiting } from "./turns/resume.ts";
import { guardMemory } from "./turns/services.ts";
import { isStop, type StopCall, type StopDeps, stopHere } from "./turns/stop.ts";
import { startTurn, type TurnDeps } from "./turns/turn.ts";

/** What the gateway is made of. */
export interface GatewayDeps
  extends Omit<TurnDeps, "next" | "permits" | "onWait" | "setting">,
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
      | "agents"
      | "sendAgain"
      | "sessionPage"
    >,
    Pick<ReceiveDeps, "keepFile" | "onInbound" | "heard">,
    Pick<FetchingDeps, "fetchFile" | "room">,
    Pick<EntryDeps, "door" | "deliver">,
    Pick<PeopleDeps, "onAnswered">,
    Pick<ConsiderDeps, "judge">,
    Pick<ExposedDeps, "takeAway">,
    Pick<StopDeps, "sayUnstored">,
    Pick<MovingDeps, "movedOut"> {
  commands: readonly Command[];
  /** `guest`: the turn is for somebody whom nobody let in by name. */
  setting(turn: TurnRow, session: Session, whose: { guest: boolean }): ReturnType<TurnDeps["setting"]>;
  /** What is true of a door, for what is said to its people later. */
  traits(adapter: string): AdapterTraits;
  /** Waiting inputs were removed and start no turn; never throws. */
  onGone(inputs: InputId[]): void;
  turnsParallelMax?: number;
}

export type Gateway = ReturnType<typeof createGateway>;

/** The gateway. `resume` is called once, when every part is up. */
export function createGateway(deps: GatewayDeps) {
  const { store, clock, log } = deps;
  const book = createSessionBook({ store, clock });
  const answering = createAnswering(deps);
  const lateness = createLateness({ clock, facts: store.facts });
  const fetching = createFetching({
    ...deps,
    onFetched({ id, session }) {
      const input = store.inputs.get(id);
      if (input?.state === "waiting") deps.onInbound(input.inbound);
      if (session !== null) queue.wake(session);
    },
    tell: (inbound, markdown) => answering.reply(inbound, deps.traits(inbound.adapter), { markdown }),
  });
  const queue = createQueue({
    store,
    clock,
    log,
    turnsParallelMax: deps.turnsParallelMax ?? limits.turnsParallelMax,
    start: (parts) =>
      startTurn(
        {
          ...deps,
          next: (row, taken) => queue.next(row, taken),
          permits: (turn) => permits.of(turn),
          // Every agent reads it: the right to one agent is none to that.
          services: (row, sandbox) =>
            guardMemory(deps.services(row, sandbox), () => entry.requester({ ...row, agent: "" })),
          setting: (row, session) => deps.setting(row, session, { guest: isGuest(entry.requester(row)) }),
          onWait: () => queue.freed(),
        },
        parts,
      ),
    fetch: fetching.begin,
    ...(deps.onStored === undefined ? {} : { onStored: deps.onStored }),
  });
  const release = (inputs: readonly Input[]) => releaseInputs({ ...deps, book, queue, fetching }, inputs);
  const onGone = (inputs: InputId[]) => {
    fetching.drop(inputs);
    deps.onGone(inputs);
  };
  const consider = createConsider({ ...deps, release });
  const middle = { ...deps, queue, book, answering, fetching, release, consider, onGone, now: () => clock.now() };
  const isCommand = (inbound: Inbound) =>
    isStop(inbound) !== undefined || findCommand(deps.commands, inbound) !== undefined;
  const { entry, permits, questions, answerQuestion } = createPeople({ ...middle, isCommand });
  const over = new AbortController();
  const services = { ...middle, answerQuestion, enter: entry.judge };

  /** What was let in, by what it is. */
  const route = async (
    inbound: Exclude<Inbound, { kind: "action" }>,
    { traits, role, behind }: { traits: AdapterTraits; role: Role; behind?: Behind },
  ): Promise<Receipt> => {
    const known = store.inputs.find(inbound);
    const missedMs = traits.live || known !== undefined ? undefined : lateness.of(inbound, traits);
    const arrival = { traits, missedMs, behind };
    const called = findCommand(deps.commands, inbound);
    if (called === "unknown")
      return store.transaction(() => answering.refuse(inbound, traits, unknownCommand(inbound)));
    if (called !== undefined) {
      const say = (message: Message) =>
        receiveMessage(services, message, { ...arrival, known: store.inputs.find(message) });
      return receiveCommand({ ...services, say }, { inbound, ...called, ...arrival, role });
    }
    if (inbound.kind === "message") return receiveMessage(services, inbound, { ...arrival, known });
    if (inbound.kind === "edit") return receiveEdit(services, inbound);
    return receiveOther(services, inbound);
  };

  const receive = async (raw: Inbound, traits: AdapterTraits, behind?: Behind): Promise<Receipt> => {
    const { inbound: said, exposed } = redactInbound(raw, deps.redactor);
    const stop = isStop(said);
    const command = stop !== undefined || findCommand(deps.commands, said) !== undefined;
    const inbound = book.rooted(said, { traits, command });
    const admission = entry.judge(inbound, traits);
    // Before anything is stored: a full disk must not break a stop.
    if (stop !== undefined && admission.admitted) return halt(inbound, { ...stop, traits, role: admission.role });
    // All but plain messages goes by what the store says: what is before it must be stored by then.
    if (behind !== undefined && !(isPlain(inbound, { command }) && admission.admitted)) {
      await untilAlone(behind);
      return receive(raw, traits);
    }
    const met = entry.meet(inbound, { traits, admission });
    if (met !== undefined) return met;
    if (!admission.admitted) return { state: "refused", reason: admission.reason };
    if (exposed) tellExposed(services, inbound, traits);
    const how = { traits, role: admission.role };
    const receipt = await (inbound.kind === "action"
      ? press(inbound, how)
      : route(inbound, { ...how, ...(behind === undefined ? {} : { behind }) }));
    if (exposed) takeExposed(services, inbound, traits);
    return receipt;
  };

  /** A button: the command that it stands for, by whoever pressed it. */
  const press = async (
    action: Inbound & { kind: "action" },
    { traits, role }: { traits: AdapterTraits; role: Role },
  ): Promise<Receipt> => {
    const inbound = pressedCommand(store, action);
    if (inbound === undefined) return store.transaction(() => answering.refuse(action, traits, stalePress));
    const stop = isStop(inbound);
    if (stop !== undefined) return halt(inbound, { ...stop, traits, role });
    return route(inbound, { traits, role });
  };

  const halt = (inbound: Inbound, call: Omit<StopCall, "inbound" | "missed">): Promise<Receipt> => {
    // A full disk must not break a stop.
    const missed = quietly(log, () => lateness.of(inbound, call.traits)) !== undefined;
    return stopHere(services, { ...call, inbound, missed });
  };

  return {
    /**
     * Takes one outside happening. When it resolves, the happening is stored (or refused) and may be
     * acknowledged to the platform. @throws Failure `store` when it could not be stored, or stands behind such a one.
     */
    receive: async (inbound: Inbound, traits: AdapterTraits, behind?: Behind): Promise<Receipt> =>
      redactReceipt(await receive(currentInbound(store, fromDoor(inbound)), traits, behind), deps.redactor),
    /** The same for what the schedule says: it alone may say that something is an event, and whose. */
    receiveEvent: async (event: Message, traits: AdapterTraits): Promise<Receipt> =>
      redactReceipt(await receive(currentInbound(store, event), traits), deps.redactor),
    /** Goes on with what the last process left. */
    resume(crashLoop: boolean): Resumed {
      questions.catchUp();
      void questions.keep(over.signal);
      return resumeTurns({ ...deps, queue }, crashLoop);
    },
    /** See `Queue.close`. */
    close(drainMs: number) {
      over.abort();
      fetching.close();
      return queue.close(drainMs);
    },
    /** A question was answered in the store: what follows happens now. */
    settleQuestion: questions.settle,
    /** Ends questions whose time is over; done now and then anyway. */
    expireQuestions: questions.sweep,
    hurry: () => queue.hurry(),
    running: () => queue.running(),
    runningIn: (session: number) => queue.active(session),
    /** The session that a place leads to now. */
    sessionAt: book.find,
    /** Starts what waits; after a crash loop nothing does so by itself for a while. */
    wakeWaiting: () => wakeWaiting({ store, queue }),
    /** A conversation bears another id from now on; see {@link moveConversation}. */
    moved(adapter: string, { from, to }: { from: string; to: string }): void {
      moveConversation({ ...deps, running: () => queue.running() }, { adapter, from, to });
    },
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

/** Whether an inbound may be stored together with those before it: nothing that it says is looked up among them. */
function isPlain(inbound: Inbound, { command }: { command: boolean }): boolean {
  return (
    inbound.kind === "message" &&
    !command &&
    inbound.replyTo === undefined &&
    inbound.text.length <= limits.inputCharsMax &&
    presented(inbound) === undefined
  );
}

/** Whoever is not let in any more has no more than a guest. */
function isGuest(admission: Admission): boolean {
  return !admission.admitted || !atLeast(admission.role, "member");
}

/** Does without what the store cannot do at the moment. */
function quietly<Result>(log: Log, work: () => Result): Result | undefined {
  try {
    return work();
  } catch (error) {
    log.warn("Goes on without the store", { error: errorText(error) });
    return undefined;
  }
}
