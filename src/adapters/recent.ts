// A map that forgets its oldest entries, so that what an adapter remembers stays small.

/** @param entriesMax how many entries it keeps. */
export function createRecent<Value>(entriesMax: number) {
  const entries = new Map<string, Value>();
  return {
    has: (key: string) => entries.has(key),
    get: (key: string) => entries.get(key),
    delete: (key: string) => void entries.delete(key),
    set(key: string, value: Value) {
      entries.delete(key);
      entries.set(key, value);
      const [oldest] = entries.keys();
      if (entries.size > entriesMax && oldest !== undefined) entries.delete(oldest);
    },
  };
}
