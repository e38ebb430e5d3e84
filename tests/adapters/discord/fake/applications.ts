// Routes of the fake REST API about application commands: docs.discord.com/developers/interactions/application-commands.
import { list, text } from "./forms.ts";
import { invalidForm, Refusal, refuse } from "./refusal.ts";
import { type Call, guildOf, isObject, part, plain, type Run } from "./route.ts";
import { type Command, type CommandOption, type Json, newId } from "./world.ts";

/** Slash commands of one scope: "Registering a command". */
const commandsMax = 100;
/** Names, descriptions and values of one command together. */
const commandTextMax = 8000;
/** New commands a day in one guild or globally, 30034. */
const createsADay = 200;
const dayMs = 24 * 60 * 60_000;

/** docs.discord.com/developers/interactions/application-commands#application-command-object-application-command-naming */
const slashName = /^[-_'\p{L}\p{N}\p{sc=Deva}\p{sc=Thai}]{1,32}$/u;

function assertName(value: unknown, path: string): string {
  const name = text(value, path, { max: 32 });
  if (!slashName.test(name) || name !== name.toLowerCase())
    throw invalidForm(path, {
      code: "APPLICATION_COMMAND_INVALID_NAME",
      message: "Command name is invalid",
    });
  return name;
}

function readOption(value: unknown, { path, depth }: { path: string; depth: number }): CommandOption {
  const option = isObject(value) ? value : {};
  const name = assertName(option.name, `${path}.name`);
  text(option.description, `${path}.description`, { max: 100 });
  const type = Number(option.type);
  if (!Number.isInteger(type) || type < 1 || type > 11)
    throw invalidForm(`${path}.type`, { code: "BASE_TYPE_CHOICES", message: "Value must be one of (1, …, 11)." });
  // A group holds subcommands, a subcommand holds values; nothing goes deeper.
  const nested = type === 1 || type === 2;
  if (nested && (type === 2 ? depth > 0 : depth > 1))
    throw invalidForm(path, {
      code: "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
      message: "Sub-command option type is invalid",
    });
  const options = readOptions(option.options, { path: `${path}.options`, depth: depth + (type === 2 ? 1 : 2) });
  if (!nested && options.length > 0)
    throw invalidForm(`${path}.options`, {
      code: "APPLICATION_COMMAND_OPTIONS_NOT_ALLOWED",
      message: "Options are not allowed here",
    });
  const choices = list(option.choices, `${path}.choices`, { max: 25 }).filter(isObject);
  for (const [index, choice] of choices.entries()) {
    text(choice.name, `${path}.choices.${index}.name`, { max: 100 });
    if (typeof choice.value === "string") text(choice.value, `${path}.choices.${index}.value`, { max: 100 });
  }
  if (choices.length > 0 && ![3, 4, 10].includes(type))
    throw invalidForm(`${path}.choices`, {
      code: "APPLICATION_COMMAND_OPTIONS_CHOICES_INVALID",
      message: "Choices are invalid for this type",
    });
  if (option.autocomplete === true && (choices.length > 0 || ![3, 4, 10].includes(type)))
    throw invalidForm(`${path}.autocomplete`, {
      code: "APPLICATION_COMMAND_OPTIONS_AUTOCOMPLETE_INVALID",
      message: "Autocomplete is not possible with choices or with this type",
    });
  return { ...(option as unknown as CommandOption), name, type, ...(options.length === 0 ? {} : { options }) };
}

function readOptions(value: unknown, { path, depth }: { path: string; depth: number }): CommandOption[] {
  const options = list(value, path, { max: 25 }).map((one, index) =>
    readOption(one, { path: `${path}.${index}`, depth }),
  );
  const late = options.findIndex(
    (one, index) => one.required === true && options[index - 1]?.required !== true && index > 0,
  );
  if (late > 0)
    throw invalidForm(`${path}.${late}`, {
      code: "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
      message: "Required options must be placed before non-required options",
    });
  if (new Set(options.map(({ name }) => name)).size !== options.length)
    throw invalidForm(path, {
      code: "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS",
      message: "Option names must be unique",
    });
  return options;
}

function textOf(value: Json): number {
  const own = [value.name, value.description, value.value].reduce<number>(
    (sum, one) => sum + (typeof one === "string" ? one.length : 0),
    0,
  );
  const inner = [value.options, value.choices].flatMap((one) => (Array.isArray(one) ? (one as Json[]) : []));
  return inner.reduce((sum, one) => sum + textOf(one), own);
}

function readCommand(value: unknown, index: number): Omit<Command, "id"> {
  const command = isObject(value) ? value : {};
  const type = Number(command.type ?? 1);
  if (![1, 2, 3].includes(type))
    throw invalidForm(`${index}.type`, { code: "BASE_TYPE_CHOICES", message: "Value must be one of (1, 2, 3)." });
  if (type !== 1) return { ...command, name: text(command.name, `${index}.name`, { max: 32 }), type };
  const name = assertName(command.name, `${index}.name`);
  text(command.description, `${index}.description`, { max: 100 });
  const options = readOptions(command.options, { path: `${index}.options`, depth: 0 });
  if (textOf(command) > commandTextMax)
    throw invalidForm(String(index), {
      code: "APPLICATION_COMMAND_TOO_LARGE",
      message: `Command exceeds maximum size (${commandTextMax})`,
    });
  return { ...command, name, type, options };
}

function overwrite(call: Call, scope: string): Command[] {
  if (part(call, 0) !== call.bot.id)
    throw new Refusal({
      status: 403,
      code: 20012,
      message: "You are not authorized to perform this action on this application",
    });
  if (!Array.isArray(call.body))
    throw invalidForm("", { code: "LIST_TYPE_CONVERT", message: "Only iterables may be used in a ListType" });
  const read = call.body.map((one, index) => readCommand(one, index));
  for (const type of [1, 2, 3]) {
    const max = type === 1 ? commandsMax : 15;
    if (read.filter((one) => one.type === type).length > max)
      throw new Refusal({
        status: 400,
        code: 30032,
        message: `Maximum number of application commands reached (${max})`,
      });
  }
  const seen = new Set<string>();
  for (const [index, { type, name }] of read.entries()) {
    if (seen.has(`${plain(type)} ${plain(name)}`))
      throw invalidForm(String(index), {
        code: "APPLICATION_COMMANDS_DUPLICATE_NAME",
        message: "Application command names must be unique",
      });
    seen.add(`${plain(type)} ${plain(name)}`);
  }
  const old = call.bot.commands.get(scope) ?? [];
  const fresh = read.filter((one) => !old.some((other) => other.name === one.name && other.type === one.type)).length;
  const now = call.world.clock.now();
  const made = call.bot.commandsMade.until > now ? call.bot.commandsMade : { count: 0, until: now + dayMs };
  if (made.count + fresh > createsADay) throw refuse("dailyCommands");
  call.bot.commandsMade = { ...made, count: made.count + fresh };
  // A command whose name stays keeps its id: "Bulk overwrite".
  const commands = read.map((one): Command => {
    const known = old.find((other) => other.name === one.name && other.type === one.type);
    const id = known?.id ?? newId(call.world);
    return {
      ...one,
      id,
      name: String(one.name),
      type: Number(one.type),
      application_id: call.bot.id,
      version: newId(call.world),
      default_member_permissions: one.default_member_permissions ?? null,
      ...(scope === "" ? {} : { guild_id: scope }),
    };
  });
  call.bot.commands.set(scope, commands);
  return commands;
}

export const applicationRoutes: Record<string, Run> = {
  "GET /applications/:id/commands": (call) => ({ body: call.bot.commands.get("") ?? [] }),
  "PUT /applications/:id/commands": (call) => ({ body: overwrite(call, "") }),
  "GET /applications/:id/guilds/:id/commands": (call) => ({ body: call.bot.commands.get(guildOf(call, 1).id) ?? [] }),
  "PUT /applications/:id/guilds/:id/commands": (call) => ({ body: overwrite(call, guildOf(call, 1).id) }),
};
