// Block Kit as the fake Slack checks it. Limits: docs.slack.dev/reference/block-kit (blocks, block-elements).
import { lengthOf, list, object, text } from "./params.ts";
import { Refusal, refused } from "./refusal.ts";
import { type Json, type World, word } from "./world.ts";

/** Blocks of one message; docs.slack.dev/reference/block-kit/blocks. Views may have 100. */
export const messageBlocksMax = 50;
export const viewBlocksMax = 100;
/** All `markdown` blocks of one payload together; docs.slack.dev/reference/block-kit/blocks/markdown-block. */
const markdownCharsMax = 12_000;
/** Text of all blocks together, as measured in github.com/slackapi/bolt-js/issues/2509; no page says it. */
const allCharsMax = 13_200;

const sectionCharsMax = 3000;
const fieldCharsMax = 2000;
const fieldsMax = 10;
const headerCharsMax = 150;
const contextElementsMax = 10;
const actionsElementsMax = 25;
const buttonCharsMax = 75;
const valueCharsMax = 2000;
const idCharsMax = 255;
const optionsMax = 100;
const urlCharsMax = 3000;

/** Blocks that the fake knows; the real one refuses unknown types as well. */
const known = new Set([
  "actions",
  "context",
  "context_actions",
  "divider",
  "file",
  "header",
  "image",
  "input",
  "markdown",
  "rich_text",
  "section",
  "table",
  "task_card",
  "plan",
  "video",
]);

/** Notes a fault of a block at a JSON pointer, in the words of the real messages. */
type Note = (what: string, at: string) => void;

/** Blocks with ids, or a refusal that says what is wrong with which. */
export function checkedBlocks(world: World, blocks: unknown, { max = messageBlocksMax } = {}): Json[] {
  if (!Array.isArray(blocks)) throw new Refusal("invalid_blocks_format");
  const messages: string[] = [];
  const note: Note = (what, at) => void messages.push(`${what} [json-pointer:${at}]`);
  if (blocks.length > max) note(`no more than ${max} items allowed`, "/blocks");
  const ids = new Set<string>();
  for (const [index, value] of blocks.entries()) {
    const block = object(value);
    if (block === undefined) note("must be an object", `/blocks/${index}`);
    else checkBlock(block, { at: `/blocks/${index}`, note, ids });
  }
  if (messages.length > 0) throw refused("invalid_blocks", messages);
  const read = blocks as Json[];
  const markdown = read
    .filter(({ type }) => type === "markdown")
    .reduce((sum, one) => sum + lengthOf(text(one.text)), 0);
  if (markdown > markdownCharsMax || charsIn(read) > allCharsMax) throw new Refusal("msg_blocks_too_long");
  return read.map((block) => ({ ...block, block_id: block.block_id ?? word(world, 5) }));
}

/** Characters of all texts in a value. */
function charsIn(value: unknown): number {
  if (Array.isArray(value)) return value.reduce((sum: number, one: unknown) => sum + charsIn(one), 0);
  const found = object(value);
  if (found === undefined) return 0;
  const own = typeof found.text === "string" ? lengthOf(found.text) : 0;
  return own + Object.values(found).reduce((sum: number, one) => sum + charsIn(one), 0);
}

function checkBlock(block: Json, { at, note, ids }: { at: string; note: Note; ids: Set<string> }): void {
  const type = text(block.type);
  if (!known.has(type)) {
    note(`unsupported type: ${type}`, `${at}/type`);
    return;
  }
  const id = text(block.block_id);
  if (lengthOf(id) > idCharsMax) note(`must be less than ${idCharsMax + 1} characters`, `${at}/block_id`);
  if (id !== "" && ids.has(id)) note(`block_id already exists`, `${at}/block_id`);
  ids.add(id);
  if (type === "section") checkSection(block, { at, note });
  else if (type === "header") checkText(block.text, { at: `${at}/text`, note, max: headerCharsMax, plain: true });
  else if (type === "markdown" && text(block.text) === "") note("missing required field: text", at);
  else if (type === "actions") checkActions(block, { at, note });
  else if (type === "context") {
    const elements = list(block.elements) ?? [];
    if (elements.length === 0) note("missing required field: elements", at);
    if (elements.length > contextElementsMax)
      note(`no more than ${contextElementsMax} items allowed`, `${at}/elements`);
    for (const [index, one] of elements.entries()) {
      if (one.type !== "image") checkText(one, { at: `${at}/elements/${index}`, note, max: sectionCharsMax });
    }
  } else if (type === "input") {
    checkText(block.label, { at: `${at}/label`, note, max: valueCharsMax, plain: true });
    if (object(block.element) === undefined) note("missing required field: element", at);
  } else if (type === "image" && text(block.alt_text) === "") note("missing required field: alt_text", at);
}

