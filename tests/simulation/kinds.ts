// The platforms that a seed may choose.

export const kinds = ["telegram", "slack", "discord"] as const;
export type Kind = (typeof kinds)[number];

/** The platform of a seed. It takes nothing from the run's chance: a seed means the same on a platform that is named. */
export function kindOf(seed: number): Kind {
  return kinds[seed % kinds.length] ?? "telegram";
}
