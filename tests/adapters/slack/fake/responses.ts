// Answers to interactions that are no calls of a method: response addresses, and what comes with an acknowledgement.
// Source: docs.slack.dev/interactivity/handling-user-interaction#message_responses.
import { checkedBlocks } from "./blocks.ts";
import { change, post, remove } from "./messages.ts";
import { flag, object, text } from "./params.ts";
import { Refusal } from "./refusal.ts";
import {
  type App,
  type Channel,
  type Ephemeral,
  type Json,
  type Message,
  newId,
  newTs,
  type World,
  word,
} from "./world.ts";

/** "Up to 5 times within 30 minutes." */
const usesMax = 5;
const lifetimeMs = 30 * 60_000;

/** An address that may be posted to, for one interaction. */
export function newResponseUrl(
  world: World,
  given: { app: App; channel: Channel; user: string; original?: Message | Ephemeral },
): string {
  const path = `/actions/${world.team.id}/${newId(world, "")}/${word(world, 24)}`;
  const { app, ...rest } = given;
  world.responseUrls.set(path, { ...rest, app: app.id, at: world.clock.now(), uses: 0 });
  return world.origin + path;
}

export function newTrigger(world: World, app: App, user: string): string {
  const id = `${newId(world, "")}.${word(world, 8)}`;
  world.triggers.set(id, { app: app.id, user, at: world.clock.now(), used: false });
  return id;
}

/** A post to a response address. */
export function respond(world: World, path: string, body: Json): Json {
  const known = world.responseUrls.get(path);
  const app = world.apps.get(known?.app ?? "");
  if (known === undefined || app === undefined) throw new Refusal("no_service", { status: 404 });
  if (world.clock.now() - known.at > lifetimeMs) throw new Refusal("expired_url", { status: 404 });
  if (known.uses >= usesMax) throw new Refusal("used_url", { status: 404 });
  known.uses += 1;
  answer(world, { app, channel: known.channel, user: known.user, original: known.original }, body);
  return { ok: true };
}

/** Does what a response says: another message, a private one, or a change of the message that was acted on. */
export function answer(
  world: World,
  place: { app: App; channel: Channel; user: string; original?: Message | Ephemeral },
  body: Json,
): void {
  const { app, channel, user, original } = place;
  if (flag(body.delete_original)) {
    if (original === undefined) throw new Refusal("message_not_found", { status: 404 });
    if ("app" in original) original.deleted = true;
    else remove(world, original);
    return;
  }
  const said = text(body.text);
  const blocks = body.blocks === undefined ? undefined : checkedBlocks(world, body.blocks);
  if (said === "" && (blocks?.length ?? 0) === 0) throw new Refusal("no_text", { status: 400 });
  if (flag(body.replace_original) && original !== undefined) {
    if ("app" in original) Object.assign(original, { text: said, blocks });
    else change(world, original, { by: app.user.id, text: said, blocks });
    return;
  }
  const threadTs = text(body.thread_ts) || undefined;
  if (body.response_type === "in_channel") {
    post(world, channel, { user: app.user.id, botId: app.botId, appId: app.id, text: said, blocks, threadTs });
    return;
  }
  const ts = newTs(world, channel);
  world.ephemerals.push({ ts, channel, user, app: app.id, text: said, blocks, threadTs, deleted: false });
}

/** What came with the acknowledgement of a slash command is a response as well. */
export function answerCommand(
  world: World,
  place: { app: App; channel: Channel; user: string },
  payload: Json | undefined,
): void {
  const body = object(payload);
  if (body === undefined || (text(body.text) === "" && body.blocks === undefined)) return;
  answer(world, place, body);
}
