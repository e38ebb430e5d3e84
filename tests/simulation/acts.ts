// What people do, one act at a time, as chance has it.
import type { Person } from "../adapters/telegram/fake/people.ts";
import { type Chat, isIn, messageIn } from "../adapters/telegram/fake/world.ts";
import type { Chance } from "./chance.ts";
import type { TelegramWorld as World } from "./people.ts";
import type { Step } from "./script.ts";
import type { Sent } from "./world.ts";

/** How often each act happens, by weight. */
const weights = {
  write: 40,
  group: 12,
  topic: 5,
  beside: 4,
  reply: 6,
  edit: 6,
  remove: 2,
  press: 14,
  album: 2,
  document: 3,
  paste: 2,
  stop: 6,
  command: 8,
  stranger: 8,
  react: 2,
  block: 1,
  grow: 4,
} as const;

const stepWeights: Readonly<Record<Step, number>> = {
  say: 8,
  call: 14,
  pause: 12,
  slow: 2,
  file: 3,
  fail: 2,
  hang: 2,
  deaf: 1,
  silent: 2,
  long: 2,
};

const commands = [
  "/status",
  "/queue",
  "/queue clear",
  "/queue mode steer",
  "/queue mode followup",
  "/queue mode collect",
  "/queue mode interrupt",
  "/new",
  "/reset",
  "/help",
  "/sessions",
  "/switch S001",
  "/option timeout 30",
  "/batch start",
  "/batch send",
  "/usage",
  "/plan on",
  "/nonsense",
];

/** How many steps a message asks for at most. */
const stepsMax = 3;

/** Does one thing; what its person could not do is left out. */
export function act(world: World, chance: Chance): void {
  const what = chance.weighed(weights);
  const one = chance.pick(world.known);
  world.note(`${one.user.firstName}: ${what}`);
  acts[what]({ world, chance, one });
}

interface Scene {
  world: World;
  chance: Chance;
  one: Person;
}

const acts: Readonly<Record<keyof typeof weights, (scene: Scene) => void>> = {
  write: (scene) => say(scene, { chat: scene.world.privateOf(scene.one), addressed: true }),
  group: (scene) => say(scene, { chat: scene.world.group(), addressed: true }),
  topic: (scene) =>
    say(scene, { chat: scene.world.forum, addressed: true, thread: scene.chance.pick(scene.world.topics) }),
  beside: (scene) => say(scene, { chat: scene.world.group(), addressed: false }),
  reply(scene) {
    const chat = scene.chance.pick([scene.world.group(), scene.world.privateOf(scene.one)]);
    const message = recent(scene, { chat, byBot: true });
    if (message !== undefined) say(scene, { chat, addressed: true, replyTo: message });
  },
  edit({ world, chance, one }) {
    const mine = world.sent.filter(({ sender, command }) => sender === String(one.id) && !command).slice(-4);
    if (mine.length === 0) return;
    const { chat: id, id: written, number } = chance.pick(mine);
    const message = Number(written);
    const chat = world.chats().find((found) => String(found.id) === id);
    if (
      chat === undefined ||
      chat.blocked ||
      chat.migratedTo !== undefined ||
      messageIn(chat, message)?.media !== undefined
    )
      return;
    if (messageIn(chat, message) === undefined) return;
    const at = chat.kind === "private" ? "" : "@helper_bot ";
    world.edited.add(number);
    one.edit(chat, message, `${at}#${number}${stepsOf(chance)} edited ${chance.below(1e6)}`);
  },
  remove(scene) {
    const chat = chatOf(scene);
    const message = recent(scene, { chat, byBot: scene.chance.often(0.5) });
    if (message !== undefined && chat.kind === "private") scene.one.remove(chat, message);
  },
  press(scene) {
    const { world, chance, one } = scene;
    const chat = chatOf(scene);
    const buttons = [...chat.messages.values()].filter(({ deleted, buttons }) => !deleted && buttons !== undefined);
    const message = buttons.slice(-3)[chance.below(Math.min(3, buttons.length))];
    const count = message?.buttons?.flat().length ?? 0;
    if (message === undefined || count === 0) return;
    const who = chat.kind !== "private" && chance.often(0.2) ? chance.pick(world.strangers) : one;
    if (chat.kind !== "private" && !isIn(chat, who.id)) return;
    who.press(chat, message.id, chance.below(count));
  },
  album(scene) {
    const { world, chance, one } = scene;
    const chat = open(world.privateOf(one));
    if (chat === undefined) return;
    const number = world.number();
    const items = [1, 2].map((n) => ({ kind: "document" as const, bytes: chance.bytes(8), name: `${n}.txt` }));
    const ids = one.sendAlbum(chat, items, { caption: `#${number}${stepsOf(chance)}` });
    for (const id of ids) sent(scene, { chat, id, number, addressed: true });
  },
  document(scene) {
    const { world, chance, one } = scene;
    const chat = open(world.privateOf(one));
    if (chat === undefined) return;
    const number = world.number();
    const id = one.sendDocument(chat, chance.bytes(16), { caption: `#${number}${stepsOf(chance)}`, name: "a.bin" });
    sent(scene, { chat, id, number, addressed: true });
  },
  paste(scene) {
    const { world, chance, one } = scene;
    const chat = open(world.privateOf(one));
    if (chat === undefined) return;
    const number = world.number();
    const ids = one.paste(chat, `#${number}${stepsOf(chance)} ${"words and ".repeat(450)}`);
    for (const id of ids) sent(scene, { chat, id, number, addressed: true });
  },
  stop: (scene) => order(scene, scene.chance.pick(["/stop", "/stop", "stop", "/stop all"])),
  command: (scene) => order(scene, scene.chance.pick(commands)),
  stranger(scene) {
    const { world, chance } = scene;
    const one = chance.pick(world.strangers);
    const inGroup = chance.often(0.3) && isIn(world.group(), one.id);
    const chat = inGroup ? world.group() : world.privateOf(one);
    say({ ...scene, one }, { chat, addressed: true });
  },
  react({ world, chance, one }) {
    const chat = world.privateOf(one);
    const all = [...chat.messages.values()].filter(({ deleted }) => !deleted);
    if (all.length > 0) one.react(chat, chance.pick(all).id, chance.often(0.5) ? ["👍"] : []);
  },
  grow({ world }) {
    world.grow();
  },
  block({ world, one }) {
    const chat = world.privateOf(one);
    if (chat.blocked) one.unblock(chat);
    else if (chat.started) one.block(chat);
  },
};

