// Parts that are broken on purpose, one for each rule: a simulation that finds nothing must be able to find these.
import type { Adapter } from "../../src/adapters/adapter.ts";
import type { Inbound, Receipt } from "../../src/core/message.ts";
import type { AdapterHandle } from "../../src/gateway/handle.ts";
import type { Harness } from "../../src/harness/harness.ts";
import type { Store } from "../../src/store/store.ts";
import { type Kind, kinds } from "./kinds.ts";
import type { ScriptDeps } from "./script.ts";
import type { Traits } from "./world.ts";

type Receive = (inbound: Inbound) => Promise<Receipt>;

/** What is put between the parts of a life. */
export interface Flaw {
  /** True when a commit is to be forgotten. */
  forgets?(): boolean;
  store?(store: Store): void;
  receive?(receive: Receive): Receive;
  handle?(adapter: Adapter): AdapterHandle;
  harness?(harness: Harness): Harness;
  script?: Pick<ScriptDeps, "careless">;
  /** The sandbox says that all is dead before it is. */
  hasty?: boolean;
  /** Hears of every event of a turn. */
  listener?(): void;
  /** After a start nothing is looked for that earlier lives left. */
  forgetful?: boolean;
  /** The adapter is told of no place in which it might have missed something. */
  blind?: boolean;
  /** What becomes of strangers, whatever settings say. */
  door?: Traits["unknownSender"];
}

/** A flaw with the rules of which at least one must find it, and the platforms on each of which it must show. */
interface Planted {
  rules: readonly string[];
  /** Without it, on whichever platform the seeds choose. */
  on?: readonly Kind[];
  /** Made anew for each run. */
  make(): Flaw;
}

export const flaws: Readonly<Record<string, Planted>> = {
  "a commit is forgotten": {
    rules: ["no input is lost"],
    make() {
      let commits = 0;
      return {
        forgets() {
          commits += 1;
          return commits % 17 === 0;
        },
      };
    },
  },
  "it is confirmed before it is stored": {
    rules: ["no input is lost"],
    make: () => ({
      receive: (receive) => async (inbound) => {
        void Promise.allSettled([receive(inbound)]);
        return { state: "refused", reason: "not looked at", quiet: true };
      },
    }),
  },
  "a repeated message counts anew": {
    rules: ["no input in two turns"],
    make() {
      let count = 0;
      return {
        receive: (receive) => (inbound) => {
          count += 1;
          return receive({ ...inbound, id: `${inbound.id}.${count}` });
        },
      };
    },
  },
  "an input that was taken is taken again": {
    rules: ["no input in two turns"],
    make() {
      const again = new Set<number>();
      return {
        store(store) {
          const { finish } = store.inputs;
          store.inputs.finish = (turn) => {
            finish(turn);
            for (const { id, state, session, inbound } of store.inputs.ofTurn(turn, 100)) {
              if (state !== "done" || session === null || again.has(id)) continue;
              again.add(id);
              store.inputs.set(id, "held");
              store.inputs.release(id, { session, inbound });
            }
          };
        },
      };
    },
  },
  "a call of unknown fate is made again": {
    rules: ["no call starts twice"],
    make: () => ({ script: { careless: true } }),
  },
  "a start is not stored ahead of the call": {
    rules: ["a call is stored before it starts"],
    make: () => ({
      harness: (harness) => ({
        name: harness.name,
        async *run(turn) {
          for await (const event of harness.run(turn)) if (event.type !== "tool" || event.step !== "start") yield event;
        },
      }),
    }),
  },
  "a text of unknown fate is sent again": {
    rules: ["no final text twice"],
    on: kinds,
    make: () => ({
      handle: (adapter) => ({
        ...adapter,
        traits: { ...adapter.traits, repeat: "find" },
        find: async () => undefined,
      }),
    }),
  },
  "an answer goes elsewhere": {
    rules: ["no reply in a foreign conversation"],
    make() {
      let first: string | undefined;
      return {
        handle: (adapter) => ({
          ...adapter,
          post(target, message) {
            first ??= target.conversation.id;
            return adapter.post({ ...target, conversation: { ...target.conversation, id: first } }, message);
          },
          change(target, change) {
            return adapter.change({ ...target, conversation: { ...target.conversation, id: first ?? "" } }, change);
          },
        }),
      };
    },
  },
  "an answer is forgotten": {
    rules: ["every answer is seen"],
    make: () => ({
      handle: (adapter) => ({
        ...adapter,
        change: async (target, change) =>
          change.message?.body.includes("Done, ans") === true ? undefined : adapter.change(target, change),
      }),
    }),
  },
  "nobody is asked": {
    rules: ["no tool without a grant"],
    make: () => ({
      harness: (harness) => ({
        name: harness.name,
        run: (turn) => harness.run({ ...turn, permit: async () => ({ allowed: true }) }),
      }),
    }),
  },
  "strangers come in": {
    rules: ["strangers reach no session"],
    make: () => ({ door: "public" }),
  },
  "strangers are told each time": {
    rules: ["strangers are told once an hour"],
    make: () => ({
      store(store) {
        store.strangers.told = () => undefined;
      },
    }),
  },
  "a private answer is given in the open": {
    rules: ["what is private is read by one"],
    on: ["slack", "discord"],
    make: () => ({
      handle: (adapter) => ({
        ...adapter,
        post: ({ onlyFor: _one, ...target }, message) => adapter.post(target, message),
      }),
    }),
  },
  "a thread's answer stands in the channel": {
    rules: ["no reply in a foreign conversation"],
    on: kinds,
    make: () => ({
      handle: (adapter) => ({
        ...adapter,
        post: ({ thread: _thread, ...target }, message) => adapter.post(target, message),
        change: ({ thread: _thread, ...target }, change) => adapter.change(target, change),
      }),
    }),
  },
  "what was said in a gap is not asked for": {
    rules: ["no input is lost"],
    on: ["slack", "discord"],
    make: () => ({ blind: true }),
  },
  "a group that grew is not followed": {
    rules: ["no reply in a foreign conversation", "every answer is seen"],
    on: ["telegram"],
    make: () => ({
      store(store) {
        store.moves.move = () => undefined;
      },
    }),
  },
  "what a crash left is left": {
    rules: ["the queue drains"],
    make: () => ({ forgetful: true }),
  },
  "a listener fails": {
    rules: ["the program does not break"],
    make: () => ({
      listener() {
        throw new Error("broken on purpose");
      },
    }),
  },
  "stopped is said too early": {
    rules: ["stopped is said after death"],
    make: () => ({ hasty: true }),
  },
};
