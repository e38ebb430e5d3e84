// What people do in the fake Slack: tests drive them, apps hear of it.
import { tell, tellMember, tellReaction } from "./events.ts";
import { type Acts, acting } from "./interactions.ts";
import { change, place, post, remove, typed } from "./messages.ts";
import { newFile, shareFiles } from "./methods-files.ts";
import { renderView } from "./methods-views.ts";
import { channelNamed, theMessage, type Where } from "./places.ts";
import { type App, type Channel, directChannel, type Json, messageIn, nowTs, type User, type World } from "./world.ts";

export interface SayOptions {
  /** The ts of the thread's first message. */
  thread?: string;
  /** The channel shows the reply as well. */
  broadcast?: boolean;
  /** `size` claims another size than that of the bytes, so that a test need not make a gigabyte. */
  files?: { name: string; bytes: Uint8Array; mimetype?: string; title?: string; size?: number }[];
}

/** One person. Message ts go in and out; what a person could not do throws, since it is the test's mistake. */
export interface Person extends Acts {
  readonly id: string;
  readonly name: string;
  readonly user: User;
  /** The direct conversation with an app, the first one by default. */
  dm(app?: App): Channel;
  /** Mentions are written as they go over the wire, `<@U1>`; `&`, `<`, `>` and addresses become what Slack makes of them. */
  say(channel: Where, text: string, options?: SayOptions): string;
  edit(channel: Where, ts: string, text: string): void;
  delete(channel: Where, ts: string): void;
  react(channel: Where, ts: string, name: string): void;
  unreact(channel: Where, ts: string, name: string): void;
  join(channel: Where): void;
  leave(channel: Where): void;
  /** Brings somebody else, a bot too. */
  invite(channel: Where, who: { id: string }): void;
  openHome(options?: { app?: App; tab?: "home" | "messages" }): void;
  /** Opens a new assistant thread and gives the ts of its first message. */
  startAssistantThread(options?: { app?: App; context?: Json }): string;
  /** Looks at another channel while the assistant thread stands open. */
  moveAssistantThread(ts: string, options: { app?: App; context: Json }): void;
}

export function createPerson(world: World, user: User): Person {
  const dm = (app?: App) => directChannel(world, app ?? firstApp(world), user.id);
  return {
    id: user.id,
    name: user.name,
    user,
    dm,
    ...writing(world, user),
    ...belonging(world, user),
    ...acting(world, user),
    ...visiting(world, user, dm),
  };
}

function firstApp(world: World): App {
  const app = [...world.apps.values()][0];
  if (app === undefined) throw new Error("There is no app");
  return app;
}

/** A conversation that the person may write to. */
function written(world: World, user: User, where: Where): Channel {
  const channel = channelNamed(world, where);
  if (!channel.members.has(user.id)) throw new Error(`${user.name} is not in ${channel.id}`);
  if (channel.archived) throw new Error(`${channel.id} is archived`);
  const app =
    channel.kind === "im" ? [...world.apps.values()].find((one) => channel.members.has(one.user.id)) : undefined;
  if (app?.messagesTab === false) throw new Error(`Sending messages to ${app.name} has been turned off`);
  return channel;
}

