// What one message becomes on a platform: its parts, or the first of them and a file with all of it.
import { Buffer } from "node:buffer";
import { limits } from "../../core/limits.ts";
import type { Choice } from "../../core/message.ts";
import type { Deliveries, Delivery, DeliveryFile } from "../../store/deliveries.ts";
import type { Clock } from "../../sys/clock.ts";
import type { Redactor } from "../../vault/redact.ts";
import type { AdapterHandle } from "../handle.ts";

/** One row's content. */
interface Piece {
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

/** The parts of a text as a platform takes them; buttons stand under the last one. */
function split(markdown: string, { handle, choices }: { handle: AdapterHandle; choices: readonly Choice[] }): Piece[] {
  const bodies = handle.render(markdown, "final");
  const shown = bodies.slice(0, limits.answerPartsMax);
  const pieces = shown.map((body, index): Piece => ({ body, choices: index === shown.length - 1 ? choices : [] }));
  if (bodies.length <= limits.answerPartsMax) return pieces;
  const bytes = Buffer.byteLength(markdown);
  const caption = "The answer goes on: all of it is in this file.";
  return [...pieces, { body: markdown, choices: [], file: { name: "answer.md", bytes, caption } }];
}

/**
 * Brings a row that holds markdown into the platform's form, with a row for each further part; in the caller's
 * transaction. From here on the split stays as it is. A later part is given the whole text anew, and takes what is its
 * own of it. @throws when the adapter cannot render it.
 */
export function layOut(deps: LayoutDeps, { row, handle }: { row: Delivery; handle: AdapterHandle }): void {
  const { deliveries, redactor, clock } = deps;
  const pieces = split(redactor.exact(row.body ?? ""), { handle, choices: row.choices });
  const [first, ...rest] = pieces.slice(Math.min(row.part, pieces.length) - 1);
  if (first === undefined) throw new Error("An adapter rendered a text as nothing");
  const at = clock.now();
  const parts = row.part + rest.length;
  deliveries.say(row.id, { form: "final", body: first.body, choices: first.choices, parts, at });
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
