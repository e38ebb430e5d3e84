// Slash commands, buttons and modals as inbounds: pure, and the person is whom Slack names.
import * as v from "valibot";
import { limits } from "../../core/limits.ts";
import type { Address, Inbound, Sender } from "../../core/message.ts";
import { type Facts, placeOf } from "./inbound.ts";
import { actionsSchema, slashSchema, submissionSchema } from "./payloads.ts";
import { slashAll, slashPrefix } from "./scopes.ts";
import { readText } from "./text.ts";

/** What an interaction means. */
export type Pressed =
  | {
      kind: "inbound";
      inbound: Inbound;
      /** Where a word to that person alone may be posted, for half an hour and five times. */
      responseUrl?: string;
      /** Opens a modal, for three seconds. */
      trigger?: string;
      /** The message that only this person sees, in which the button stood. */
      ephemeral?: string;
      /** It was given in some direct conversation, and which is ours with this person is not known. */
      unplaced?: true;
    }
  | { kind: "ignored"; reason: string; malformed?: true };

/** What a button of the home page stands for. */
export interface HomeStop {
  conversation: Address["conversation"];
  thread?: string;
}

/** Action ids on pages of ours that are no deliveries. */
export const homeStopAction = "home-stop";
export const modelCallback = "choose-model";

const malformed = (reason: string): Pressed => ({ kind: "ignored", reason, malformed: true });

/** Reads the payload of a `slash_commands` envelope. `direct` is the person's own conversation with us, where known. */
export function readSlash(payload: unknown, facts: Facts & { direct(user: string): string | undefined }): Pressed {
  const read = v.safeParse(slashSchema, payload);
  if (!read.success) return malformed("it is no slash command");
  const {
    command,
    text,
    user_id: user,
    user_name: called,
    channel_id: channel,
    trigger_id: trigger,
    response_url: url,
  } = read.output;
  // A command may be given in a conversation of two others: its answer belongs to where we are.
  const own = channel.startsWith("D") ? facts.direct(user) : channel;
  const at = own ?? channel;
  const words = readText(text, { names: facts.names, self: facts.self.user }).text;
  const [name, args] = commandOf(command, words);
  const inbound: Inbound = {
    adapter: facts.adapter,
    conversation: { id: at, kind: at.startsWith("D") ? "direct" : "shared" },
    kind: "command",
    id: trigger,
    sender: senderOf({ id: user, username: called }, facts),
    sentAt: facts.now,
    answer: { as: "message", deadlineMs: limits.slackAnswerMs },
    name,
    args,
  };
  return {
    kind: "inbound",
    inbound,
    trigger,
    ...(url === undefined ? {} : { responseUrl: url }),
    ...(own === undefined ? { unplaced: true } : {}),
  };
}

/** `/pi-model x` and `/remoteagent model x` are `model` with `x`. */
function commandOf(command: string, words: string): [name: string, args: string] {
  if (command !== slashAll) {
    const name = command.startsWith(slashPrefix) ? command.slice(slashPrefix.length) : command.slice(1);
    return [name.toLowerCase(), words];
  }
  const [, name = "help", rest = ""] = /^\/?(\S+)\s*([\s\S]*)$/.exec(words) ?? [];
  return [name.toLowerCase().replace(/^pi-/, ""), rest];
}

/** Reads the payload of an `interactive` envelope. */
export function readInteractive(payload: unknown, facts: Facts): Pressed {
  const type = v.safeParse(v.looseObject({ type: v.string() }), payload);
  if (!type.success) return malformed("it is no interaction");
  switch (type.output.type) {
    case "block_actions":
      return readAction(payload, facts);
    case "view_submission":
      return readSubmission(payload, facts);
    default:
      return { kind: "ignored", reason: `interactions "${type.output.type.slice(0, 60)}" have no meaning here` };
  }
}