function writing(world: World, user: User): Pick<Person, "say" | "edit" | "delete" | "react" | "unreact"> {
  const react = (where: Where, ts: string, { name, added }: { name: string; added: boolean }) => {
    const message = theMessage(channelNamed(world, where), ts);
    const users = (message.reactions.get(name) ?? []).filter((one) => one !== user.id);
    const next = added ? [...users, user.id] : users;
    if (next.length === 0) message.reactions.delete(name);
    else message.reactions.set(name, next);
    tellReaction(world, message, { user: user.id, name, added });
  };
  return {
    say(where, said, { thread, broadcast = false, files = [] } = {}) {
      const channel = written(world, user, where);
      const parent = thread === undefined ? undefined : messageIn(channel, thread);
      if (thread !== undefined && parent === undefined) throw new Error(`There is no thread ${thread}`);
      const message = { user: user.id, text: typed(said), threadTs: parent?.threadTs ?? thread, broadcast };
      if (files.length === 0) {
        if (said === "") throw new Error("Nobody can send an empty message");
        return post(world, channel, message).ts;
      }
      const stored = files.map(({ bytes, ...file }) =>
        newFile(world, { size: bytes.length, ...file, bytes, user: user.id, complete: true }),
      );
      return shareFiles(world, channel, { files: stored, message });
    },
    edit(where, ts, said) {
      const message = theMessage(channelNamed(world, where), ts);
      if (message.user !== user.id) throw new Error("Nobody can edit what others wrote");
      change(world, message, { by: user.id, text: typed(said) });
    },
    delete(where, ts) {
      const message = theMessage(channelNamed(world, where), ts);
      if (message.user !== user.id) throw new Error("Nobody can delete what others wrote");
      remove(world, message);
    },
    react: (where, ts, name) => react(where, ts, { name, added: true }),
    unreact: (where, ts, name) => react(where, ts, { name, added: false }),
  };
}

function belonging(world: World, user: User): Pick<Person, "join" | "leave" | "invite"> {
  const bring = (where: Where, who: string) => {
    const channel = channelNamed(world, where);
    if (channel.members.has(who)) throw new Error(`${who} is in ${channel.id} already`);
    channel.members.add(who);
    post(world, channel, {
      user: who,
      subtype: "channel_join",
      text: `<@${who}> has joined the channel`,
    });
    tellMember(world, channel, { user: who, joined: true });
  };
  return {
    join: (where) => bring(where, user.id),
    leave(where) {
      const channel = channelNamed(world, where);
      if (!channel.members.delete(user.id)) throw new Error(`${user.name} is not in ${channel.id}`);
      post(world, channel, {
        user: user.id,
        subtype: "channel_leave",
        text: `<@${user.id}> has left the channel`,
      });
      tellMember(world, channel, { user: user.id, joined: false });
    },
    invite: (where, who) => bring(where, who.id),
  };
}

type Visits = Pick<Person, "openHome" | "startAssistantThread" | "moveAssistantThread">;

function visiting(world: World, user: User, dm: Person["dm"]): Visits {
  const assistantEvent = (app: App, { type, ts }: { type: string; ts: string }) => {
    const thread = dm(app).assistants.get(ts);
    if (thread === undefined) throw new Error(`There is no assistant thread ${ts}`);
    const about = { user_id: user.id, context: thread.context, channel_id: dm(app).id, thread_ts: ts };
    tell(world, app, { subscription: type, event: { type, assistant_thread: about, event_ts: nowTs(world) } });
  };
  return {
    openHome({ app = firstApp(world), tab = "home" } = {}) {
      if (tab === "home" && !app.home) throw new Error(`${app.name} has no Home tab`);
      const view = [...world.views.values()].find(
        (one) => one.app === app.id && one.user === user.id && one.type === "home",
      );
      const event = {
        type: "app_home_opened",
        user: user.id,
        channel: dm(app).id,
        tab,
        event_ts: nowTs(world),
        ...(tab === "home" && view !== undefined ? { view: renderView(world, view) } : {}),
      };
      tell(world, app, { subscription: "app_home_opened", event });
    },
    startAssistantThread({ app = firstApp(world), context = {} } = {}) {
      if (!app.assistant) throw new Error(`${app.name} is no assistant`);
      const channel = dm(app);
      const root = place(world, channel, {
        user: app.user.id,
        botId: app.botId,
        appId: app.id,
        subtype: "assistant_app_thread",
        text: "New Assistant Thread",
      });
      root.threadTs = root.ts;
      channel.assistants.set(root.ts, { user: user.id, context, status: "", statuses: [] });
      assistantEvent(app, { type: "assistant_thread_started", ts: root.ts });
      return root.ts;
    },
    moveAssistantThread(ts, { app = firstApp(world), context }) {
      const thread = dm(app).assistants.get(ts);
      if (thread !== undefined) thread.context = context;
      assistantEvent(app, { type: "assistant_thread_context_changed", ts });
    },
  };
}
