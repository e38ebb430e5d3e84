// What people do in the fake Slack: tests drive them, apps hear of it.
import { elementsOf } from "./blocks.ts";
import { tell, tellMember, tellReaction } from "./events.ts";
import { change, place, post, remove, typed } from "./messages.ts";
import { newFile, shareFiles } from "./methods-files.ts";
import { changeView, renderView, showView } from "./methods-views.ts";
import { list, object, text } from "./params.ts";
import { renderMessage } from "./render.ts";
import { answerCommand, newResponseUrl, newTrigger } from "./responses.ts";
import {
  type App,
  type Channel,
  directChannel,
  type Ephemeral,
  type Json,
  type Message,
  messageIn,
  nowTs,
  type User,
  type View,
  type World,
} from "./world.ts";

/** A conversation, by itself, by its id or by its `#name`. */
export type Where = Channel | string;

/** Where an element is: on a message (private ones too), or on a view. */
export type Spot = { channel: Where; ts: string } | { view: string };

export interface SayOptions {
  /** The ts of the thread's first message. */
  thread?: string;
  /** The channel shows the reply as well. */
  broadcast?: boolean;
  files?: { name: string; bytes: Uint8Array; mimetype?: string; title?: string }[];
}

/** One person. Message ts go in and out; what a person could not do throws, since it is the test's mistake. */
export interface Person {
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
  /** Presses a button, or chooses an option by its value. `values` is what stands in the message's inputs. */
  press(spot: Spot, actionId: string, options?: { choose?: string; values?: Json }): void;
  /** Runs a slash command. Slack has none within threads. */
  slash(channel: Where, command: string, text?: string): void;
  /** Sends a modal; `values` by block id and action id, as in `state.values`. */
  submit(view: string, values?: Json): void;
  /** Closes a modal; apps hear of it when the view asked for it. */
  dismiss(view: string): void;
  openHome(options?: { app?: App; tab?: "home" | "messages" }): void;
  /** Opens a new assistant thread and gives the ts of its first message. */
  startAssistantThread(options?: { app?: App; context?: Json }): string;
  /** Looks at another channel while the assistant thread stands open. */
  moveAssistantThread(ts: string, options: { app?: App; context: Json }): void;
}

