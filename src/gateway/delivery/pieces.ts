// What one message becomes on a platform: its parts, or the first of them and a file with all of it.
import { Buffer } from "node:buffer";
import { limits } from "../../core/limits.ts";
import type { Choice } from "../../core/message.ts";
import type { Deliveries, Delivery, DeliveryFile } from "../../store/deliveries.ts";
import type { Clock } from "../../sys/clock.ts";
import type { Redactor } from "../../vault/redact.ts";
import type { AdapterHandle } from "../handle.ts";

/** One row's content. */
export interface Piece {
  body: string;
  choices: readonly Choice[];
  file?: DeliveryFile;
}

/** What messages are laid out with. */
export interface LayoutDeps {
  deliveries: Deliveries;
  redactor: Pick<Redactor, "exact">;
  clock: Pick<Clock, "now" | "random">;
}

/** A message's own mark, by which a platform knows a repetition: 24 characters. */
export function freshNonce(clock: Pick<Clock, "random">): string {
  return Buffer.from(clock.random(12)).toString("hex");
}

/**
 * The parts of a text as a platform takes them, from the first; buttons stand under the last one.
 * @throws when the adapter cannot render it.
 */
export function split(
  { redactor }: Pick<LayoutDeps, "redactor">,
  { markdown: raw, handle, choices }: { markdown: string; handle: AdapterHandle; choices: readonly Choice[] },
): [Piece, ...Piece[]] {
  const markdown = redactor.exact(raw);
  const bodies = handle.render(markdown, "final");
  const shown = bodies.slice(0, limits.answerPartsMax);
  const [first, ...rest] = shown.map(
    (body, index): Piece => ({ body, choices: index === shown.length - 1 ? choices : [] }),
  );
  if (first === undefined) throw new Error("An adapter rendered a text as nothing");
  if (bodies.length <= limits.answerPartsMax) return [first, ...rest];
  const bytes = Buffer.byteLength(markdown);
  const caption = "The answer goes on: all of it is in this file.";
  return [first, ...rest, { body: markdown, choices: [], file: { name: "answer.md", bytes, caption } }];
}

/**
 * Brings a row that holds markdown into the platform's form, with a row for each further part; in the caller's
 * transaction. From here on the split stays as it is. A later part is given the whole text anew, and takes what is its
 * own of it. @throws when the adapter cannot render it.
 */
export function layOut(deps: LayoutDeps, { row, handle }: { row: Delivery; handle: AdapterHandle }): void {
  const pieces = split(deps, { markdown: row.body ?? "", handle, choices: row.choices });
  storePieces(deps, { row, pieces });
}

/** The same for pieces that are there already. */
export function storePieces(
  { deliveries, clock }: Pick<LayoutDeps, "deliveries" | "clock">,
  { row, pieces }: { row: Delivery; pieces: readonly [Piece, ...Piece[]] },
): void {
  const own = Math.min(row.part, pieces.length) - 1;
  const first = pieces[own] ?? pieces[0];
  const rest = pieces.slice(own + 1);
  const at = clock.now();
  const parts = row.part + rest.length;
  deliveries.say(row.id, { form: "final", body: first.body, choices: first.choices, parts, at });
  addRest({ deliveries, clock }, { row, rest, parts });
}

/** The parts behind the one of a row. */
export function addRest(
  { deliveries, clock }: Pick<LayoutDeps, "deliveries" | "clock">,
  { row, rest, parts }: { row: Delivery; rest: readonly Piece[]; parts: number },
): void {
  const at = clock.now();
  for (const [index, { body, choices, file }] of rest.entries()) {
    deliveries.add({
      target: row.target,
      kind: file === undefined ? row.kind : "file",
      form: "final",
      nonce: freshNonce(clock),
      at,
      body,
      choices,
      head: row.head ?? row.id,
      part: row.part + index + 1,
      parts,
      ...(row.question === null || choices.length === 0 ? {} : { question: row.question }),
      ...(row.answers === null ? {} : { answers: row.answers }),
      ...(row.turn === null ? {} : { turn: row.turn }),
      ...(row.root === null ? {} : { root: row.root }),
      ...(file === undefined ? {} : { file }),
    });
  }
}
