// How often whom: a bucket of requests for each address and each link, filled again with time.
import { isIP } from "node:net";
import { limits } from "../core/limits.ts";
import type { Clock } from "../sys/clock.ts";

interface Bucket {
  left: number;
  at: number;
}

/** So many at once, and so many more each second. */
export interface Rate {
  burst: number;
  perSecond: number;
}

export type Rates = ReturnType<typeof createRates>;

/** The buckets of the web, in memory: after a restart all are full. */
export function createRates(clock: Pick<Clock, "monotonic">) {
  const buckets = new Map<string, Bucket>();
  const bucketOf = (key: string, { burst, perSecond }: Rate): Bucket => {
    const now = clock.monotonic();
    const before = buckets.get(key);
    const left = before === undefined ? burst : before.left + ((now - before.at) / 1000) * perSecond;
    const bucket = { left: Math.min(burst, left), at: now };
    // The newest last, so that the first is the least recent.
    buckets.delete(key);
    buckets.set(key, bucket);
    for (const oldest of buckets.keys()) {
      if (buckets.size <= limits.webCountedMax) break;
      buckets.delete(oldest);
    }
    return bucket;
  };
  return {
    /** Takes one from a bucket. @returns false when it is empty. */
    take(key: string, rate: Rate): boolean {
      const bucket = bucketOf(key, rate);
      if (bucket.left < 1) return false;
      bucket.left -= 1;
      return true;
    },
    /** Whether something is left, without taking it. */
    has: (key: string, rate: Rate): boolean => bucketOf(key, rate).left >= 1,
  };
}

/** All addresses of one customer of IPv6 count as one. */
export function neighbourhood(address: string): string {
  if (isIP(address) !== 6) return address;
  const [head = "", tail] = address.split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros =
    tail === undefined ? [] : Array.from({ length: Math.max(0, 8 - before.length - after.length) }, () => "0");
  return `${[...before, ...zeros, ...after].slice(0, 4).join(":")}::/64`;
}
