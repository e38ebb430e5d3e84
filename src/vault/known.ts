// What the redactor is told of the vault: values that live there, and those that were used since the start.
import type { EntryRow } from "../store/vaults.ts";
import { secretWords } from "./values.ts";

type Which = Pick<EntryRow, "vault" | "kind" | "name">;

/** Collects secret words; the same list comes back until something changes. */
export function createKnown() {
  const live = new Map<string, Set<string>>();
  /** Went into a sandbox or out with a request: a command may still say them after they are removed. */
  const used = new Set<string>();
  let list: readonly string[] | undefined;
  const keyOf = ({ vault, kind, name }: Which) => JSON.stringify([vault, kind, name]);
  return {
    values(): readonly string[] {
      list ??= [...new Set([...[...live.values()].flatMap((words) => [...words]), ...used])];
      return list;
    },
    /** A value of an entry, beside the one before it, which may still be on its way somewhere. */
    live(row: Which, bytes: Uint8Array): void {
      const words = live.get(keyOf(row)) ?? new Set();
      for (const word of secretWords(row.kind, bytes)) words.add(word);
      live.set(keyOf(row), words);
      list = undefined;
    },
    used(row: Which): void {
      for (const word of live.get(keyOf(row)) ?? []) used.add(word);
    },
    gone(row: Which): void {
      live.delete(keyOf(row));
      list = undefined;
    },
  };
}
