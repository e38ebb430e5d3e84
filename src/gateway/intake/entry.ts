// The gate at work: judges every inbound, pairs, counts strangers, asks about them, and lets in what was held.
import { type Admission, admit, type Visitor } from "../../access/admission.ts";
import { type ApprovalDesk, personName } from "../../access/approvals.ts";
import { type Paired, type Presented, presented, takeCode } from "../../access/pairing.ts";
import { surfaceOf } from "../../access/roles.ts";
import { limits } from "../../core/limits.ts";
import type { Inbound, Message, Receipt } from "../../core/message.ts";
import type { ReplyTarget, TurnRow } from "../../core/session.ts";
import { excerpt } from "../../core/words.ts";
import type { Approval } from "../../store/approvals.ts";
import type { HeldInput } from "../../store/held.ts";
import type { DropReason } from "../../store/strangers.ts";
import type { AdapterTraits } from "../handle.ts";
import { type Deliver, deciders, fenced, type KnownDoor } from "../questions/reach.ts";
import { answerTarget } from "../target.ts";
import { cleanText, place, type ReceiveDeps } from "./receive.ts";

/** What the gate works with. */
export interface EntryDeps extends ReceiveDeps {
  /** What settings and the adapter's traits say of a door. */
  door(adapter: string): KnownDoor;
  deliver: Deliver;
  approvals: ApprovalDesk;
  /** True for what calls a chat command: it is not held, since it would be old when it runs. */
  isCommand(inbound: Inbound): boolean;
  /** Questions were answered, or are nobody's any more; never throws. */
  onAnswered?(): void;
}

export type Entry = ReturnType<typeof createEntry>;

/** The gate. */
export function createEntry(deps: EntryDeps) {
  const { store } = deps;

  /** The role of somebody in a place, looked up now. */
  const standing = (visitor: Visitor, { door, agent }: { door: KnownDoor; agent?: string }): Admission =>
    admit(visitor, {
      door,
      agent: agent ?? (door.local ? "" : (store.wirings.find(visitor.adapter, visitor.conversation.id)?.agent ?? "")),
      grants: () => store.roles.of(visitor.adapter, visitor.sender.id),
    });

  /** Judges an inbound; reads alone, so that a stop is let in although the disk is full. */
  const judge = (inbound: Inbound, traits: AdapterTraits): Admission => {
    const local = traits.local || inbound.sender.own === true;
    return standing(inbound, { door: { ...deps.door(inbound.adapter), local } });
  };

  return {
    judge,
    standing,
    /** The standing of whoever a turn is for, as it is now. */
    requester({ agent, replyTo, requester }: TurnRow): Admission {
      const door = deps.door(replyTo.adapter);
      const local = door.local || requester.own === true;
      return standing({ ...replyTo, sender: requester }, { door: { ...door, local }, agent });
    },
    /**
     * Answers whoever pairs, and whoever is not let in; each in its own transaction. Nothing for everybody else.
     */
    meet(
      inbound: Inbound,
      { traits, admission }: { traits: AdapterTraits; admission: Admission },
    ): Receipt | undefined {
      const said = traits.local ? undefined : presented(inbound);
      if (said === undefined && admission.admitted) {
        if (!traits.local) seen(deps, { inbound, admission });
        return undefined;
      }
      return store.transaction(() => {
        const met = said === undefined ? undefined : pairing(deps, { inbound, said, admission });
        return met ?? (admission.admitted ? undefined : turnAway(deps, { inbound, traits, admission }));
      });
    },
    /** After an answer about a stranger: what was held is let in or forgotten. Done again, it changes nothing. */
    settle: (approval: Approval): void => settle(deps, approval),
    /** After a start: what was answered while nobody was here to act on it. */
    settleAll(): void {
      const done = new Set<number>();
      for (const { inbound } of store.held.all()) {
        const approval = store.approvals.newest("admit", deps.approvals.hashOf(requestOf(inbound)));
        if (approval === undefined || approval.state === "open" || done.has(approval.id)) continue;
        done.add(approval.id);
        settle(deps, approval);
      }
    },
  };
}

