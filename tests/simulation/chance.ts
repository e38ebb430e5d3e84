// Chance from one number: the same seed gives the same run, on every machine.
import { random } from "../random.ts";

export type Chance = ReturnType<typeof createChance>;

/** Numbers of one seed, and what they are asked for. */
export function createChance(seed: number) {
  const next = random(seed);
  const below = (end: number): number => Math.floor(next() * end);
  return {
    /** From 0 to 1. */
    next,
    /** A whole number from 0 to `end`, without `end`. */
    below,
    /** A whole number between two, both included. */
    between: (least: number, most: number): number => least + below(most - least + 1),
    /** True with this probability. */
    often: (probability: number): boolean => next() < probability,
    pick<Item>(items: readonly Item[]): Item {
      const found = items[below(items.length)];
      if (found === undefined) throw new Error("There is nothing to pick from");
      return found;
    },
    /** A name with a probability that is its weight's part of all weights. */
    weighed<Name extends string>(weights: Readonly<Record<Name, number>>): Name {
      const entries = Object.entries(weights) as [Name, number][];
      let left = next() * entries.reduce((sum, [, weight]) => sum + weight, 0);
      for (const [name, weight] of entries) {
        left -= weight;
        if (left < 0) return name;
      }
      throw new Error("There is nothing to weigh");
    },
    /** So many bytes. */
    bytes: (count: number): Uint8Array => Uint8Array.from({ length: count }, () => below(256)),
    /** Another sequence, so that what one part asks for does not change what others get. */
    fork: () => createChance(below(2 ** 32)),
  };
}
