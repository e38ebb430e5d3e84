// What `status` says of settings: what nothing obeys is said, and nothing that works.
import { expect, test } from "bun:test";
import type { Config } from "../../src/config/load.ts";
import { idleSettings } from "../../src/gateway/status.ts";

const settings = { budget: undefined, web: undefined, vault: { injectOnHost: false }, sentry: {}, toolOutput: "full" };
const configured = (change: object) => ({ settings: { ...settings, ...change } }) as unknown as Config;

test("only what is set and obeyed by nothing is named", () => {
  expect(idleSettings(configured({}))).toEqual([]);
  expect(idleSettings(configured({ vault: { injectOnHost: true } }))).toEqual([]);
  expect(idleSettings(configured({ budget: {} }))).toEqual(["budget is set, and this version does nothing with it"]);
});
