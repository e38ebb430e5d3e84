// Parameters of a Bot API call: JSON, or strings that hold JSON, checked as the server checks them.
import {
  assertWellFormed,
  captionUnitsMax,
  checkedEntities,
  type Marked,
  textUnitsMax,
  tidied,
  withFound,
} from "./entities.ts";
import { parseHtml } from "./html.ts";
import { parseMarkdownV2 } from "./markdown-v2.ts";
import { bad } from "./refusal.ts";
import { integer } from "./updates.ts";
import type { Button, Json } from "./world.ts";

const callbackDataBytesMax = 64;
const buttonsMax = 100;
const parsedAsJson = [
  "reply_markup",
  "entities",
  "caption_entities",
  "link_preview_options",
  "reply_parameters",
  "allowed_updates",
  "media",
  "commands",
  "scope",
  "reaction",
  "message_ids",
  "menu_button",
];

/** Objects and lists may come as JSON text (query, form): afterwards they are values. Throws on text that is no JSON. */
export function decoded(params: Json): Json {
  const out: Json = {};
  for (const [name, value] of Object.entries(params)) {
    if (value === undefined || value === null) continue;
    if (typeof value === "string") assertWellFormed(value);
    out[name] = parsedAsJson.includes(name) && typeof value === "string" && value !== "" ? parsed(name, value) : value;
  }
  return out;
}

function parsed(name: string, value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    throw bad(
      name === "reply_markup" ? "can't parse reply keyboard markup JSON object" : `can't parse ${name} JSON object`,
    );
  }
}

export function text(value: unknown): string {
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}

export function flag(value: unknown): boolean {
  return value === true || (typeof value === "string" && /^(?:true|yes|1)$/i.test(value)) || value === 1;
}

export function object(value: unknown): Json | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
}

/** A required whole number, or the server's refusal for this name. */
export function number(params: Json, name: string): number {
  const found = integer(params[name]);
  if (found === undefined)
    throw bad(name === "message_id" ? "message identifier is not specified" : `invalid ${name} specified`);
  return found;
}

/** Text with its entities, from any of the three ways to mark it up. `empty` says whether nothing is a text as well. */
export function marked(params: Json, { what, empty = false }: { what: "text" | "caption"; empty?: boolean }): Marked {
  const raw = text(params[what]);
  assertWellFormed(raw);
  const result = tidied(withFound(parsedText(raw, params, what)));
  if (result.text === "" && !empty) throw bad(raw === "" ? "message text is empty" : "text must be non-empty");
  if (what === "text" && result.text.length > textUnitsMax) throw bad("message is too long");
  if (what === "caption" && result.text.length > captionUnitsMax) throw bad("message caption is too long");
  return result;
}

function parsedText(raw: string, params: Json, what: "text" | "caption"): Marked {
  const mode = text(params.parse_mode).toLowerCase();
  if (mode === "html") return parseHtml(raw);
  if (mode === "markdownv2") return parseMarkdownV2(raw);
  if (mode !== "" && mode !== "none") throw bad("unsupported parse_mode");
  const explicit = params[what === "text" ? "entities" : "caption_entities"];
  return { text: raw, entities: explicit === undefined ? [] : checkedEntities(explicit, raw) };
}

/** The inline keyboard, or another markup that is kept as it is. An empty keyboard is none. */
export function markup(value: unknown): { buttons?: Button[][]; other?: Json } {
  if (value === undefined || value === "") return {};
  const given = object(value);
  if (given === undefined) throw bad("object expected as reply markup");
  if (given.inline_keyboard === undefined) {
    if (given.keyboard === undefined && given.remove_keyboard === undefined && given.force_reply === undefined)
      return {};
    return { other: given };
  }
  if (!Array.isArray(given.inline_keyboard)) throw bad('field "inline_keyboard" must be of type Array');
  const rows = given.inline_keyboard.map((row: unknown) => {
    if (!Array.isArray(row)) throw bad('field "inline_keyboard" must be an Array of Arrays');
    return row.map(checkedButton);
  });
  const kept = rows.filter((row) => row.length > 0);
  if (kept.flat().length > buttonsMax) throw bad("reply markup is too long");
  return kept.length === 0 ? {} : { buttons: kept };
}

const actions = [
  "url",
  "callback_data",
  "web_app",
  "login_url",
  "switch_inline_query",
  "switch_inline_query_current_chat",
  "switch_inline_query_chosen_chat",
  "copy_text",
  "callback_game",
  "pay",
];

function checkedButton(value: unknown): Button {
  const button = object(value);
  if (button === undefined) throw bad("can't parse inline keyboard button: InlineKeyboardButton must be an Object");
  if (typeof button.text !== "string") {
    throw bad("can't parse inline keyboard button: Can't find field \"text\"");
  }
  assertWellFormed(button.text);
  if (button.text.trim() === "") throw bad("inline keyboard button text must be non-empty");
  if (!actions.some((action) => button[action] !== undefined)) {
    throw bad("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard");
  }
  if (button.callback_data !== undefined) {
    const bytes = new TextEncoder().encode(text(button.callback_data)).length;
    if (bytes < 1 || bytes > callbackDataBytesMax) throw bad("BUTTON_DATA_INVALID");
  }
  if (button.url !== undefined) checkButtonLink(text(button.url));
  const app = object(button.web_app);
  if (app !== undefined && !/^https:\/\/[^/]+\.[^/]+/.test(text(app.url))) throw bad("BUTTON_URL_INVALID");
  return { ...button, text: button.text };
}

function checkButtonLink(url: string): void {
  const whole = /^[a-z][a-z0-9+.-]*:/i.test(url) ? url : `http://${url}`;
  const ok = /^(?:https?|tg|ton|tonsite):/i.test(whole) && URL.canParse(whole);
  if (!ok) throw bad(`inline keyboard button URL '${url}' is invalid: Unsupported URL protocol`);
  const { protocol, hostname } = new URL(whole);
  if (protocol.startsWith("http") && !hostname.includes(".")) {
    throw bad(`inline keyboard button URL '${url}' is invalid: Wrong HTTP URL`);
  }
}
