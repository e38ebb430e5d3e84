// A doubt that anybody may raise while the line waits for something else: kept until the line has heard of it.

/** A doubt of one line, which is not there at first. */
export function createDoubt() {
  let raised = false;
  let wake = (): void => undefined;
  return {
    raise(): void {
      raised = true;
      wake();
    },
    /**
     * Waits for `work`, or for a doubt, which is over then. Each wait has a promise of its own: a lasting one would keep
     * every wait that was ever raced against it, some 300 a day where sockets are replaced every five minutes.
     */
    async or<Result>(work: Promise<Result>): Promise<Result | "doubted"> {
      const { promise, resolve } = Promise.withResolvers<"doubted">();
      wake = () => resolve("doubted");
      if (raised) wake();
      const first = await Promise.race([work, promise]);
      if (first === "doubted") raised = false;
      return first;
    },
  };
}
