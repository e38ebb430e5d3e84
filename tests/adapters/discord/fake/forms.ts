// The form of a message body: what Discord refuses with 50035, checked before anything else is done.
import { invalidForm } from "./refusal.ts";
import { isObject } from "./route.ts";
import type { Json } from "./world.ts";

/** docs.discord.com/developers/resources/message#embed-object-embed-limits */
const embedTexts: Record<string, number> = { title: 256, description: 4096 };
const embedsMax = 10;
const embedTextMax = 6000;
export const contentMax = 2000;

/** Flags that a bot may set; the rest are Discord's own: resources/message#message-object-message-flags. */
export const flags = {
  suppressEmbeds: 1 << 2,
  hasThread: 1 << 5,
  ephemeral: 1 << 6,
  loading: 1 << 7,
  suppressNotifications: 1 << 12,
  componentsV2: 1 << 15,
} as const;

function tooLong(path: string, max: number): never {
  throw invalidForm(path, { code: "BASE_TYPE_MAX_LENGTH", message: `Must be ${max} or fewer in length.` });
}

function choose(path: string): never {
  throw invalidForm(path, { code: "BASE_TYPE_CHOICES", message: "Value is not one of the allowed choices." });
}

export function required(path: string): never {
  throw invalidForm(path, { code: "BASE_TYPE_REQUIRED", message: "This field is required" });
}

/** A text of 1 to `max` characters; empty or missing is refused unless `optional`. */
export function text(
  value: unknown,
  path: string,
  { max, optional = false }: { max: number; optional?: boolean },
): string {
  if (value === undefined || value === null) return optional ? "" : required(path);
  if (typeof value !== "string")
    throw invalidForm(path, { code: "STRING_TYPE_CONVERT", message: "Could not interpret value as string." });
  // The documentation does not say what a character is; UTF-16 units are the strictest reading.
  if (value.length > max) tooLong(path, max);
  if (value.length === 0 && !optional) return required(path);
  return value;
}

export function list(value: unknown, path: string, { max }: { max: number }): unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value))
    throw invalidForm(path, { code: "LIST_TYPE_CONVERT", message: "Only iterables may be used in a ListType" });
  if (value.length > max) tooLong(path, max);
  return value;
}

function record(value: unknown, path: string): Json {
  if (!isObject(value))
    throw invalidForm(path, { code: "MODEL_TYPE_CONVERT", message: "Only dictionaries may be used in a ModelType" });
  return value;
}

/** Embeds with what Discord adds; 6,000 characters in all of them together. */
export function embeds(value: unknown): Json[] {
  let total = 0;
  const count = (one: unknown, path: string, max: number) => {
    total += text(one, path, { max, optional: true }).length;
  };
  const read = list(value, "embeds", { max: embedsMax }).map((one, index) => {
    const at = `embeds.${index}`;
    const embed = record(one, at);
    for (const [name, max] of Object.entries(embedTexts)) count(embed[name], `${at}.${name}`, max);
    if (isObject(embed.footer)) count(embed.footer.text, `${at}.footer.text`, 2048);
    if (isObject(embed.author)) count(embed.author.name, `${at}.author.name`, 256);
    for (const [number, field] of list(embed.fields, `${at}.fields`, { max: 25 }).entries()) {
      const { name, value: words } = record(field, `${at}.fields.${number}`);
      total += text(name, `${at}.fields.${number}.name`, { max: 256 }).length;
      total += text(words, `${at}.fields.${number}.value`, { max: 1024 }).length;
    }
    if (Object.keys(embed).length === 0)
      throw invalidForm(at, { code: "EMBED_EMPTY", message: "Embed must not be empty" });
    return { type: "rich", ...embed };
  });
  if (total > embedTextMax)
    throw invalidForm("embeds", {
      code: "MAX_EMBED_SIZE_EXCEEDED",
      message: `Embed size exceeds maximum size of ${embedTextMax}`,
    });
  return read;
}

