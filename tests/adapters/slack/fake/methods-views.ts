// views.* and assistant.threads.* of the fake Slack: modals, the home tab, and what an assistant thread shows.
import { checkedBlocks, viewBlocksMax } from "./blocks.ts";
import { tellChanged } from "./events.ts";
import { type Call, type Method, ownChannel } from "./method.ts";
import { lengthOf, list, needed, object, text } from "./params.ts";
import { Refusal, refused } from "./refusal.ts";
import { renderMessage } from "./render.ts";
import { type AssistantThread, type Json, knownUser, newId, type View, type World, word } from "./world.ts";

/** docs.slack.dev/interactivity/handling-user-interaction: "Your app must use the trigger ID within three seconds." */
const triggerMs = 3000;
/** docs.slack.dev/reference/views/modal-views */
const metadataCharsMax = 3000;
const callbackCharsMax = 255;
const titleCharsMax = 24;
/** docs.slack.dev/surfaces/modals: "up to three views". */
const stackMax = 3;
/** docs.slack.dev/reference/methods/assistant.threads.setSuggestedPrompts: "maximum of 4 prompts". */
const promptsMax = 4;
/** docs.slack.dev/reference/methods/assistant.threads.setStatus: `loading_messages`, "maximum of 10 strings". */
const loadingMax = 10;

/** A view's content, checked. */
function checkedView(world: World, value: unknown): Json {
  const view = object(value);
  if (view === undefined) throw refused("invalid_arguments", ["missing required field: view"]);
  const faults: string[] = [];
  const atMost = (name: string, content: unknown, max: number) => {
    if (lengthOf(text(content)) > max)
      faults.push(`must be less than ${max + 1} characters [json-pointer:/view/${name}]`);
  };
  if (view.type !== "modal" && view.type !== "home")
    faults.push("value must be one of modal, home [json-pointer:/view/type]");
  if (view.type === "modal" && object(view.title) === undefined)
    faults.push("missing required field: title [json-pointer:/view]");
  if (!Array.isArray(view.blocks)) faults.push("missing required field: blocks [json-pointer:/view]");
  atMost("private_metadata", view.private_metadata, metadataCharsMax);
  atMost("callback_id", view.callback_id, callbackCharsMax);
  atMost("title/text", object(view.title)?.text, titleCharsMax);
  const inputs = (list(view.blocks) ?? []).some(({ type }) => type === "input");
  if (view.type === "modal" && inputs && object(view.submit) === undefined)
    faults.push("missing required field: submit [json-pointer:/view]");
  if (faults.length > 0) throw refused("invalid_arguments", faults);
  const blocks = viewBlocks(world, view.blocks);
  return { ...view, blocks };
}

/** Views answer `invalid_arguments` for blocks that a message would call `invalid_blocks`. */
function viewBlocks(world: World, blocks: unknown): Json[] {
  try {
    return checkedBlocks(world, blocks, { max: viewBlocksMax });
  } catch (error) {
    if (error instanceof Refusal && error.code === "invalid_blocks")
      throw new Refusal("invalid_arguments", { extra: error.extra });
    throw error;
  }
}

/** docs.slack.dev/reference/views: what a view is in answers and payloads. */
export function renderView(world: World, view: View): Json {
  const app = world.apps.get(view.app);
  return {
    callback_id: "",
    private_metadata: "",
    external_id: "",
    ...view.content,
    id: view.id,
    team_id: world.team.id,
    app_id: view.app,
    bot_id: app?.botId,
    hash: view.hash,
    state: { values: structuredClone(view.values) },
    root_view_id: view.rootId,
    previous_view_id: view.previousId ?? null,
  };
}

const newHash = (world: World): string => `${Math.floor(world.clock.now() / 1000)}.${word(world, 8)}`;

/** Uses a trigger up. */
function pulled({ world, app, params }: Call): string {
  const trigger = world.triggers.get(needed(params, "trigger_id"));
  if (trigger === undefined || trigger.app !== app.id) throw new Refusal("invalid_trigger_id");
  if (world.clock.now() - trigger.at > triggerMs) throw new Refusal("expired_trigger_id");
  if (trigger.used) throw new Refusal("exchanged_trigger_id");
  trigger.used = true;
  return trigger.user;
}

/** Puts a view up; `under` is the one it covers. */
export function showView(
  world: World,
  { app, user, content, under }: { app: string; user: string; content: unknown; under?: View },
): View {
  const checked = checkedView(world, content);
  const external = text(checked.external_id);
  const taken = [...world.views.values()].some(
    (one) => one.open && external !== "" && one.content.external_id === external,
  );
  if (taken) throw new Refusal("duplicate_external_id");
  const id = newId(world, "V");
  const type = checked.type === "home" ? "home" : "modal";
  const view: View = {
    id,
    app,
    user,
    type,
    content: checked,
    hash: newHash(world),
    rootId: under?.rootId ?? id,
    ...(under === undefined ? {} : { previousId: under.id }),
    open: true,
    values: {},
  };
  world.views.set(id, view);
  return view;
}

/** Replaces what a view shows; what was typed into inputs that stay is kept by the real one as well. */
export function changeView(world: World, view: View, content: unknown): void {
  view.content = checkedView(world, content);
  view.hash = newHash(world);
}

