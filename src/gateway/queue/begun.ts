// Turns that are stored and do not run yet: the commit that they share with others is not over, or has failed.
import type { SessionId, TurnId } from "../../core/ids.ts";
import type { TurnRow } from "../../core/session.ts";
import type { Store } from "../../store/store.ts";

export type Begun = ReturnType<typeof createBegun>;

/** Notes them. Those whose commit failed are forgotten when somebody asks. */
export function createBegun({ turns }: Pick<Store, "turns">) {
  const rows = new Map<TurnId, TurnRow>();
  const forgetLost = (): void => {
    for (const id of rows.keys()) if (turns.get(id) === undefined) rows.delete(id);
  };
  return {
    add: (row: TurnRow): void => void rows.set(row.id, row),
    /** It runs now. */
    delete: (id: TurnId): void => void rows.delete(id),
    has: (id: TurnId): boolean => rows.has(id),
    /** The one that will run in a session in a moment. */
    in(session: SessionId): TurnRow | undefined {
      if (rows.size === 0) return undefined;
      forgetLost();
      return rows.values().find((row) => row.session === session);
    },
    /** How many there are. */
    count(): number {
      forgetLost();
      return rows.size;
    },
    /** The same or more, without a look at the store. */
    countMost: (): number => rows.size,
  };
}