function chatOf({ world, chance, one }: Scene): Chat {
  return chance.often(0.3) ? chance.pick([world.group(), world.forum]) : world.privateOf(one);
}

/** A chat that can be written to: whoever blocked the bot lets it in again first, or stays silent. */
function open(chat: Chat): Chat | undefined {
  return chat.blocked ? undefined : chat;
}

/** The number of one of the newest messages in a chat. */
function recent({ world, chance }: Scene, { chat, byBot }: { chat: Chat; byBot: boolean }): number | undefined {
  const found = [...chat.messages.values()].filter(
    ({ deleted, from, service }) => !deleted && service === undefined && (from === world.bot.id) === byBot,
  );
  return found.slice(-4)[chance.below(Math.min(4, found.length))]?.id;
}

/** What a message asks for: a few steps, or none. */
export function stepsOf(chance: Chance): string {
  const count = chance.below(stepsMax + 1);
  return Array.from({ length: count }, () => ` ${chance.weighed(stepWeights)}`).join("");
}

interface Speech {
  chat: Chat;
  addressed: boolean;
  thread?: number;
  replyTo?: number;
}

function say(scene: Scene, { chat, addressed, ...options }: Speech): void {
  const { world, chance, one } = scene;
  if (open(chat) === undefined) return;
  const number = world.number();
  const at = addressed && chat.kind !== "private" && options.replyTo === undefined ? "@helper_bot " : "";
  const id = one.say(chat, `${at}#${number}${stepsOf(chance)} please`, options);
  sent(scene, { chat, id, number, addressed });
}

function order(scene: Scene, text: string): void {
  const { world, chance, one } = scene;
  const inGroup = chance.often(0.25);
  const chat = inGroup ? world.group() : world.privateOf(one);
  if (open(chat) === undefined) return;
  const id = one.say(chat, inGroup && text.startsWith("/") ? text.replace(/^\/\w+/, "$&@helper_bot") : text);
  sent(scene, { chat, id, number: world.number(), addressed: true, command: true });
}

function sent(
  { world, one }: Scene,
  {
    chat,
    id,
    number,
    addressed,
    command = false,
  }: Pick<Speech, "chat" | "addressed"> & {
    id: number;
    number: number;
    command?: boolean;
  },
): void {
  const at = world.time.true();
  const queued = world.bot.queue.findLast(({ update }) => idOf(update.message) === id);
  const made: Sent = {
    chat: String(chat.id),
    id: String(id),
    sender: String(one.id),
    number,
    addressed,
    command,
    at,
  };
  world.sent.push(made);
  world.updates.set(made, { queued });
  world.note(`${one.user.firstName} wrote ${chat.id}/${id}: ${chat.messages.get(id)?.text.slice(0, 80) ?? ""}`);
}

function idOf(message: unknown): number | undefined {
  return (message as { message_id?: number } | undefined)?.message_id;
}