/** What comes by a door, without the notes that the schedule and the gateway alone may make. */
export function fromDoor(inbound: Inbound): Inbound {
  const { own: _own, ...sender } = inbound.sender;
  if (inbound.kind !== "message") return { ...inbound, sender };
  const { event: _event, fresh: _fresh, held: _held, missed: _missed, ...message } = inbound;
  return { ...message, sender };
}

/** Notes that somebody who is known was here, and where they are reached privately. */
function seen({ store, clock }: EntryDeps, { inbound, admission }: { inbound: Inbound; admission: Admission }): void {
  const { adapter, conversation, sender } = inbound;
  const event = inbound.kind === "message" && inbound.event !== undefined;
  if (event || !admission.admitted || admission.role === "none") return;
  const direct = conversation.kind === "direct" ? conversation.id : undefined;
  store.users.seen({ adapter, id: sender.id, name: excerpt(sender.name, 100), direct, at: clock.now() });
}

/** What is asked about a stranger: who, and on which surface. */
function requestOf({ adapter, conversation, sender }: Visitor): { adapter: string; user: string; surface: string } {
  return { adapter, user: sender.id, surface: surfaceOf(conversation) };
}

/** Inside the transaction: takes a code. Nothing when what looked like one is a message of somebody who is known. */
function pairing(
  deps: EntryDeps,
  { inbound, said, admission }: { inbound: Inbound; said: Presented; admission: Admission },
): Receipt | undefined {
  const direct = inbound.conversation.kind === "direct";
  const known = admission.admitted && admission.role !== "none";
  if (deps.store.inputs.has(inbound)) return { state: "refused", reason: "This was taken before", quiet: true };
  if (said.codes.length === 0) {
    if (!known || !direct) return undefined;
    const text = `You are known here as ${admission.role}. Write what you need, or /help for the commands.`;
    return reply(deps, { inbound, text, ok: true });
  }
  const results = said.codes.map((code) => takeCode(deps, { inbound, code }));
  const best = results.find(({ outcome }) => outcome === "paired" || outcome === "void") ?? results[0];
  if (best === undefined) return undefined;
  if (best.outcome === "paired") {
    // A repetition of this very message must not count as a wrong code. The code itself is kept nowhere.
    deps.store.inputs.add(withoutText(inbound), { state: "done", session: null, at: deps.clock.now() });
    letIn(deps, inbound);
  }
  const text = pairedText(best, { direct, called: said.called, known });
  return text === undefined ? undefined : reply(deps, { inbound, text, ok: best.outcome === "paired" });
}

/** What somebody wrote before they paired comes in; the question about them is nobody's any more. */
function letIn(deps: EntryDeps, { adapter, conversation, sender }: Inbound): void {
  const { store, clock } = deps;
  const open = store.approvals.newest("admit", deps.approvals.hashOf(requestOf({ adapter, conversation, sender })));
  if (open !== undefined) store.approvals.close(open.id, { state: "void", at: clock.now() });
  const held = store.held.of({ adapter, user: sender.id, conversation: conversation.id });
  const sessions = new Set(held.flatMap((one) => release(deps, one)));
  queueMicrotask(() => {
    for (const session of sessions) deps.queue.wake(session);
    deps.onAnswered?.();
  });
}

function withoutText(inbound: Inbound): Inbound {
  if (inbound.kind === "message") return { ...inbound, text: "(a pairing code)" };
  return inbound.kind === "command" ? { ...inbound, args: "" } : inbound;
}

function pairedText(
  paired: Paired,
  { direct, called, known }: { direct: boolean; called: boolean; known: boolean },
): string | undefined {
  switch (paired.outcome) {
    case "paired":
      return paired.role === "owner"
        ? "You are the owner now. Write what you need, or try: what can you do?"
        : `You are paired as ${paired.role} now. Write what you need, or try: what can you do?`;
    case "void":
      return "This code works no more, since others have seen it here. Get a new one with `remoteagent pair` and send it to me in a direct chat.";
    case "wrong":
      // A word that looks like a code is a message, unless it was sent as one.
      if (!direct || (known && !called)) return undefined;
      return called
        ? "This code does not work: it is wrong, used or too old. Get a new one with `remoteagent pair`."
        : undefined;
    case "limited":
      return called ? "Too many wrong codes came from you. Try again in an hour." : undefined;
  }
}

