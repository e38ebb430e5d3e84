// /queue: what waits in this session, taking something out of it, and what becomes of messages while a turn runs.
import { atLeast } from "../../access/roles.ts";
import type { InputId } from "../../core/ids.ts";
import { limits } from "../../core/limits.ts";
import { isSamePerson } from "../../core/message.ts";
import { type Input, type QueueMode, queueModes } from "../../core/session.ts";
import { excerpt, literal } from "../../core/words.ts";
import { heldOf } from "../intake/receive.ts";
import { type Command, type CommandCall, type CommandEffect, say } from "./command.ts";

const waitsNoLonger = "That message waits no longer.";

export const modeTexts: Readonly<Record<QueueMode, string>> = {
  steer: "messages join the turn that runs",
  followup: "each message gets a turn of its own, one after the other",
  collect: "messages wait for the turn and then become one together",
  interrupt: "a new message stops the turn and takes its place",
};

export const queue: Command = {
  name: "queue",
  args: "[remove <place> | clear | mode <mode>]",
  summary: "Show what waits, take it out, or choose how messages wait",
  run(call) {
    const [verb = "", ...rest] = call.args.split(/\s+/);
    const word = rest.join(" ");
    if (verb === "mode") return setMode(call, word);
    if (verb === "missed") return decideMissed(call, word);
    // What the turn has just taken waits no more.
    if (call.session !== undefined) call.queue.active(call.session.id)?.flush();
    const waiting = call.session === undefined ? [] : call.store.inputs.waiting(call.session.id);
    if (waiting.length === 0) return say("Nothing waits.");
    if (verb === "") return show(waiting);
    const mine = waiting.filter((input) => isMine(call, input));
    if (verb === "clear" && word === "") return remove(call, mine, (n) => `Removed ${count(n)}.`);
    if (verb === "remove") return removeOne(call, { waiting, mine, word });
    return say(
      "`/queue` shows what waits, `/queue remove 1` takes one out, `/queue clear` all, `/queue mode` shows the modes.",
    );
  },
};

function show(waiting: readonly Input[]): CommandEffect {
  const rows = waiting.map(
    (input, n) => `${n + 1}. ${textOf(input)} — ${literal(excerpt(input.inbound.sender.name, 40))}`,
  );
  // By the input's own number: places move while somebody looks.
  const choices = waiting
    .slice(0, limits.choicesMax - 1)
    .map(({ id }, n) => ({ value: `/queue remove #${id}`, label: `Remove ${n + 1}` }));
  return say(`Waiting:\n\n${rows.join("\n")}\n\n\`/queue remove 1\` takes one out, \`/queue clear\` all.`, [
    ...choices,
    { value: "/queue clear", label: "Remove all" },
  ]);
}

function removeOne(
  call: CommandCall,
  { waiting, mine, word }: { waiting: readonly Input[]; mine: readonly Input[]; word: string },
): CommandEffect {
  const id = /^#([1-9][0-9]{0,14})$/.exec(word)?.[1];
  const place = Number(/^[0-9]{1,3}$/.exec(word)?.[0] ?? 0);
  const chosen = id === undefined ? waiting[place - 1] : waiting.find((input) => input.id === Number(id));
  if (chosen === undefined && id !== undefined) return say(waitsNoLonger);
  if (chosen === undefined)
    return say(`There is no place ${JSON.stringify(excerpt(word, 30))} in the queue; it has ${waiting.length}.`);
  if (!mine.includes(chosen)) return say("That message is somebody else's.");
  return remove(call, [chosen], (n) => (n === 0 ? waitsNoLonger : `Removed: ${textOf(chosen)}`));
}

/** Takes out what is still as it was found; `said` tells how many that were. */
function remove(
  { store, onGone }: CommandCall,
  inputs: readonly Input[],
  said: (removed: number) => string,
): CommandEffect {
  let ids: InputId[] = [];
  return {
    apply() {
      ids = inputs.filter(({ id, state }) => store.inputs.get(id)?.state === state).map(({ id }) => id);
      for (const id of ids) store.inputs.set(id, "removed");
      return { markdown: said(ids.length) };
    },
    after: () => onGone(ids),
  };
}

function setMode(call: CommandCall, word: string): CommandEffect {
  const { session, store, book, resolved } = call;
  const mode = queueModes.find((known) => known === word);
  if (mode === undefined) {
    const current = session?.options.queue ?? "steer";
    const rows = queueModes.map((known) => `- \`${known}\`${known === current ? " (now)" : ""}: ${modeTexts[known]}`);
    const unknown = word === "" ? "" : `There is no mode ${JSON.stringify(excerpt(word, 30))}. `;
    return say(
      `${unknown}While a turn runs:\n\n${rows.join("\n")}`,
      queueModes.filter((known) => known !== current).map((known) => ({ value: `/queue mode ${known}`, label: known })),
    );
  }
  if (call.inbound.conversation.kind === "shared" && !atLeast(call.role, "member"))
    return say("What becomes of messages here is for members to choose.");
  return {
    apply() {
      const chosen = book.ensure(resolved);
      store.sessions.set(chosen.id, { options: { ...chosen.options, queue: mode } });
      return { markdown: `While a turn runs, ${modeTexts[mode]}.` };
    },
  };
}

/** What was sent while nobody was here and waits for a word: of the caller, or of all for somebody who may decide that. */
function decideMissed(call: CommandCall, word: string): CommandEffect {
  const { session, store } = call;
  const held = session === undefined ? [] : heldOf(store, { session: session.id, why: "missed" });
  const mine = held.filter((input) => isMine(call, input));
  if (mine.length === 0)
    return say(held.length === 0 ? "No missed messages wait here." : "Those messages are somebody else's.");
  const choices = [
    { value: "/queue missed go", label: "Go on" },
    { value: "/queue missed drop", label: "Drop them" },
  ];
  if (word === "drop") return remove(call, mine, (n) => `Dropped ${count(n)} that I missed.`);
  if (word !== "go") return say(`${count(mine.length)} that I missed wait. Go on with them?`, choices);
  let release: (() => void) | undefined;
  return {
    apply() {
      release = call.release(mine);
      return { markdown: `Going on with ${count(mine.length)} that I missed.` };
    },
    after: () => release?.(),
  };
}

function isMine({ role, inbound }: CommandCall, input: Input): boolean {
  return atLeast(role, "admin") || isSamePerson(input.inbound.sender, inbound.sender);
}

function textOf({ inbound }: Input): string {
  return literal(excerpt(inbound.kind === "message" || inbound.kind === "edit" ? inbound.text : inbound.kind, 80));
}

function count(n: number): string {
  return `${n} waiting message${n === 1 ? "" : "s"}`;
}