function readAction(payload: unknown, facts: Facts): Pressed {
  const read = v.safeParse(actionsSchema, payload);
  if (!read.success) return malformed("a pressed button has another form than it should");
  const { user, channel, container, message, actions, trigger_id: trigger, response_url: url } = read.output;
  const [action] = actions;
  if (action === undefined) return malformed("a pressed button has another form than it should");
  const id = `${user.id}-${action.action_ts ?? trigger ?? ""}`;
  const sender = senderOf(user, facts);
  if (action.action_id === homeStopAction) return readHomeStop(action.value ?? "", { id, sender, facts });
  const said = action.selected_option?.value ?? action.action_id;
  const pressed = /^(\d{1,15}):(\d{1,4})$/.exec(said);
  const ts = message?.ts ?? container?.message_ts;
  if (pressed === null || channel === undefined || ts === undefined)
    return { kind: "ignored", reason: "the button is none of ours" };
  const inbound: Inbound = {
    ...placeOf({ ts, thread_ts: message?.thread_ts, channel: channel.id }, facts),
    kind: "action",
    id,
    sender,
    sentAt: facts.now,
    answer: { as: "note", deadlineMs: limits.slackAnswerMs },
    delivery: pressed[1] ?? "",
    value: pressed[2] ?? "",
  };
  return {
    kind: "inbound",
    inbound,
    ...(url === undefined ? {} : { responseUrl: url }),
    ...(container?.is_ephemeral === true && action.block_id !== undefined ? { ephemeral: action.block_id } : {}),
  };
}

const placeSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({
    conversation: v.object({ id: v.pipe(v.string(), v.nonEmpty()), kind: v.picklist(["direct", "shared"]) }),
    thread: v.optional(v.string()),
  }),
);

/** A stop on the home page is that word in the place where the turn runs; whether this person may is judged there. */
function readHomeStop(value: string, { id, sender, facts }: { id: string; sender: Sender; facts: Facts }): Pressed {
  const place = v.safeParse(placeSchema, value);
  if (!place.success) return malformed("a button of the home page names no place");
  const inbound: Inbound = { ...command("stop", ""), ...addressOf(place.output, facts), id, sender, sentAt: facts.now };
  return { kind: "inbound", inbound };
}

function readSubmission(payload: unknown, facts: Facts): Pressed {
  const read = v.safeParse(submissionSchema, payload);
  if (!read.success) return malformed("a modal has another form than it should");
  const { user, view } = read.output;
  if (view.callback_id !== modelCallback) return { kind: "ignored", reason: "the modal is none of ours" };
  const place = v.safeParse(placeSchema, view.private_metadata);
  const model = chosenIn(view.state.values);
  if (!place.success || model === undefined) return malformed("a modal came back without what was chosen");
  const inbound: Inbound = {
    ...command("model", model),
    ...addressOf(place.output, facts),
    id: `${view.id}-${view.hash ?? ""}`,
    sender: senderOf(user, facts),
    sentAt: facts.now,
    answer: { as: "message", deadlineMs: limits.slackAnswerMs },
  };
  return { kind: "inbound", inbound };
}

function command(name: string, args: string) {
  return { kind: "command", name, args } as const;
}

function addressOf({ conversation, thread }: v.InferOutput<typeof placeSchema>, { adapter }: Facts): Address {
  return { adapter, conversation, ...(thread === undefined ? {} : { thread }) };
}

/** The one option that was chosen in a modal, wherever it stands. */
function chosenIn(values: unknown): string | undefined {
  const option = v.looseObject({
    selected_option: v.looseObject({ value: v.pipe(v.string(), v.nonEmpty(), v.maxLength(150)) }),
  });
  const read = v.safeParse(v.record(v.string(), v.record(v.string(), v.unknown())), values);
  if (!read.success) return undefined;
  for (const block of Object.values(read.output)) {
    for (const one of Object.values(block)) {
      const chosen = v.safeParse(option, one);
      if (chosen.success) return chosen.output.selected_option.value;
    }
  }
  return undefined;
}

function senderOf(
  { id, name, username }: { id: string; name?: string | undefined; username?: string | undefined },
  { names }: Facts,
): Sender {
  return { id, name: names.user(id) ?? name ?? username ?? id };
}