/** Conversations by what tests call them. */
export function channelNamed(world: World, where: Where): Channel {
  if (typeof where !== "string") return where;
  const name = where.replace(/^#/, "");
  const found = world.channels.get(where) ?? [...world.channels.values()].find((one) => one.name === name);
  if (found === undefined) throw new Error(`There is no conversation "${where}"`);
  return found;
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

function theMessage(channel: Channel, ts: string): Message {
  const found = messageIn(channel, ts);
  if (found === undefined || found.tombstone) throw new Error(`There is no message ${ts} in ${channel.id}`);
  return found;
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
        newFile(world, { ...file, bytes, size: bytes.length, user: user.id, complete: true }),
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

function person(world: World, user: User): Json {
  return { id: user.id, username: user.name, name: user.name, team_id: world.team.id };
}

function team(world: World): Json {
  return { id: world.team.id, domain: world.team.domain };
}

function acting(world: World, user: User): Pick<Person, "press" | "slash" | "submit" | "dismiss"> {
  return {
    press(spot, actionId, options = {}) {
      if ("view" in spot) pressOnView(world, user, { view: theView(world, user, spot.view), actionId, ...options });
      else
        pressOnMessage(world, user, { channel: channelNamed(world, spot.channel), ts: spot.ts, actionId, ...options });
    },
    slash(where, command, said = "") {
      const channel = channelNamed(world, where);
      if (!channel.members.has(user.id)) throw new Error(`${user.name} is not in ${channel.id}`);
      const app = [...world.apps.values()].find(({ commands }) => commands.has(command));
      if (app === undefined || !app.scopes.has("commands")) throw new Error(`${command} is not a valid command`);
      const names = { im: "directmessage", mpim: channel.name, private: "privategroup", public: channel.name };
      const payload = {
        token: "a verification token that nobody should use",
        team_id: world.team.id,
        team_domain: world.team.domain,
        channel_id: channel.id,
        channel_name: names[channel.kind],
        user_id: user.id,
        user_name: user.name,
        command,
        text: said,
        api_app_id: app.id,
        is_enterprise_install: "false",
        response_url: newResponseUrl(world, { app, channel, user: user.id }),
        trigger_id: newTrigger(world, app, user.id),
      };
      world.deliver(app, {
        type: "slash_commands",
        payload,
        acceptsPayload: true,
        answered: (ack) => answerCommand(world, { app, channel, user: user.id }, ack),
        failed: () =>
          shown(world, channel, { user: user.id, app, text: `${command} failed with the error "operation_timeout"` }),
      });
    },
    submit(id, values = {}) {
      const view = theView(world, user, id);
      Object.assign(view.values, values);
      sendView(world, user, { view, type: "view_submission" });
    },
    dismiss(id) {
      const view = theView(world, user, id);
      view.open = false;
      if (view.content.notify_on_close === true) sendView(world, user, { view, type: "view_closed" });
    },
  };
}

/** A note of Slack itself that one person sees. */
function shown(world: World, channel: Channel, { user, app, text }: { user: string; app: App; text: string }): void {
  world.ephemerals.push({ ts: nowTs(world), channel, user, app: app.id, text, deleted: false });
}

function theView(world: World, user: User, id: string): View {
  const view = world.views.get(id);
  if (view === undefined || !view.open || view.user !== user.id) throw new Error(`${user.name} sees no view ${id}`);
  return view;
}

/** The action as block_actions tells it: a button's value, or the option that was chosen. */
function action(world: World, blocks: Json[], { actionId, choose }: { actionId: string; choose?: string }): Json {
  const found = elementsOf(blocks).find(({ element }) => element.action_id === actionId);
  if (found === undefined) throw new Error(`There is nothing called "${actionId}" to press`);
  const { block, element } = found;
  const option = (list(element.options) ?? []).find(({ value }) => value === choose);
  if (choose !== undefined && option === undefined) throw new Error(`"${actionId}" has no option "${choose}"`);
  return {
    action_id: actionId,
    block_id: block.block_id,
    type: element.type,
    action_ts: nowTs(world),
    ...(element.text === undefined ? {} : { text: element.text }),
    ...(element.value === undefined ? {} : { value: element.value }),
    ...(element.style === undefined ? {} : { style: element.style }),
    ...(option === undefined ? {} : { selected_option: option }),
  };
}

type Pressed = { actionId: string; choose?: string; values?: Json };

function pressOnMessage(
  world: World,
  user: User,
  { channel, ts, values = {}, ...pressed }: Pressed & { channel: Channel; ts: string },
): void {
  const hidden = world.ephemerals.find(
    (one) => one.channel === channel && one.ts === ts && one.user === user.id && !one.deleted,
  );
  const original: Message | Ephemeral = hidden ?? theMessage(channel, ts);
  const app = world.apps.get(("app" in original ? original.app : original.appId) ?? "");
  if (app === undefined) throw new Error(`No app wrote ${ts}`);
  const threadTs = original.threadTs;
  deliverActions(world, app, {
    user,
    actions: [action(world, original.blocks ?? [], pressed)],
    place: {
      container: {
        type: "message",
        message_ts: ts,
        channel_id: channel.id,
        is_ephemeral: hidden !== undefined,
        ...(threadTs === undefined ? {} : { thread_ts: threadTs }),
      },
      channel: { id: channel.id, name: channel.kind === "im" ? "directmessage" : channel.name },
      ...("app" in original ? {} : { message: renderMessage(world, original) }),
      state: { values },
      response_url: newResponseUrl(world, { app, channel, user: user.id, original }),
    },
  });
}

function pressOnView(world: World, user: User, { view, values = {}, ...pressed }: Pressed & { view: View }): void {
  const app = world.apps.get(view.app);
  if (app === undefined) throw new Error(`The app of ${view.id} is gone`);
  Object.assign(view.values, values);
  deliverActions(world, app, {
    user,
    actions: [action(world, list(view.content.blocks) ?? [], pressed)],
    place: { container: { type: "view", view_id: view.id }, view: renderView(world, view) },
  });
}

/** docs.slack.dev/reference/interaction-payloads/block_actions-payload */
function deliverActions(
  world: World,
  app: App,
  { user, actions, place }: { user: User; actions: Json[]; place: Json },
): void {
  const payload = {
    type: "block_actions",
    user: person(world, user),
    api_app_id: app.id,
    token: "a verification token that nobody should use",
    trigger_id: newTrigger(world, app, user.id),
    team: team(world),
    enterprise: null,
    is_enterprise_install: false,
    ...place,
    actions,
  };
  world.deliver(app, { type: "interactive", payload, acceptsPayload: false });
}

/** docs.slack.dev/reference/interaction-payloads/view-interactions-payload; the acknowledgement may hold an action. */
function sendView(
  world: World,
  user: User,
  { view, type }: { view: View; type: "view_submission" | "view_closed" },
): void {
  const app = world.apps.get(view.app);
  if (app === undefined) throw new Error(`The app of ${view.id} is gone`);
  const payload = {
    type,
    team: team(world),
    user: person(world, user),
    api_app_id: app.id,
    token: "a verification token that nobody should use",
    ...(type === "view_submission"
      ? { trigger_id: newTrigger(world, app, user.id), response_urls: [] }
      : { is_cleared: false }),
    view: renderView(world, view),
    is_enterprise_install: false,
    enterprise: null,
  };
  const submits = type === "view_submission";
  world.deliver(app, {
    type: "interactive",
    payload,
    acceptsPayload: submits,
    ...(submits ? { answered: (ack: Json | undefined) => afterSubmit(world, view, ack) } : {}),
  });
}

/** docs.slack.dev/surfaces/modals#response_actions; without one the view closes. */
function afterSubmit(world: World, view: View, ack: Json | undefined): void {
  const what = text(ack?.response_action);
  if (what === "errors") view.content = { ...view.content, errors: object(ack?.errors) };
  else if (what === "update") changeView(world, view, ack?.view);
  else if (what === "push") showView(world, { app: view.app, user: view.user, content: ack?.view, under: view });
  else if (what === "clear") {
    for (const one of world.views.values()) if (one.rootId === view.rootId) one.open = false;
  } else view.open = false;
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
