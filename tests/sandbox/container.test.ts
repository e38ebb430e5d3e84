// The kind `container` on real engines: the contract suite, and what only this kind has.
import { describe, test } from "bun:test";
import { containerOwn } from "./container-own.ts";
import { type ContractCase, sandboxContract } from "./contract.ts";
import { makePlace } from "./engine-place.ts";
import { engines } from "./engine-setup.ts";

for (const { name, missing, start } of engines) {
  if (missing !== undefined) {
    describe(`container on ${name}`, () => test.skip(`left out: ${missing}`, () => undefined));
    continue;
  }
  sandboxContract(`container on ${name}`, async (): Promise<ContractCase> => {
    const engine = await start();
    const place = makePlace(engine.environment);
    await engine.container("contract", { HostConfig: { Binds: [`${place.workspace}:/workspace`] } });
    const driver = await place.driver("container:contract");
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
  describe(`container on ${name}: what only it has`, () => containerOwn({ start }));
}