function checkSection(block: Json, { at, note }: { at: string; note: Note }): void {
  const fields = list(block.fields);
  if (block.text === undefined && fields === undefined) note("missing required field: text", at);
  if (block.text !== undefined) checkText(block.text, { at: `${at}/text`, note, max: sectionCharsMax });
  if ((fields?.length ?? 0) > fieldsMax) note(`no more than ${fieldsMax} items allowed`, `${at}/fields`);
  for (const [index, field] of (fields ?? []).entries())
    checkText(field, { at: `${at}/fields/${index}`, note, max: fieldCharsMax });
  const accessory = object(block.accessory);
  if (accessory !== undefined) checkElement(accessory, { at: `${at}/accessory`, note });
}

function checkActions(block: Json, { at, note }: { at: string; note: Note }): void {
  const elements = list(block.elements) ?? [];
  if (elements.length === 0) note("must provide at least one element", `${at}/elements`);
  if (elements.length > actionsElementsMax) note(`no more than ${actionsElementsMax} items allowed`, `${at}/elements`);
  const ids = new Set<string>();
  for (const [index, element] of elements.entries()) {
    checkElement(element, { at: `${at}/elements/${index}`, note });
    const id = text(element.action_id);
    if (id !== "" && ids.has(id)) note("action_id already exists", `${at}/elements/${index}/action_id`);
    ids.add(id);
  }
}

function checkElement(element: Json, { at, note }: { at: string; note: Note }): void {
  const limit = (value: unknown, max: number, where: string): void => {
    if (lengthOf(text(value)) > max) note(`must be less than ${max + 1} characters`, `${at}/${where}`);
  };
  limit(element.action_id, idCharsMax, "action_id");
  if (element.type === "button") {
    checkText(element.text, { at: `${at}/text`, note, max: buttonCharsMax, plain: true });
    limit(element.value, valueCharsMax, "value");
    limit(element.url, urlCharsMax, "url");
    if (element.style !== undefined && element.style !== "primary" && element.style !== "danger")
      note("value must be one of primary, danger", `${at}/style`);
  }
  if (element.type === "static_select" || element.type === "overflow" || element.type === "radio_buttons") {
    const options = list(element.options) ?? [];
    if (options.length === 0 && element.option_groups === undefined) note("missing required field: options", at);
    if (options.length > optionsMax) note(`no more than ${optionsMax} items allowed`, `${at}/options`);
    for (const [index, option] of options.entries()) {
      checkText(option.text, { at: `${at}/options/${index}/text`, note, max: buttonCharsMax });
      if (lengthOf(text(option.value)) > 150) note("must be less than 151 characters", `${at}/options/${index}/value`);
    }
  }
}

function checkText(
  value: unknown,
  { at, note, max, plain = false }: { at: string; note: Note; max: number; plain?: boolean },
): void {
  const found = object(value);
  if (found === undefined) {
    note("missing required field: text", at);
    return;
  }
  if (found.type !== "plain_text" && (plain || found.type !== "mrkdwn"))
    note(`unsupported type: ${text(found.type)}`, `${at}/type`);
  const length = lengthOf(text(found.text));
  if (length === 0) note("must be more than 0 characters", `${at}/text`);
  if (length > max) note(`must be less than ${max + 1} characters`, `${at}/text`);
}

/** The blocks that Slack makes of a text: one `rich_text`; docs.slack.dev/reference/block-kit/blocks/rich-text-block. */
export function richText(world: World, content: string): Json[] {
  const section = { type: "rich_text_section", elements: [{ type: "text", text: content }] };
  return [{ type: "rich_text", block_id: word(world, 5), elements: [section] }];
}

/** All interactive elements of blocks, with the block that holds each. */
export function elementsOf(blocks: Json[]): { block: Json; element: Json }[] {
  return blocks.flatMap((block) =>
    [...(list(block.elements) ?? []), object(block.accessory), object(block.element)].flatMap((element) =>
      element?.action_id === undefined && element?.type !== "button" ? [] : [{ block, element }],
    ),
  );
}
