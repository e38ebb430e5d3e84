// Interactions that people begin: slash commands, buttons, selects, modals, completion.

import type { OptionValues, Person, Ref } from "./person.ts";
import { storeFile } from "./posting.ts";
import { plain } from "./route.ts";
import { type InteractionView, seeInteraction } from "./sight.ts";
import { viewFile, viewInteraction } from "./views.ts";
import {
  type Bot,
  type Channel,
  type Command,
  type CommandOption,
  type Interaction,
  interactionKinds,
  type Json,
  type Message,
  newId,
  token,
  type User,
  type World,
} from "./world.ts";

type Asking = Pick<Person, "slash" | "complete" | "press" | "select" | "submit">;

/** What a person can ask; a command, button or option that is not there throws. */
export function asking(
  world: World,
  { user, firstBot, find }: { user: User; firstBot: () => Bot; find: (ref: Ref) => Message },
): Asking {
  const begin = (
    given: Pick<Interaction, "kind" | "bot" | "channel" | "data"> & { message?: Message },
  ): InteractionView => {
    const interaction: Interaction = {
      id: newId(world),
      token: token(world, 40),
      user,
      message: undefined,
      at: world.clock.now(),
      answered: undefined,
      original: undefined,
      followups: [],
      modal: undefined,
      choices: undefined,
      ...given,
    };
    world.interactions.set(interaction.id, interaction);
    // Needs no intent, and comes to the shard of the guild: events/gateway-events#interaction-create.
    world.emit({
      event: "INTERACTION_CREATE",
      intents: undefined,
      guild: interaction.channel.guild,
      only: interaction.bot,
      data: () => viewInteraction(world, interaction),
    });
    return seeInteraction(world, interaction);
  };
  const component = (ref: Ref, customId: string, wanted: (type: unknown) => boolean) => {
    const message = find(ref);
    const one = partsOf(message.components).find(({ custom_id: id, type }) => id === customId && wanted(type));
    const bot = world.bots.get(message.author.id);
    if (one === undefined || bot === undefined) throw new Error(`There is no component "${customId}" at ${ref.id}`);
    if (one.disabled === true) throw new Error(`The component "${customId}" is disabled`);
    return { message, one, bot, channel: message.channel, kind: interactionKinds.component };
  };
  return {
    slash(channel, name, values = {}, bot = firstBot()) {
      const called = lookUp(bot, channel, name);
      const resolved: Json = {};
      const options = called.options.flatMap((option) => {
        const value = values[option.name];
        if (value === undefined && option.required === true) throw new Error(`"${option.name}" is required`);
        return value === undefined ? [] : [filled(world, { channel, option, value, resolved })];
      });
      const unknown = Object.keys(values).find((key) => !called.options.some((option) => option.name === key));
      if (unknown !== undefined) throw new Error(`"/${name}" has no option "${unknown}"`);
      const data = { ...commandData(called, options), ...(Object.keys(resolved).length === 0 ? {} : { resolved }) };
      return begin({ kind: interactionKinds.command, bot, channel, data });
    },
    complete(channel, name, typed, bot = firstBot()) {
      const called = lookUp(bot, channel, name);
      const options = called.options.flatMap((option) => {
        const value = typed[option.name];
        if (value === undefined) return [];
        if (option.autocomplete !== true) throw new Error(`"${option.name}" does not complete itself`);
        return [{ name: option.name, type: option.type, value, focused: true }];
      });
      return begin({ kind: interactionKinds.autocomplete, bot, channel, data: commandData(called, options) });
    },
    press(ref, customId) {
      const { one: _, ...rest } = component(ref, customId, (type) => type === 2);
      return begin({ ...rest, data: { custom_id: customId, component_type: 2, id: 1 } });
    },
    select(ref, customId, values) {
      const { one, ...rest } = component(ref, customId, (type) => type !== 2);
      const options = Array.isArray(one.options) ? (one.options as Json[]) : undefined;
      const missing = values.find((value) => options?.some((option) => option.value === value) === false);
      if (missing !== undefined) throw new Error(`There is no choice "${missing}" in "${customId}"`);
      if (values.length < Number(one.min_values) || values.length > Number(one.max_values))
        throw new Error(`"${customId}" does not take ${values.length} choices`);
      return begin({ ...rest, data: { custom_id: customId, component_type: one.type, id: 1, values } });
    },
    submit(ref, values) {
      const asked = world.interactions.get(ref.id);
      if (asked?.modal === undefined) throw new Error(`Interaction ${ref.id} showed no modal`);
      const { custom_id: customId, components } = asked.modal;
      const rows = (components as Json[]).map((row) => submitted(row, values));
      asked.modal = undefined;
      const { bot, channel, message } = asked;
      return begin({
        kind: interactionKinds.modal,
        bot,
        channel,
        message,
        data: { custom_id: customId, components: rows },
      });
    },
  };
}

