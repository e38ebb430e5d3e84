// A plan of faults for the fake platforms: rules that fit requests, counted, removable, the same in each run.

/** One rule of a plan. `F` is what can go wrong, `R` what is looked at to decide. */
export interface PlanRule<F, R> {
  fault: F;
  /** Names of methods; without it, all. */
  methods?: string[];
  /** A closer look at the request. */
  when?: (request: R) => boolean;
  /** So many fitting requests pass first. */
  skip?: number;
  /** So often at most; without it, always. */
  times?: number;
  /** From 0 to 1, with the platform's randomness; without it, always. */
  probability?: number;
}

/** A plan that requests are held against. */
export interface Plan<F, R> {
  /** Adds a rule; the first rule that fits a request decides. Gives back what removes it. */
  add(rule: PlanRule<F, R>): () => void;
  clear(): void;
  /** The fault for this request, counted as used. */
  next(request: R): F | undefined;
  /** How often each kind has happened. */
  counts(): Record<string, number>;
}

/** An empty plan. `random` gives numbers from 0 to 1. */
export function createPlan<F extends { kind: string }, R extends { method: string }>(random: () => number): Plan<F, R> {
  let rules: (PlanRule<F, R> & { seen: number; used: number })[] = [];
  const happened = new Map<string, number>();
  const fires = (rule: (typeof rules)[number], request: R): boolean => {
    if (rule.methods !== undefined && !rule.methods.includes(request.method)) return false;
    if (rule.when !== undefined && !rule.when(request)) return false;
    rule.seen += 1;
    if (rule.seen <= (rule.skip ?? 0) || rule.used >= (rule.times ?? Number.POSITIVE_INFINITY)) return false;
    if (rule.probability !== undefined && random() >= rule.probability) return false;
    rule.used += 1;
    return true;
  };
  return {
    add(rule) {
      const one = { ...rule, seen: 0, used: 0 };
      rules = [...rules, one];
      return () => {
        rules = rules.filter((other) => other !== one);
      };
    },
    clear() {
      rules = [];
    },
    next(request) {
      const rule = rules.find((one) => fires(one, request));
      if (rule !== undefined) happened.set(rule.fault.kind, (happened.get(rule.fault.kind) ?? 0) + 1);
      return rule?.fault;
    },
    counts: () => Object.fromEntries(happened),
  };
}
