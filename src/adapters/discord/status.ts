// What is known of the line to Discord, for `status` and for people.
import { limits } from "../../core/limits.ts";
import type { AdapterHealth } from "../../gateway/handle.ts";
import type { Clock } from "../../sys/clock.ts";
import type { Log } from "../../sys/log.ts";

export function createStatus({ clock, log }: { clock: Clock; log: Log }) {
  let state: AdapterHealth["state"] = "connecting";
  let since = clock.now();
  let heardAt: number | null = null;
  let heardTick = clock.monotonic();
  let problem: string | undefined;
  let self: string | undefined;
  const become = (changed: AdapterHealth["state"]) => {
    if (state === changed) return;
    state = changed;
    since = clock.now();
  };
  const silentMs = () => clock.monotonic() - heardTick;
  return {
    greeted(name: string) {
      self = name;
    },
    heard() {
      heardAt = clock.now();
      heardTick = clock.monotonic();
    },
    connected() {
      if (state !== "connected") log.info("Connected", { bot: self });
      problem = undefined;
      become("connected");
    },
    lost(what: string) {
      if (problem === what) log.debug("Still not connected", { problem: what });
      else log.warn("Not connected", { problem: what });
      problem = what;
      become("down");
    },
    health(): AdapterHealth {
      const known = { since, heardAt, ...(self === undefined ? {} : { self }) };
      if (state === "connected" && silentMs() > limits.gatewaySilentMs) {
        const told = `Nothing came from Discord for ${Math.round(silentMs() / 1000)} s`;
        return { ...known, state: "down", since: heardAt ?? since, problem: told };
      }
      return { ...known, state, ...(problem === undefined ? {} : { problem }) };
    },
  };
}
