// What people do on a platform with channels and threads, one act at a time, as chance has it.
import { stepsOf } from "./acts.ts";
import type { Chance } from "./chance.ts";
import type { Common, Sent } from "./world.ts";

/** A conversation, or a thread of it. */
export interface Where {
  conversation: string;
  thread?: string;
}

/** A message as people see it. */
export interface Shown {
  id: string;
  by: string;
  /** What can be pressed. */
  buttons: number;
}

/** The platform's side, with people and places by their ids. What a person cannot do is left out, without a word. */
export interface Stage {
  bot: string;
  known: readonly string[];
  strangers: readonly string[];
  room: string;
  directOf(user: string): string;
  /** Where an answer to a message is written. */
  besideOf(where: Where, replyTo: string): Where;
  /** @returns the id of the message. */
  say(user: string, where: Where, speech: { text: string; replyTo?: string; file?: Uint8Array }): string;
  edit(user: string, where: Where, to: { id: string; text: string }): void;
  remove(user: string, where: Where, id: string): void;
  press(user: string, where: Where, button: { id: string; n: number }): void;
  slash(user: string, where: Where, command: { name: string; args: string }): void;
  react(user: string, where: Where, id: string): void;
  /** The thread at a message; made when it is none yet. */
  threadAt(user: string, where: Where, id: string): Where;
  /** What stands there, oldest first, with what this person alone sees. */
  shown(user: string, where: Where): Shown[];
  /** How one calls the bot. */
  mention(text: string): string;
  /** The line breaks for a moment, or is half open from now on. */
  disturb(how: "cut" | "mute"): void;
}

const weights = {
  write: 36,
  room: 14,
  thread: 12,
  beside: 4,
  reply: 6,
  edit: 6,
  remove: 2,
  press: 14,
  document: 3,
  stop: 6,
  slash: 14,
  command: 6,
  stranger: 8,
  react: 2,
  disturb: 2,
} as const;

const commands = ["status", "queue", "new", "help", "sessions", "usage", "stop", "plan"] as const;
const words = ["/status", "/queue clear", "/new", "/sessions", "/queue mode steer", "/queue mode collect", "/nonsense"];

interface Scene {
  world: Common;
  stage: Stage;
  chance: Chance;
  one: string;
}

/** Does one thing; what its person could not do is left out. */
export function actOn(world: Common, stage: Stage, chance: Chance): void {
  const what = chance.weighed(weights);
  const one = chance.pick(stage.known);
  world.note(`${one}: ${what}`);
  acts[what]({ world, stage, chance, one });
}

