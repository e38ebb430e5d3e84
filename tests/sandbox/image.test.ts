// The kind `image` on real engines: the contract suite, and what only this kind has.
import { describe, test } from "bun:test";
import { type ContractCase, sandboxContract } from "./contract.ts";
import { makePlace } from "./engine-place.ts";
import { debianImage, engines } from "./engine-setup.ts";
import { imageOwn } from "./image-own.ts";

for (const { name, missing, start } of engines) {
  if (missing !== undefined) {
    describe(`image on ${name}`, () => test.skip(`left out: ${missing}`, () => undefined));
    continue;
  }
  sandboxContract(`image on ${name}`, async (): Promise<ContractCase> => {
    const engine = await start();
    const place = makePlace(engine.environment);
    const driver = await place.driver(`image:${debianImage}`);
    return {
      driver,
      sandbox: await driver.open(place.request()),
      reopen: () => driver.open(place.request()),
      close: async () => {
        await driver.close();
        await engine.close();
        place.remove();
      },
    };
  });
  describe(`image on ${name}: what only it has`, () => imageOwn({ start }));
}
