// The other kind of platform: the same chats behind an adapter that can be asked what arrived, and fails at that too.
import { AsyncLocalStorage } from "node:async_hooks";
import type { Adapter } from "../../src/adapters/adapter.ts";
import { PlatformError } from "../../src/gateway/handle.ts";
import type { Json } from "../adapters/telegram/fake/world.ts";
import type { Chance } from "./chance.ts";
import type { TelegramWorld as World } from "./people.ts";

/** Which delivery a call on the line is made for. */
const sent = new AsyncLocalStorage<string>();

/** A call was carried out over there: what it wrote belongs to the delivery that it was made for. */
export function noteArrival(world: World, { method, params }: { method: string; params: Json }): void {
  const nonce = sent.getStore();
  if (nonce === undefined || !method.startsWith("send") || method === "sendChatAction") return;
  const chat = world.chats().find(({ id }) => String(id) === String(params.chat_id));
  const newest = [...(chat?.messages.values() ?? [])].findLast(({ from }) => from === world.bot.id);
  // A refusal wrote nothing: the newest is another delivery's.
  if (newest === undefined || [...world.arrived.values()].includes(newest)) return;
  world.arrived.set(nonce, newest);
}

/** The adapter with a search instead of markers. */
export function searching(
  adapter: Adapter,
  { world, chance, life }: { world: World; chance: Chance; life: { dead(): boolean; tick(what: "asked"): void } },
): Adapter {
  const { time } = world;
  return {
    ...adapter,
    traits: { ...adapter.traits, repeat: "find" },
    post: (target, message) => sent.run(message.nonce, () => adapter.post(target, message)),
    file: (target, file) => sent.run(file.nonce, () => adapter.file(target, file)),
    async find(_target, { nonce }) {
      if (life.dead()) return new Promise(() => undefined);
      life.tick("asked");
      const { promise, resolve } = Promise.withResolvers<void>();
      time.after(chance.below(world.traits.latencyMs + 1), resolve);
      await promise;
      if (life.dead()) return new Promise(() => undefined);
      time.touch();
      const { later, never } = world.search();
      if (world.outage() !== undefined)
        throw new PlatformError("The line is down", { fate: "later", everywhere: true });
      if (chance.often(later)) throw new PlatformError("Not now", { fate: "later" });
      if (chance.often(never)) throw new PlatformError("Nobody may look there", { fate: "unknown" });
      const found = world.arrived.get(nonce);
      world.note(`looked for ${nonce}: ${found?.id ?? "not there"}`);
      return found === undefined || found.deleted ? undefined : String(found.id);
    },
  };
}
