// The one way out: what is to be said is a row first, then goes out in order, and has a fate in the end (CONTRACTS.md 7).
import { errorText } from "../../core/failure.ts";
import type { TurnId } from "../../core/ids.ts";
import type { Outgoing } from "../../core/message.ts";
import type { ReplyTarget } from "../../core/session.ts";
import type { DeliveryKind } from "../../store/deliveries.ts";
import { current } from "../moving.ts";
import { directOf, type SendingDeps, tellUndelivered } from "./fates.ts";
import type { Forming } from "./lane.ts";
import { addRest, freshNonce, split, storePieces } from "./pieces.ts";
import { createTraffic } from "./traffic.ts";

/** How a message goes out. */
export interface DeliverOptions {
  kind: DeliveryKind;
  turn?: TurnId;
  /** The phone rings; so it does by itself for a card and a bell. */
  audible?: boolean;
  /** The delivery that this one answers on the platform, once that has arrived. */
  answers?: number;
  /** The question that a card asks. */
  question?: number;
}

/** The same, with where it was asked for when it goes elsewhere. */
interface OwnOptions extends DeliverOptions {
  origin?: ReplyTarget;
}

/** An answer that forms. */
export interface FormingHandle {
  /** It says something else now; shown as soon as the platform's pace allows. */
  changed(): void;
  /** It forms no longer: what is stored counts from here on. */
  end(): void;
}

export type Outbox = ReturnType<typeof createDeliveries>;

