// What stands beside the conversations: the home page of each person, and the assistant's prompts and titles.
import { errorText } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import { excerpt } from "../../core/words.ts";
import type { AdapterDeps } from "../adapter.ts";
import { createRecent } from "../recent.ts";
import type { Client } from "./client.ts";
import { reasonOf, retryAfterOf } from "./errors.ts";
import { homeBlocks } from "./home.ts";
import { suggestedPrompts } from "./manifest.ts";

const titleCharsMax = 100;

export interface SurfaceDeps extends Pick<AdapterDeps, "views" | "clock" | "log"> {
  client: Client;
  signal: AbortSignal;
}

export type Surface = ReturnType<typeof createSurface>;

/** Nothing of it throws: it is a courtesy. */
export function createSurface(deps: SurfaceDeps) {
  return { ...createHomes(deps), ...createAssistants(deps) };
}

function createHomes({ client, views, clock, log, signal }: SurfaceDeps) {
  /** Whose page is kept current, and until when (monotonic). */
  const people = new Map<string, number>();
  let dirty = false;
  let running: Promise<void> | undefined;

  const publish = async (user: string): Promise<void> => {
    try {
      const view = { type: "home", blocks: homeBlocks(views.home(user), clock.now()) };
      await client.call("views.publish", { user_id: user, view });
    } catch (error) {
      log.debug("A home page was not shown", { error: reasonOf(error) });
      const wait = retryAfterOf(error);
      if (wait === undefined) return;
      dirty = true;
      await clock.sleep(wait, signal);
    }
  };
  const isKnown = (user: string): boolean => {
    try {
      return views.home(user) !== undefined;
    } catch (error) {
      log.debug("Whose home page it is cannot be said", { error: errorText(error) });
      return false;
    }
  };
  /** Everybody's page, one after the other, and not too often. */
  const refresh = async (): Promise<void> => {
    while (dirty && !signal.aborted) {
      dirty = false;
      for (const [user, until] of people) {
        if (until < clock.monotonic()) people.delete(user);
        else await publish(user);
      }
      await clock.sleep(limits.homeEveryMs, signal);
    }
  };
  const changed = () => {
    if (people.size === 0 || signal.aborted) return;
    dirty = true;
    running ??= refresh()
      .catch((error: unknown) => log.warn("Home pages are not refreshed", { error: errorText(error) }))
      .finally(() => {
        running = undefined;
      });
  };
  signal.addEventListener("abort", views.watch(changed), { once: true });

  return {
    /** Somebody looks at their home page. */
    opened(user: string): void {
      people.delete(user);
      // A stranger's page never changes, and must push nobody else's aside.
      if (isKnown(user)) people.set(user, clock.monotonic() + limits.homeOpenMs);
      const [oldest] = people.keys();
      if (people.size > limits.homePeopleMax && oldest !== undefined) people.delete(oldest);
      void publish(user).then(() => (dirty ? changed() : undefined));
    },
    async settled(): Promise<void> {
      await running;
    },
  };
}

function createAssistants({ client, views, log }: SurfaceDeps) {
  /** Threads whose title is still that of an empty one. */
  const untitled = createRecent<true>(limits.adapterNotesMax);
  const quietly = async (work: () => Promise<unknown>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      log.debug("The assistant's view was not set", { error: reasonOf(error) });
    }
  };
  return {
    /** Somebody opened an empty thread. A stranger is offered nothing. */
    async greet({ user, channel, thread }: { user: string; channel: string; thread: string }): Promise<void> {
      untitled.set(`${channel}:${thread}`, true);
      const place = { channel_id: channel, thread_ts: thread };
      await quietly(async () => {
        if (views.home(user) === undefined) return;
        await client.call("assistant.threads.setSuggestedPrompts", { ...place, prompts: suggestedPrompts });
      });
    },
    /** The first words in a thread are its title. */
    async titled(channel: string, thread: string | undefined, text: string): Promise<void> {
      const key = `${channel}:${thread ?? ""}`;
      if (thread === undefined || !untitled.has(key) || text.trim() === "") return;
      untitled.delete(key);
      const title = excerpt(text, titleCharsMax);
      const place = { channel_id: channel, thread_ts: thread };
      await quietly(() => client.call("assistant.threads.setTitle", { ...place, title }));
    },
  };
}