/** The answer to an inbound, where it was written. */
function reply(deps: EntryDeps, { inbound, text, ok }: { inbound: Inbound; text: string; ok: boolean }): Receipt {
  deps.deliver(targetOf(inbound), { markdown: text }, { kind: "reply" });
  return { state: "done", ok };
}

function targetOf(inbound: Inbound): ReplyTarget {
  const { adapter, conversation, thread, onlyFor } = answerTarget(inbound);
  return {
    adapter,
    conversation,
    ...(thread === undefined ? {} : { thread }),
    ...(onlyFor === undefined ? {} : { onlyFor }),
  };
}

/** Inside the transaction: somebody who does not come in. Asked about, or counted. */
function turnAway(
  deps: EntryDeps,
  parts: { inbound: Inbound; traits: AdapterTraits; admission: Admission & { admitted: false } },
): Receipt {
  const { inbound, admission } = parts;
  const silent: Receipt = { state: "refused", reason: admission.reason, quiet: true };
  // What others say to each other in a shared room is none of ours, and must cost nothing.
  if (!meant(inbound)) return silent;
  if (admission.ask) {
    const asked = askAbout(deps, inbound);
    if (typeof asked !== "string") return asked;
    return drop(deps, { ...parts, why: asked });
  }
  return drop(deps, { ...parts, why: admission.why });
}

/** True for what was said to us. */
function meant(inbound: Inbound): boolean {
  if (inbound.kind === "message") return inbound.addressed;
  return inbound.kind === "command" || inbound.kind === "action" || inbound.conversation.kind === "direct";
}

/** Counts it, and tells the stranger their id privately, at most once an hour and not too many of them. */
function drop(
  deps: EntryDeps,
  parts: { inbound: Inbound; traits: AdapterTraits; admission: Admission & { admitted: false }; why: DropReason },
): Receipt {
  const { inbound, traits, admission, why } = parts;
  const { adapter, conversation, sender } = inbound;
  const { store, clock } = deps;
  const at = clock.now();
  const { toldAt } = store.strangers.count({
    adapter,
    user: sender.id,
    name: excerpt(sender.name, 100),
    reason: why,
    at,
  });
  const refused = { state: "refused", reason: admission.reason } as const;
  if (traits.live) return refused;
  const since = at - limits.strangerTellMs;
  const due =
    why !== "bot" &&
    inbound.kind !== "reaction" &&
    (toldAt === null || toldAt <= since) &&
    store.strangers.toldSince(adapter, since) < limits.strangersToldMax;
  const privately = inbound.answer !== undefined;
  if (!due || !(conversation.kind === "direct" || privately)) return { ...refused, quiet: true };
  store.strangers.told(adapter, sender.id, at);
  if (inbound.answer?.as === "note") return refused;
  const door = deps.door(adapter);
  const agent = store.wirings.find(adapter, conversation.id)?.agent ?? "";
  const owned = (door.admins?.length ?? 0) > 0 || deciders(store, { adapter, door, agent }).length > 0;
  const hint = owned ? "" : " If this is your bot: run `remoteagent pair` on its machine, and send me the code.";
  deps.deliver(targetOf(inbound), { markdown: `${admission.reason}.${hint}` }, { kind: "reply" });
  return { ...refused, quiet: true };
}

