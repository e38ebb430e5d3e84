// Telegram in a run: the fake Bot API with its people, and the whole adapter on the simulated line.
import { openTelegram } from "../../src/adapters/telegram/index.ts";
import { telegramTraits } from "../../src/adapters/telegram/traits.ts";
import type { FaultRule } from "../adapters/telegram/fake/faults.ts";
import type { Chat } from "../adapters/telegram/fake/world.ts";
import { act } from "./acts.ts";
import type { Chance } from "./chance.ts";
import { watchStopped } from "./machine.ts";
import { createTelegramWorld, type TelegramWorld } from "./people.ts";
import { noteArrival, searching } from "./search.ts";
import { apiRoot, createWire } from "./wire.ts";
import type { Common, Lived, Place, Seen, Side, World } from "./world.ts";

const dayMs = 24 * 60 * 60_000;

/** A platform in which nothing has happened so far. `rules` are the faults of single calls. */
export function createTelegram(
  common: Common,
  { chance, rules }: { chance: Chance; rules: readonly FaultRule[] },
): World {
  return { ...common, side: sideOf(createTelegramWorld(common, chance), rules) };
}

function sideOf(world: TelegramWorld, rules: readonly FaultRule[]): Side {
  const { platform, bot, updates } = world;
  return {
    traits: telegramTraits,
    toolOutput: "summary",
    owner: String(world.owner.id),
    known: world.known.map(({ id }) => String(id)),
    strangers: world.strangers.map(({ id }) => String(id)),
    faults: platform.faults,
    breakCalls() {
      for (const rule of rules) platform.faults.add(rule);
    },
    act: (chance) => act(world, chance),
    places: () => world.chats().map((chat) => placeOf(world, chat)),
    now: (place) => String(world.now(Number(place))),
    directOf: (user) => user,
    owes(sent) {
      const { queued, confirmedAt } = updates.get(sent) ?? {};
      return queued !== undefined && confirmedAt !== undefined && confirmedAt - sent.at < dayMs;
    },
    isDeleted: ({ chat, id }) =>
      world
        .chats()
        .find((one) => String(one.id) === chat)
        ?.messages.get(Number(id))?.deleted === true,
    unheard: () => (bot.queue.length > 0 ? [`${bot.queue.length} updates are not confirmed`] : []),
    line: (parts) => lineOf(world, parts),
    wrap: (adapter, { life, chance }) =>
      world.traits.finds ? searching(adapter, { world, chance: chance.fork(), life }) : adapter,
  };
}

function placeOf({ bot }: TelegramWorld, chat: Chat): Place {
  const said: Seen[] = [];
  for (const { id, from, service, thread, isTopic, text, forms, deleted, media } of chat.messages.values()) {
    if (from !== bot.id || service !== undefined) continue;
    said.push({
      id: String(id),
      thread: isTopic ? String(thread) : undefined,
      text,
      forms: forms.map((form) => form.text),
      deleted,
      files: media?.name === undefined ? [] : [media.name],
    });
  }
  return { id: String(chat.id), said };
}

function lineOf(world: TelegramWorld, { life, chance }: { life: Lived; chance: Chance }): ReturnType<Side["line"]> {
  const wire = createWire({
    platform: world.platform,
    time: world.time,
    chance,
    outage: world.outage,
    latencyMs: world.traits.latencyMs,
    life,
    acted: (method, params) => noteArrival(world, { method, params }),
    note: (method, params, outcome) => noteCall(world, { method, params, outcome }),
  });
  return (deps) =>
    openTelegram(
      { botToken: "unused", apiRoot, groups: "all" },
      { ...deps, secret: () => world.bot.token, fetch: wire },
    );
}

/** Calls that are worth a line: what people see, and what fails. */
function noteCall(
  world: TelegramWorld,
  { method, params, outcome }: { method: string; params: { [name: string]: unknown }; outcome: string },
): void {
  if (method === "getUpdates" && outcome.startsWith("ok")) confirm(world, Number(params.offset ?? 0));
  if (outcome.startsWith("ok") && typeof params.text === "string")
    watchStopped(world, { chat: params.chat_id, text: params.text });
  const quiet = method === "sendChatAction" || method === "setMyCommands" || outcome === "ok 0";
  if (quiet && outcome.startsWith("ok")) return;
  const text = typeof params.text === "string" ? ` ${JSON.stringify(params.text.slice(0, 120))}` : "";
  const where = params.chat_id === undefined ? "" : ` ${Number(params.chat_id)}/${Number(params.message_id ?? 0)}`;
  const from = method === "getUpdates" ? ` from ${Number(params.offset ?? 0)}` : "";
  world.note(`${method}${where}${from}${text}: ${outcome}`);
}

/** From here on the platform does not give these updates again. */
function confirm(world: TelegramWorld, offset: number): void {
  const at = world.time.true();
  for (const one of world.updates.values())
    if (one.confirmedAt === undefined && one.queued !== undefined && one.queued.update.update_id < offset)
      one.confirmedAt = at;
}
