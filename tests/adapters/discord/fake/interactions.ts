// Routes of the fake REST API that answer interactions: docs.discord.com/developers/interactions/receiving-and-responding.
import { emitDeleted } from "./emissions.ts";
import { flags, list, modal, text } from "./forms.ts";
import { edit, put, read } from "./posting.ts";
import { invalidForm, refuse } from "./refusal.ts";
import { bodyObject, type Call, isObject, part, type Run, snowflake } from "./route.ts";
import { viewMessage } from "./views.ts";
import { type Interaction, interactionKinds, type Json, type Message } from "./world.ts";

/** docs.discord.com/developers/interactions/receiving-and-responding#interaction-response-object-interaction-callback-type */
export const callbackKinds = {
  message: 4,
  deferredMessage: 5,
  deferredUpdate: 6,
  update: 7,
  autocomplete: 8,
  modal: 9,
} as const;

/** Which callbacks answer which interaction. */
function fits({ kind, message }: Interaction, callback: number): boolean {
  const { deferredUpdate, update, autocomplete } = callbackKinds;
  if (callback === autocomplete) return kind === interactionKinds.autocomplete;
  if (kind === interactionKinds.autocomplete) return false;
  if (callback === deferredUpdate || callback === update) return message !== undefined;
  if (callback === callbackKinds.modal) return kind !== interactionKinds.modal;
  return callback === callbackKinds.message || callback === callbackKinds.deferredMessage;
}

/** As another application's user sees it: answers count as the interaction's bot's. */
function asBot(call: Call, interaction: Interaction): Call {
  return { ...call, bot: interaction.bot };
}

function say(call: Call, interaction: Interaction, body: Json): Message {
  const draft = read(asBot(call, interaction), interaction.channel, body);
  const ephemeral = ((draft.flags ?? 0) & flags.ephemeral) !== 0;
  return put(call.world, interaction.channel, {
    ...draft,
    kind: interaction.kind === interactionKinds.command ? 20 : 0,
    interaction,
    onlyFor: ephemeral ? interaction.user.id : undefined,
  });
}

const callback: Run = (call) => {
  const { world } = call;
  const interaction = world.interactions.get(part(call, 0));
  if (interaction === undefined || interaction.token !== part(call, 1)) throw refuse("unknownInteraction");
  if (interaction.answered !== undefined) throw refuse("acknowledged");
  if (world.clock.now() - interaction.at > world.limits.answerMs) throw refuse("unknownInteraction");
  const { type, data } = bodyObject(call);
  if (typeof type !== "number" || !fits(interaction, type))
    throw invalidForm("type", { code: "BASE_TYPE_CHOICES", message: "Value is not one of the allowed choices." });
  const body = isObject(data) ? data : {};
  respond(asBot(call, interaction), interaction, { type, body });
  interaction.answered = type;
  if (call.query.get("with_response") !== "true") return { status: 204 };
  const { original } = interaction;
  return {
    body: {
      interaction: {
        id: interaction.id,
        type: interaction.kind,
        ...(original === undefined
          ? {}
          : {
              response_message_id: original.id,
              response_message_loading: (original.flags & flags.loading) !== 0,
              response_message_ephemeral: original.onlyFor !== undefined,
            }),
      },
      resource: { type, ...(original === undefined ? {} : { message: viewMessage(world, original) }) },
    },
  };
};

function respond(call: Call, interaction: Interaction, { type, body }: { type: number; body: Json }): void {
  const { world } = call;
  switch (type) {
    case callbackKinds.message:
      interaction.original = say(call, interaction, body);
      break;
    case callbackKinds.deferredMessage: {
      const ephemeral = (Number(body.flags ?? 0) & flags.ephemeral) !== 0;
      interaction.original = put(world, interaction.channel, {
        author: interaction.bot,
        kind: interaction.kind === interactionKinds.command ? 20 : 0,
        flags: flags.loading | (ephemeral ? flags.ephemeral : 0),
        interaction,
        onlyFor: ephemeral ? interaction.user.id : undefined,
      });
      break;
    }
    case callbackKinds.deferredUpdate:
      interaction.original = interaction.message;
      break;
    case callbackKinds.update:
      interaction.original = interaction.message;
      if (interaction.message !== undefined) edit(call, { message: interaction.message, body });
      break;
    case callbackKinds.autocomplete: {
      const choices = list(body.choices, "data.choices", { max: 25 }).filter(isObject);
      for (const [index, { name }] of choices.entries()) text(name, `data.choices.${index}.name`, { max: 100 });
      interaction.choices = choices;
      break;
    }
    case callbackKinds.modal:
      interaction.modal = modal(body);
      break;
    default:
      throw new Error(`There is no callback ${type}`);
  }
}

/** The interaction of `/webhooks/:app/:token`. Its token ends after 15 minutes; before an answer there is no webhook. */
function webhookOf(call: Call): Interaction {
  const { world } = call;
  const found = [...world.interactions.values()].find(
    (one) => one.token === part(call, 1) && one.bot.id === part(call, 0),
  );
  if (found === undefined) throw refuse("unknownWebhook");
  if (world.clock.now() - found.at > world.limits.interactionMs) throw refuse("webhookToken");
  if (found.answered === undefined) throw refuse("unknownWebhook");
  return found;
}

function messageOf(call: Call, interaction: Interaction): Message {
  const id = part(call, 2);
  const found =
    id === "@original"
      ? interaction.original
      : [interaction.original, ...interaction.followups].find(
          (one) => one?.id === snowflake(call, { index: 2, name: "message_id" }),
        );
  if (found === undefined || found.deleted) throw refuse("unknownMessage");
  return found;
}

const followUp: Run = (call) => {
  const interaction = webhookOf(call);
  const body = bodyObject(call);
  const { original } = interaction;
  // Directly after a deferred answer this edits that answer, and its flags stay: "Create Followup Message".
  if (original !== undefined && (original.flags & flags.loading) !== 0) {
    edit(asBot(call, interaction), { message: original, body });
    return { body: viewMessage(call.world, original) };
  }
  const message = say(call, interaction, body);
  interaction.followups.push(message);
  return { body: viewMessage(call.world, message) };
};

export const interactionRoutes: Record<string, Run> = {
  "POST /interactions/:id/:token/callback": callback,
  "POST /webhooks/:id/:token": followUp,
  "GET /webhooks/:id/:token/messages/:id": (call) => ({
    body: viewMessage(call.world, messageOf(call, webhookOf(call))),
  }),
  "PATCH /webhooks/:id/:token/messages/:id": (call) => {
    const interaction = webhookOf(call);
    const message = messageOf(call, interaction);
    edit(asBot(call, interaction), { message, body: bodyObject(call) });
    return { body: viewMessage(call.world, message) };
  },
  "DELETE /webhooks/:id/:token/messages/:id": (call) => {
    const message = messageOf(call, webhookOf(call));
    message.deleted = true;
    if (message.onlyFor === undefined) emitDeleted(call.world, message.channel, [message.id]);
    return { status: 204 };
  },
};