/** Action rows of buttons and selects: docs.discord.com/developers/components/reference. */
export function components(value: unknown): Json[] {
  const ids = new Set<string>();
  return list(value, "components", { max: 5 }).map((row, index) => {
    const at = `components.${index}`;
    const { type, components: inner } = record(row, at);
    if (type !== 1) choose(`${at}.type`);
    const parts = list(inner, `${at}.components`, { max: 5 }).map((one, number) =>
      component(record(one, `${at}.components.${number}`), { at: `${at}.components.${number}`, ids }),
    );
    if (parts.length === 0) required(`${at}.components`);
    if (parts.some((one) => one.type !== 2) && parts.length > 1) tooLong(`${at}.components`, 1);
    return { type: 1, id: index + 1, components: parts };
  });
}

function component(one: Json, { at, ids }: { at: string; ids: Set<string> }): Json {
  if (one.type === 2) return button(one, { at, ids });
  if (![3, 5, 6, 7, 8].includes(Number(one.type))) choose(`${at}.type`);
  unique(one, { at, ids });
  text(one.placeholder, `${at}.placeholder`, { max: 150, optional: true });
  const max = one.max_values ?? 1;
  const min = one.min_values ?? 1;
  if (one.type !== 3) return { min_values: min, max_values: max, ...one };
  const options = list(one.options, `${at}.options`, { max: 25 }).map((option, index) => {
    const read = record(option, `${at}.options.${index}`);
    text(read.label, `${at}.options.${index}.label`, { max: 100 });
    text(read.value, `${at}.options.${index}.value`, { max: 100 });
    text(read.description, `${at}.options.${index}.description`, { max: 100, optional: true });
    return read;
  });
  if (options.length === 0) required(`${at}.options`);
  const values = options.map((option) => option.value);
  if (new Set(values).size !== values.length)
    throw invalidForm(`${at}.options`, {
      code: "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED",
      message: "The specified option value is already used",
    });
  return { min_values: min, max_values: max, ...one };
}

function button(one: Json, { at, ids }: { at: string; ids: Set<string> }): Json {
  const label = text(one.label, `${at}.label`, { max: 80, optional: true });
  if (label === "" && one.emoji === undefined && one.style !== 6) required(`${at}.label`);
  if (![1, 2, 3, 4, 5].includes(Number(one.style))) choose(`${at}.style`);
  if (one.style === 5) {
    text(one.url, `${at}.url`, { max: 512 });
    if (one.custom_id !== undefined) choose(`${at}.custom_id`);
  } else unique(one, { at, ids });
  return one;
}

function unique(one: Json, { at, ids }: { at: string; ids: Set<string> }): void {
  const id = text(one.custom_id, `${at}.custom_id`, { max: 100 });
  if (ids.has(id))
    throw invalidForm(`${at}.custom_id`, {
      code: "COMPONENT_CUSTOM_ID_DUPLICATED",
      message: "Component custom id cannot be duplicated",
    });
  ids.add(id);
}

/** A modal: a title, and rows of one text input each (or labels with one component). */
export function modal(value: unknown): Json {
  const data = record(value, "data");
  text(data.title, "data.title", { max: 45 });
  text(data.custom_id, "data.custom_id", { max: 100 });
  const rows = list(data.components, "data.components", { max: 5 });
  if (rows.length === 0) required("data.components");
  for (const [index, row] of rows.entries()) {
    const at = `data.components.${index}`;
    const read = record(row, at);
    if (read.type !== 1 && read.type !== 18) choose(`${at}.type`);
    const inner = read.type === 1 ? list(read.components, `${at}.components`, { max: 1 })[0] : read.component;
    const input = record(inner, `${at}.components.0`);
    text(input.custom_id, `${at}.components.0.custom_id`, { max: 100 });
    if (read.type === 1) text(input.label, `${at}.components.0.label`, { max: 45 });
    text(input.value, `${at}.components.0.value`, { max: 4000, optional: true });
  }
  return data;
}