/** The deliveries. Nothing goes out before an adapter is attached; what waits is in the store. */
export function createDeliveries(deps: SendingDeps) {
  const { store, clock, log } = deps;
  const { deliveries } = store;
  const traffic = createTraffic({ ...deps, made: (target) => made(target) });
  /** Conversations with new rows, whose transaction may not be over yet. */
  const fresh = new Map<string, { adapter: string; conversation: string }>();
  let waking = false;

  /** Rows were made; as soon as their transaction is over they go out, also when nobody calls `wake`. */
  const made = (target: ReplyTarget): void => {
    const { adapter, conversation } = current(store, target);
    fresh.set(JSON.stringify([adapter, conversation.id]), { adapter, conversation: conversation.id });
    if (waking) return;
    waking = true;
    queueMicrotask(wake);
  };
  const wake = (): void => {
    waking = false;
    const places = [...fresh.values()];
    fresh.clear();
    for (const { adapter, conversation } of places)
      if (traffic.handleOf(adapter) !== undefined) traffic.queue(traffic.laneOf(adapter, conversation));
  };

  /** The split of a text, when its platform is there to say how. */
  const splitNow = (adapter: string, { markdown, choices }: { markdown: string; choices: Outgoing["choices"] }) => {
    const handle = traffic.handleOf(adapter);
    if (handle === undefined) return undefined;
    try {
      return split(traffic.laneDeps, { markdown, handle, choices: choices ?? [] });
    } catch (error) {
      // The text is stored as it is; the lane tries once more and says what became of it.
      log.warn("Cannot render a message yet", { adapter, error: errorText(error) });
      return undefined;
    }
  };

  const common = (target: ReplyTarget, { kind, turn, audible, answers, question, origin }: OwnOptions) => ({
    // Somebody may have begun before the conversation got another id.
    target: current(store, target),
    kind,
    nonce: freshNonce(clock),
    at: clock.now(),
    audible: audible ?? (kind === "card" || kind === "bell"),
    ...(turn === undefined ? {} : { turn }),
    ...(origin === undefined ? {} : { origin }),
    ...(target.root === undefined ? {} : { root: target.root }),
    ...(answers === undefined ? {} : { answers }),
    ...(question === undefined ? {} : { question }),
  });
  const text = (
    target: ReplyTarget,
    { markdown, choices, options }: { markdown: string; choices: Outgoing["choices"]; options: OwnOptions },
  ): number => {
    const own = common(target, options);
    const pieces = splitNow(own.target.adapter, { markdown, choices });
    if (pieces === undefined)
      return deliveries.add({ ...own, form: "markdown", body: markdown, choices: choices ?? [] });
    const [first, ...rest] = pieces;
    const parts = pieces.length;
    const id = deliveries.add({ ...own, form: "final", body: first.body, choices: first.choices, parts });
    const row = rest.length === 0 ? undefined : deliveries.get(id);
    if (row !== undefined) addRest(traffic.laneDeps, { row, rest, parts });
    return id;
  };

  /** Where only one person reads it; none when that place is not known. */
  const privately = (to: ReplyTarget, onlyFor: string): ReplyTarget | undefined => {
    if (to.conversation.kind === "direct") return to;
    // The adapter can show it to them alone, where they asked.
    if (to.onlyFor?.user === onlyFor) return to;
    return directOf(store, { adapter: to.adapter, user: onlyFor, traits: traffic.handleOf(to.adapter)?.traits });
  };

  /**
   * Stores a message that is to go out, in the caller's transaction; it goes out once that is over. What only one
   * person may read goes to their direct conversation. @returns the number of its first row.
   */
  const deliver = (to: ReplyTarget, outgoing: Outgoing, options: DeliverOptions): number =>
    store.transaction(() => {
      const { onlyFor } = outgoing;
      const target = onlyFor === undefined ? to : privately(to, onlyFor);
      if (target === undefined) {
        const refusal = "This answer is private. Ask for it in a direct conversation with me.";
        const id = text(to, { markdown: refusal, choices: [], options: { kind: options.kind } });
        made(to);
        return id;
      }
      const { markdown, choices, files = [] } = outgoing;
      const how = target === to ? options : { ...options, origin: to };
      const ids = markdown.trim() === "" && files.length > 0 ? [] : [text(target, { markdown, choices, options: how })];
      for (const file of files)
        ids.push(deliveries.add({ ...common(target, { ...how, kind: "file" }), form: "final", file }));
      made(target);
      return ids[0] ?? 0;
    });

  return {
    deliver,
    /** Stores the place of an answer that will form; nothing is sent before `form`. In the caller's transaction. */
    place(target: ReplyTarget, { turn, choices }: { turn: TurnId; choices: Outgoing["choices"] }): number {
      return deliveries.add({ ...common(target, { kind: "answer", turn }), form: "forming", choices: choices ?? [] });
    },
    /**
     * Says something else in a message that is there already or on its way; empty text takes it away. In the caller's
     * transaction. Of a message with several parts the first is meant.
     */
    revise(id: number, { markdown, choices = [] }: Pick<Outgoing, "markdown" | "choices">): void {
      store.transaction(() => {
        const at = clock.now();
        const row = deliveries.get(id);
        if (row === undefined) return;
        deliveries.reopen(id);
        const pieces = markdown.trim() === "" ? undefined : splitNow(row.adapter, { markdown, choices });
        if (markdown.trim() === "") deliveries.say(id, { form: "removed", at });
        else if (pieces === undefined) deliveries.say(id, { form: "markdown", body: markdown, choices, at });
        else storePieces(traffic.laneDeps, { row, pieces });
        made(row.target);
      });
    },
    /** Shows an answer while it forms, in the place that was stored for it. */
    form(id: number, content: () => string): FormingHandle {
      const row = deliveries.get(id);
      if (row === undefined) throw new Error(`There is no delivery ${id}`);
      const forming: Forming = { row, content, dirty: true, shown: "", nextAt: 0, failures: 0, quiet: false };
      // Looked up at each use: its conversation may have become part of another, with that one's lane.
      const lane = () => traffic.laneOf(forming.row.adapter, forming.row.conversation);
      lane().forming.set(id, forming);
      traffic.queue(lane());
      return {
        changed() {
          if (forming.dirty) return;
          forming.dirty = true;
          traffic.queue(lane());
        },
        end() {
          lane().forming.delete(id);
          traffic.queue(lane());
        },
      };
    },
    /** Shows that something happens; best effort, and never while the platform wants quiet. */
    signal(target: ReplyTarget, what: "typing" | "seen"): void {
      if (traffic.mute(target.adapter, target.conversation.id)) return;
      traffic
        .handleOf(target.adapter)
        ?.signal(target, what)
        .catch((error) => log.debug("A signal did not go through", { what, error: errorText(error) }));
    },
    /** Somebody is here again: what did not arrive is told. In the caller's transaction. */
    heard(target: ReplyTarget): void {
      if (tellUndelivered(deps, target)) made(target);
    },
    /**
     * A person wants it sent again, although it may have arrived; only what belongs to `place`, when that is given.
     * @returns false when there is no such message, or it has arrived.
     */
    again(id: number, place?: Pick<ReplyTarget, "adapter" | "conversation">): boolean {
      const row = deliveries.get(id);
      if (row === undefined) return false;
      if (place !== undefined && (row.adapter !== place.adapter || row.conversation !== place.conversation.id))
        return false;
      const done = deliveries.again(id, { nonce: freshNonce(clock), at: clock.now() });
      if (done) made(row.target);
      return done;
    },
    /**
     * Nobody wants it any more; a place that it has, or is just getting, is taken away. @returns false when it has
     * arrived, may be arriving as a whole (a file, a bell), or is not there.
     */
    drop(id: number): boolean {
      const row = deliveries.get(id);
      const done = row !== undefined && deliveries.drop(id);
      if (done) made(row.target);
      return done;
    },
    /** A conversation has another id now, and so have its rows. */
    moved: traffic.moved,
    traitsOf: (adapter: string) => traffic.handleOf(adapter)?.traits,
    attach: traffic.attach,
    detach: traffic.detach,
    /** Sends what was made; it also happens by itself, a moment later. */
    wake,
    lanes: traffic.size,
    async close(): Promise<void> {
      wake();
      await traffic.close();
    },
  };
}
