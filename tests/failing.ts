// For tests of what must fail: `expect(await failing(work)).toMatchObject({ message: … })`.

/** The error with which `work` rejects. Fails the test when it does not. */
export async function failing(work: Promise<unknown>): Promise<Error> {
  try {
    await work;
  } catch (error) {
    if (error instanceof Error) return error;
    throw new Error("It rejected with something other than an error", { cause: error });
  }
  throw new Error("It did not fail");
}
