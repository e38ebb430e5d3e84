// Buttons, lists and forms in Discord's own shape: docs.discord.com/developers/components/reference.
import type { Button } from "../../gateway/handle.ts";

/** Type numbers of the components that are used. */
const types = { row: 1, button: 2, select: 3, text: 4, label: 18 } as const;
const primary = 1;
const secondary = 2;

/** Discord's own bounds. */
const buttonLabelMax = 80;
const optionLabelMax = 100;
const optionsMax = 25;
const rowButtonsMax = 5;
/** Labels of one row beyond this are cut off on a phone. */
const rowCharsMax = 60;
/** More choices than this are a list. */
const buttonsMax = 5;

/** What is in a form: one field, to be filled with a text or chosen from a list. */
export interface Form {
  /** Comes back with what was filled in. */
  id: string;
  title: string;
  label: string;
  placeholder: string;
  /** The choices; without them it is a text. */
  choices?: readonly string[];
}

/** The components under a message; always all of them, so that an edit takes old ones away. */
export function componentsOf(buttons: readonly Button[]): unknown[] {
  if (buttons.length === 0) return [];
  return buttons.length > buttonsMax ? [listOf(buttons)] : rowsOf(buttons);
}

function rowsOf(buttons: readonly Button[]): unknown[] {
  const rows: { type: number; components: unknown[] }[] = [];
  let room = 0;
  for (const [index, { label, data }] of buttons.entries()) {
    const text = shown(label, buttonLabelMax);
    const button = { type: types.button, style: index === 0 ? primary : secondary, label: text, custom_id: data };
    const row = rows.at(-1);
    if (row === undefined || row.components.length >= rowButtonsMax || text.length > room) {
      rows.push({ type: types.row, components: [button] });
      room = rowCharsMax - text.length;
    } else {
      row.components.push(button);
      room -= text.length;
    }
  }
  return rows;
}

function listOf(buttons: readonly Button[]): unknown {
  const options = buttons
    .slice(0, optionsMax)
    .map(({ label, data }) => ({ label: shown(label, optionLabelMax), value: data }));
  const list = { type: types.select, custom_id: `list-${buttons[0]?.data ?? ""}`, placeholder: "Choose", options };
  return { type: types.row, components: [list] };
}

function shown(label: string, max: number): string {
  const text = label.replace(/\s+/g, " ").trim();
  return text === "" ? "·" : text.length > max ? `${text.slice(0, max - 1).toWellFormed()}…` : text;
}

/** The form as the answer to an interaction takes it. */
export function modalOf({ id, title, label, placeholder, choices }: Form): unknown {
  const component =
    choices === undefined
      ? {
          type: types.text,
          custom_id: "args",
          style: 1,
          required: true,
          max_length: 1_000,
          placeholder: placeholder.slice(0, 100),
        }
      : {
          type: types.select,
          custom_id: "args",
          placeholder: placeholder.slice(0, 100),
          options: choices
            .slice(0, optionsMax)
            .map((choice) => ({ label: shown(choice, optionLabelMax), value: choice.slice(0, 100) })),
        };
  return {
    custom_id: id,
    title: title.slice(0, 45),
    components: [{ type: types.label, label: label.slice(0, 45), component }],
  };
}

/** What was filled in, wherever it stands in the answer; undefined when nothing was. */
export function filledIn(components: unknown, depth = 0): string | undefined {
  if (depth > 4 || typeof components !== "object" || components === null) return undefined;
  if (Array.isArray(components)) {
    for (const one of components.slice(0, 10)) {
      const found = filledIn(one, depth + 1);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  const { value, values, component, components: inner } = components as Record<string, unknown>;
  const [first] = Array.isArray(values) ? (values as unknown[]) : [];
  if (typeof value === "string") return value;
  if (typeof first === "string") return first;
  return filledIn(component, depth + 1) ?? filledIn(inner, depth + 1);
}
