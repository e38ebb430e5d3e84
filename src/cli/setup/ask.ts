// What the wizard asks the instance, or the store while none runs: who is known, what was sent, how turns ended.
import type { FailureData } from "../../core/failure.ts";
import { Failure } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import { askAdmin } from "../offline.ts";
import type { Places } from "../places.ts";

/** Somebody whom an adapter knows. `direct`: the conversation in which they are reached privately, if it is known. */
export interface Person {
  id: string;
  name: string | undefined;
  direct: string | undefined;
}

/** A code as it was made. `expiresAt` is Unix milliseconds. */
export interface Code {
  code: string;
  expiresAt: number;
}

interface UserRow {
  id: string;
  name: string;
  roles: string[];
  direct: string | null;
}
interface DeliveryRow {
  kind: string;
  turn: string | null;
}
interface TurnRow {
  id: string;
  state: string;
  startedAt: number;
  replyTo: { adapter: string; conversation: { id: string } };
  error: FailureData | null;
}

/** What became of the agent's first words in a conversation. */
export type Answered = { state: "none" } | { state: "arrived" } | { state: "failed"; error: FailureData | undefined };

export type Ask = ReturnType<typeof createAsk>;

/** @throws (each member) Failure when the instance cannot be asked, or refuses. */
export function createAsk({ stateDir }: Pick<Places, "stateDir">) {
  const data = async <Data>(command: string, args: Record<string, unknown>): Promise<Data> => {
    const answer = await askAdmin({ id: "1", command, args }, { stateDir });
    if (answer.ok) return answer.data as Data;
    const [sentence = "", ...hint] = answer.error.message.split("\n");
    const code = answer.error.code === "invalid-args" ? "usage" : "internal";
    throw new Failure(code, sentence, hint.length === 0 ? {} : { hint: hint.join("\n") });
  };
  const limit = limits.setupRowsMax;
  const sent = (adapter: string, conversation: string) =>
    data<DeliveryRow[]>("deliveries-list", { fate: "sent", adapter, conversation, limit });
  return {
    /** Takes back nothing; makes one more code, by which an owner pairs on this adapter. */
    makeCode: (adapter: string) => data<Code>("pairings-create", { role: "owner", adapter }),
    /** Makes somebody an owner by their id alone. */
    makeOwner: (adapter: string, id: string) =>
      data<unknown>("roles-grant", { user: `${adapter}/${id}`, role: "owner" }),
    clearCodes: () => data<{ cleared: number }>("pairings-clear", {}),
    /** The owners of an adapter: those who paired, and `admins`, who stand in settings. */
    async owners(adapter: string, admins: readonly string[]): Promise<Person[]> {
      const granted = await data<{ user: string }[]>("roles-list", { role: "owner", limit });
      const users = await data<UserRow[]>("users-list", { adapter, limit });
      const prefix = `${adapter}/`;
      const paired = granted.filter(({ user }) => user.startsWith(prefix)).map(({ user }) => user.slice(prefix.length));
      return [...new Set([...paired, ...admins])].map((id) => {
        const user = users.find((one) => one.id === prefix + id);
        return { id, name: user?.name, direct: user?.direct ?? undefined };
      });
    },
    /** Whether anything at all has arrived in a conversation. */
    hasReached: async (adapter: string, conversation: string) => (await sent(adapter, conversation)).length > 0,
    /**
     * Whether the agent itself has ever answered in a conversation, or else failed to since a moment. What is said while
     * a turn runs becomes a part of it, so an answer that counts may have begun before that moment.
     */
    async answered(
      adapter: string,
      { conversation, since }: { conversation: string; since: number },
    ): Promise<Answered> {
      const answers = (await sent(adapter, conversation)).filter(
        ({ kind, turn }) => kind.startsWith("answer") && turn !== null,
      );
      for (const { turn } of answers)
        if ((await data<TurnRow>("turns-get", { id: turn })).state === "done") return { state: "arrived" };
      const failed = await data<{ id: string; endedAt: number | null }[]>("turns-list", { state: "failed", limit: 5 });
      for (const { id, endedAt } of failed) {
        if ((endedAt ?? 0) < since) continue;
        const { replyTo, error } = await data<TurnRow>("turns-get", { id });
        if (replyTo.adapter === adapter && replyTo.conversation.id === conversation)
          return { state: "failed", error: error ?? undefined };
      }
      return { state: "none" };
    },
  };
}