function open(call: Call): Json {
  const { world, app, params } = call;
  checkedView(world, params.view);
  const user = pulled(call);
  return { view: renderView(world, showView(world, { app: app.id, user, content: params.view })) };
}

function push(call: Call): Json {
  const { world, app, params } = call;
  checkedView(world, params.view);
  const user = pulled(call);
  const stack = [...world.views.values()].filter(
    (one) => one.app === app.id && one.user === user && one.open && one.type === "modal",
  );
  if (stack.length >= stackMax) throw new Refusal("push_limit_reached");
  const under = stack.at(-1);
  return { view: renderView(world, showView(world, { app: app.id, user, content: params.view, under })) };
}

function update({ world, app, params }: Call): Json {
  const id = text(params.view_id);
  const external = text(params.external_id);
  const view = [...world.views.values()].find(
    (one) =>
      one.app === app.id && (id === "" ? external !== "" && one.content.external_id === external : one.id === id),
  );
  if (view === undefined || !view.open) throw new Refusal("not_found");
  const hash = text(params.hash);
  if (hash !== "" && hash !== view.hash) throw new Refusal("hash_conflict");
  changeView(world, view, params.view);
  return { view: renderView(world, view) };
}

function publish({ world, app, params }: Call): Json {
  const user = knownUser(world, needed(params, "user_id"));
  if (!app.home) throw new Refusal("not_enabled");
  const content = checkedView(world, params.view);
  if (content.type !== "home") throw refused("invalid_arguments", ["view must be of type home"]);
  const shown = [...world.views.values()].find(
    (one) => one.app === app.id && one.user === user.id && one.type === "home",
  );
  const hash = text(params.hash);
  if (hash !== "" && shown !== undefined && hash !== shown.hash) throw new Refusal("hash_conflict");
  if (shown === undefined) return { view: renderView(world, showView(world, { app: app.id, user: user.id, content })) };
  changeView(world, shown, content);
  return { view: renderView(world, shown) };
}

/** An assistant thread of the app, in a direct conversation; also any thread where only a status is set. */
function threadOf({ world, app, params }: Call): AssistantThread {
  const channel = ownChannel({ world, app, params: { channel: needed(params, "channel_id") } });
  const ts = needed(params, "thread_ts");
  const known = channel.assistants.get(ts);
  if (known !== undefined) return known;
  const message = channel.messages.get(ts);
  if (message === undefined || message.deleted) throw new Refusal("thread_not_found");
  const made: AssistantThread = { user: message.user, context: {}, status: "", statuses: [] };
  channel.assistants.set(ts, made);
  return made;
}

/** docs.slack.dev/reference/methods/assistant.threads.setStatus: "" clears; a message of the app clears it as well. */
function setStatus(call: Call): Json {
  const { world, params } = call;
  if (params.status === undefined) throw refused("invalid_arguments", ["missing required field: status"]);
  const thread = threadOf(call);
  const loadingMessages = Array.isArray(params.loading_messages) ? params.loading_messages.map(text) : undefined;
  if ((loadingMessages?.length ?? 0) > loadingMax)
    throw refused("invalid_arguments", [`no more than ${loadingMax} items allowed`]);
  thread.status = text(params.status);
  thread.statuses.push({
    at: world.clock.now(),
    status: thread.status,
    ...(loadingMessages === undefined ? {} : { loadingMessages }),
  });
  return {};
}

/** Tells of the thread's first message as a change, which apps take for an edit unless they look at its subtype. */
function setTitle(call: Call): Json {
  const { world, params } = call;
  const thread = threadOf(call);
  thread.title = needed(params, "title");
  const root = world.channels.get(text(params.channel_id))?.messages.get(text(params.thread_ts));
  if (root?.subtype === "assistant_app_thread") {
    const previous = renderMessage(world, root);
    tellChanged(world, root, previous);
  }
  return {};
}

function setSuggestedPrompts(call: Call): Json {
  const { params } = call;
  const thread = threadOf(call);
  const prompts = list(params.prompts) ?? [];
  if (prompts.length === 0 || prompts.length > promptsMax)
    throw refused("invalid_arguments", [`prompts must have 1 to ${promptsMax} items`]);
  if (prompts.some((one) => text(one.title) === "" || text(one.message) === ""))
    throw refused("invalid_arguments", ["a prompt needs a title and a message"]);
  const title = text(params.title);
  thread.prompts = { prompts, ...(title === "" ? {} : { title }) };
  return {};
}

export const viewMethods: Record<string, Method> = {
  "views.open": { scopes: [], tier: 4, run: open },
  "views.push": { scopes: [], tier: 4, run: push },
  "views.update": { scopes: [], tier: 4, run: update },
  "views.publish": { scopes: [], tier: 4, run: publish },
  "assistant.threads.setStatus": { scopes: ["assistant:write", "chat:write"], tier: 0, run: setStatus },
  "assistant.threads.setTitle": { scopes: ["assistant:write"], tier: 3, run: setTitle },
  "assistant.threads.setSuggestedPrompts": { scopes: ["assistant:write"], tier: 3, run: setSuggestedPrompts },
};