/** Holds a stranger's message and asks an admin about them, once; or why it is dropped instead. */
function askAbout(deps: EntryDeps, inbound: Inbound): Receipt | DropReason {
  const { store, clock, approvals } = deps;
  const changed = changeHeld(deps, inbound);
  if (changed !== undefined) return changed;
  if (inbound.kind !== "message" || deps.isCommand(inbound)) return "strict";
  const request = requestOf(inbound);
  const before = store.approvals.newest("admit", approvals.hashOf(request));
  const lapsed = before === undefined ? undefined : approvals.lapse(before);
  // What waited for it goes first: the message of now belongs to the next question.
  if (lapsed !== undefined) {
    settle(deps, lapsed);
    queueMicrotask(() => deps.onAnswered?.());
  }
  const last = lapsed ?? before;
  if (last?.state === "denied" && (last.answeredAt ?? 0) > clock.now() - limits.deniedMs) return "denied";
  if (last?.state === "open") {
    const held = store.held.of({ ...request, conversation: inbound.conversation.id });
    return held.length >= limits.heldMax ? "full" : hold(deps, inbound);
  }
  if (store.approvals.openCount("admit", inbound.adapter) >= limits.admitsOpenMax) return "full";
  // Anybody may make as many groups as they like: one person must not take all the places, nor the admins' patience.
  if (store.approvals.openCount("admit", inbound.adapter, inbound.sender.id) >= limits.admitsOfOneMax) return "full";
  const text = requestText(inbound);
  const agent = store.wirings.find(inbound.adapter, inbound.conversation.id)?.agent ?? "";
  const { id, choices } = approvals.ask({
    kind: "admit",
    arguments: request,
    text,
    requester: inbound.sender,
    origin: targetOf(inbound),
    role: "admin",
    agent,
    answers: [{ answer: "once", label: "Let in" }],
    denyLabel: "Refuse",
  });
  const { adapter } = inbound;
  for (const target of deciders(store, { adapter, door: deps.door(adapter), agent }))
    deps.deliver(target, { markdown: text, choices: [...choices] }, { kind: "card", question: id });
  if (inbound.conversation.kind === "direct" && inbound.answer === undefined) {
    const told = "I have asked whether you may write here; your message is kept until there is an answer.";
    deps.deliver(targetOf(inbound), { markdown: told }, { kind: "notice" });
  }
  return hold(deps, inbound);
}

function requestText(inbound: Message): string {
  const { conversation, sender } = inbound;
  const where =
    conversation.kind === "direct"
      ? "to you directly"
      : `in the shared conversation \`${conversation.id.replaceAll("`", "")}\``;
  return `${personName(sender)} is not known and wants to write ${where}:\n\n${fenced(inbound.text, limits.heldShownChars)}`;
}

function hold({ store, clock }: EntryDeps, inbound: Message): Receipt {
  const text = cleanText(inbound.text).slice(0, limits.heldCharsMax).toWellFormed();
  const held = store.inputs.add({ ...inbound, text }, { state: "held", session: null, at: clock.now() });
  return { state: held.fresh ? "context" : "duplicate", input: held.input.id };
}

/** An edit of a held message replaces its text, a delete takes it back: if it is the sender's own. */
function changeHeld({ store }: EntryDeps, inbound: Inbound): Receipt | undefined {
  if (inbound.kind !== "edit" && inbound.kind !== "delete") return undefined;
  const held = store.inputs.message(inbound.adapter, { conversation: inbound.conversation.id, id: inbound.target });
  if (held?.state !== "held" || held.inbound.kind !== "message" || held.inbound.sender.id !== inbound.sender.id)
    return undefined;
  if (inbound.kind === "delete") store.held.remove(held.id);
  else {
    const text = cleanText(inbound.text).slice(0, limits.heldCharsMax).toWellFormed();
    store.inputs.replaceBody(held.id, { ...held.inbound, text });
  }
  return { state: "context", input: held.id };
}

function settle(deps: EntryDeps, approval: Approval): void {
  const { store } = deps;
  const { adapter, conversation } = approval.origin;
  const sessions = store.transaction(() => {
    const held = store.held.of({ adapter, user: approval.requester.id, conversation: conversation.id });
    const allowed = approval.state === "allowed";
    if (conversation.kind === "direct" && held.length > 0) {
      const text = allowed ? "You may write here now." : "You may not write here.";
      if (allowed || approval.state === "denied") deps.deliver(approval.origin, { markdown: text }, { kind: "notice" });
    }
    if (allowed) return new Set(held.flatMap((one) => release(deps, one)));
    for (const { id } of held) store.held.remove(id);
    return new Set<number>();
  });
  for (const session of sessions) deps.queue.wake(session);
}

/** Inside the transaction: a held message comes in as if it had just been sent. @returns the session that has to do. */
function release(deps: EntryDeps, { id, inbound }: HeldInput): number[] {
  if (inbound.kind !== "message" || !deps.store.held.remove(id)) return [];
  const receipt = place(deps, inbound);
  if (receipt.state === "waiting" || receipt.state === "context") queueMicrotask(() => deps.onInbound(inbound));
  return receipt.state === "waiting" ? [receipt.session] : [];
}
