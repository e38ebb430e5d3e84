// Buttons, commands and modals of the fake Slack: what people do with them, and what apps are told.
import { elementsOf } from "./blocks.ts";
import { changeView, renderView, showView } from "./methods-views.ts";
import { list, object, text } from "./params.ts";
import { channelNamed, theMessage, type Where } from "./places.ts";
import { renderMessage } from "./render.ts";
import { answerCommand, newResponseUrl, newTrigger } from "./responses.ts";
import {
  type App,
  type Channel,
  type Ephemeral,
  type Json,
  type Message,
  nowTs,
  type User,
  type View,
  type World,
} from "./world.ts";

/** Where an element is: on a message (private ones too), or on a view. */
export type Spot = { channel: Where; ts: string } | { view: string };

/** What a person does with what an app shows. */
export interface Acts {
  /** Presses a button, or chooses an option by its value. `values` is what stands in the message's inputs. */
  press(spot: Spot, actionId: string, options?: { choose?: string; values?: Json }): void;
  /** Runs a slash command. Slack has none within threads. */
  slash(channel: Where, command: string, text?: string): void;
  /** Sends a modal; `values` by block id and action id, as in `state.values`. */
  submit(view: string, values?: Json): void;
  /** Closes a modal; apps hear of it when the view asked for it. */
  dismiss(view: string): void;
}

function person(world: World, user: User): Json {
  return { id: user.id, username: user.name, name: user.name, team_id: world.team.id };
}

function team(world: World): Json {
  return { id: world.team.id, domain: world.team.domain };
}

export function acting(world: World, user: User): Acts {
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
