// The middle of the house: admits what comes in, stores it, finds its session, runs its turn.
import type { Admission } from "../access/admission.ts";
import type { InputId } from "../core/ids.ts";
import { limits } from "../core/limits.ts";
import type { Inbound, Receipt } from "../core/message.ts";
import type { Session } from "../core/session.ts";
import { findCommand, receiveCommand, unknownCommand } from "./call.ts";
import type { Command, CommandServices } from "./command.ts";
import { receiveEdit, receiveOther } from "./edit.ts";
import type { AdapterTraits } from "./handle.ts";
import { createQueue } from "./queue.ts";
import { type ReceiveDeps, receiveMessage } from "./receive.ts";
import { redactReceipt } from "./redacting.ts";
import { type Resumed, resumeTurns, wakeWaiting } from "./resume.ts";
import { createSessionBook } from "./sessions.ts";
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
    >,
    Pick<ReceiveDeps, "keepFile" | "onInbound"> {
  commands: readonly Command[];
  admit(inbound: Inbound, traits: AdapterTraits): Admission;
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
  const services = { ...deps, queue, book, now: () => clock.now() } satisfies CommandServices;

  const receive = async (inbound: Inbound, traits: AdapterTraits): Promise<Receipt> => {
    const admission = deps.admit(inbound, traits);
    if (!admission.admitted) return { state: "refused", reason: admission.reason };
    const stop = isStop(inbound);
    if (stop !== undefined) return stopHere({ ...deps, queue, book }, { inbound, all: stop.all });
    const called = findCommand(deps.commands, inbound);
    if (called === "unknown") return unknownCommand(inbound);
    if (called !== undefined) {
      return receiveCommand(services, { inbound, ...called, owner: admission.role === "owner", traits });
    }
    if (inbound.kind === "message") return receiveMessage(services, inbound);
    if (inbound.kind === "edit") return receiveEdit(services, inbound);
    return receiveOther(services, inbound);
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