interface Called {
  command: Command;
  path: CommandOption[];
  options: CommandOption[];
}

/** "group sub" leads to the innermost command; those of the guild come before the global ones. */
function lookUp(bot: Bot, channel: Channel, name: string): Called {
  const [first = "", ...rest] = name.split(" ");
  const all = [...(bot.commands.get(channel.guild?.id ?? "") ?? []), ...(bot.commands.get("") ?? [])];
  const command = all.find((one) => one.name === first && one.type === 1);
  if (command === undefined) throw new Error(`There is no command "/${first}" here`);
  const path: CommandOption[] = [];
  let options = command.options ?? [];
  for (const word of rest) {
    const next = options.find((option) => option.name === word && (option.type === 1 || option.type === 2));
    if (next === undefined) throw new Error(`There is no command "/${name}"`);
    path.push(next);
    options = next.options ?? [];
  }
  if (options.some(({ type }) => type === 1 || type === 2)) throw new Error(`"/${name}" needs a subcommand`);
  return { command, path, options };
}

function commandData({ command, path }: Called, options: Json[]): Json {
  const inner = path.reduceRight<Json[]>((list, { name, type }) => [{ name, type, options: list }], options);
  const guild = command.guild_id === undefined ? {} : { guild_id: command.guild_id };
  return { id: command.id, name: command.name, type: 1, ...guild, ...(inner.length === 0 ? {} : { options: inner }) };
}

function filled(
  world: World,
  {
    channel,
    option,
    value,
    resolved,
  }: { channel: Channel; option: CommandOption; value: OptionValues[string]; resolved: Json },
): Json {
  const { name, type } = option;
  const fits: Record<number, boolean> = {
    4: Number.isInteger(value),
    5: typeof value === "boolean",
    10: typeof value === "number",
    11: typeof value === "object",
  };
  if (fits[type] === false || (fits[type] === undefined && typeof value !== "string"))
    throw new Error(`"${name}" does not take ${JSON.stringify(value)}`);
  if (option.choices !== undefined && option.choices.length > 0 && !option.choices.some((one) => one.value === value))
    throw new Error(`"${name}" has no choice ${JSON.stringify(value)}`);
  if (typeof value !== "object") return { name, type, value };
  const file = storeFile(world, channel, {
    name: value.name,
    type: value.type ?? "",
    bytes: Uint8Array.from(value.bytes),
  });
  resolved.attachments = { ...(resolved.attachments as Json | undefined), [file.id]: viewFile(world, file) };
  return { name, type, value: file.id };
}

/** One row of a modal with what was typed. */
function submitted(row: Json, values: Record<string, string>): Json {
  const input = (row.type === 18 ? row.component : (row.components as Json[])[0]) as Json;
  const id = String(input.custom_id);
  const value = values[id] ?? plain(input.value);
  if (value === "" && input.required !== false) throw new Error(`"${id}" is required`);
  if (value.length > Number(input.max_length ?? 4000)) throw new Error(`"${id}" is too long`);
  const filledIn = { type: input.type, custom_id: id, value, id: 2 };
  return row.type === 18 ? { type: 18, id: 1, component: filledIn } : { type: 1, id: 1, components: [filledIn] };
}

/** All components of a message that have an id, whatever row they stand in. */
function partsOf(components: Json[]): Json[] {
  return components.flatMap((row) => (Array.isArray(row.components) ? (row.components as Json[]) : []));
}