const acts: Readonly<Record<keyof typeof weights, (scene: Scene) => void>> = {
  write: (scene) => say(scene, { where: directOf(scene) }),
  room: (scene) => say(scene, { where: { conversation: scene.stage.room } }),
  thread(scene) {
    const { stage, chance, one } = scene;
    const where = { conversation: stage.room };
    const roots = stage.shown(one, where).slice(-5);
    if (roots.length === 0) return;
    say(scene, { where: stage.threadAt(one, where, chance.pick(roots).id) });
  },
  beside: (scene) => say(scene, { where: { conversation: scene.stage.room }, addressed: false }),
  reply(scene) {
    const { stage, chance, one } = scene;
    const where = chance.often(0.5) ? directOf(scene) : { conversation: stage.room };
    const found = stage.shown(one, where).filter(({ by }) => by === stage.bot);
    if (found.length === 0) return;
    const { id } = chance.pick(found.slice(-4));
    say(scene, { where: stage.besideOf(where, id), replyTo: id });
  },
  edit({ world, stage, chance, one }) {
    const mine = world.sent.filter(({ sender, command }) => sender === one && !command).slice(-4);
    if (mine.length === 0) return;
    const { chat, thread, id, number } = chance.pick(mine);
    if (!stage.shown(one, whereOf(chat, thread)).some((shown) => shown.id === id)) return;
    world.edited.add(number);
    const text = `#${number}${stepsOf(chance)} edited ${chance.below(1e6)}`;
    const to = { id, text: stage.room === chat ? stage.mention(text) : text };
    stage.edit(one, whereOf(chat, thread), to);
  },
  remove({ world, stage, chance, one }) {
    const mine = world.sent.filter(({ sender }) => sender === one).slice(-3);
    if (mine.length === 0) return;
    const { chat, thread, id } = chance.pick(mine);
    if (stage.shown(one, whereOf(chat, thread)).some((shown) => shown.id === id))
      stage.remove(one, whereOf(chat, thread), id);
  },
  press(scene) {
    const { stage, chance, one } = scene;
    const where = chance.often(0.4) ? placeIn(scene) : directOf(scene);
    const found = stage.shown(one, where).filter(({ buttons }) => buttons > 0);
    if (found.length === 0) return;
    const { id, buttons } = chance.pick(found.slice(-3));
    const isOpen = where.conversation === stage.room;
    const who = isOpen && chance.often(0.2) ? (stage.strangers[0] ?? one) : one;
    if (stage.shown(who, where).some((shown) => shown.id === id))
      stage.press(who, where, { id, n: chance.below(buttons) });
  },
  document: (scene) => say(scene, { where: directOf(scene), file: scene.chance.bytes(16) }),
  stop(scene) {
    const where = scene.chance.often(0.3) ? placeIn(scene) : directOf(scene);
    const isOpen = where.conversation === scene.stage.room;
    say(scene, { where, order: isOpen ? scene.stage.mention("stop") : "stop" });
  },
  slash(scene) {
    const { stage, chance, one } = scene;
    const where = chance.often(0.6) ? { conversation: stage.room } : directOf(scene);
    stage.slash(one, where, { name: chance.pick(commands), args: "" });
  },
  command: (scene) => say(scene, { where: directOf(scene), order: scene.chance.pick(words) }),
  stranger(scene) {
    const { stage, chance } = scene;
    const one = chance.pick(stage.strangers);
    const isOpen = one === stage.strangers[0] && chance.often(0.3);
    say({ ...scene, one }, { where: { conversation: isOpen ? stage.room : stage.directOf(one) } });
  },
  react({ stage, chance, one }) {
    const where = { conversation: stage.directOf(one) };
    const all = stage.shown(one, where);
    if (all.length > 0) stage.react(one, where, chance.pick(all).id);
  },
  disturb: ({ stage, chance }) => stage.disturb(chance.pick(["cut", "mute"])),
};

function directOf({ stage, one }: Scene): Where {
  return { conversation: stage.directOf(one) };
}

function whereOf(conversation: string, thread: string | undefined): Where {
  return { conversation, ...(thread === undefined ? {} : { thread }) };
}

/** The room, or one of the threads in which somebody wrote. */
function placeIn({ world, stage, chance }: Scene): Where {
  const threads = world.sent.flatMap(({ chat, thread }) =>
    chat === stage.room && thread !== undefined ? [thread] : [],
  );
  const thread = threads.length > 0 && chance.often(0.5) ? chance.pick(threads) : undefined;
  return whereOf(stage.room, thread);
}

interface Speech {
  where: Where;
  addressed?: boolean;
  replyTo?: string;
  file?: Uint8Array;
  /** The whole text, in place of something to do. */
  order?: string;
}

function say(scene: Scene, { where, addressed = true, order, ...options }: Speech): void {
  const { world, stage, chance, one } = scene;
  const number = world.number();
  const plain = `#${number}${stepsOf(chance)} please`;
  const text = order ?? (addressed && where.conversation === stage.room ? stage.mention(plain) : plain);
  const at = world.time.true();
  const id = stage.say(one, where, { text, ...options });
  const made: Sent = {
    chat: where.conversation,
    thread: where.thread,
    id,
    sender: one,
    number,
    addressed,
    command: order !== undefined,
    at,
  };
  world.sent.push(made);
  world.note(`${one} wrote ${where.conversation}/${where.thread ?? ""}/${id}: ${text.slice(0, 80)}`);
}
