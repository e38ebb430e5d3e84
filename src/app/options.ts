// What the program is started with, and what it is once it runs.
import type { openAdapter } from "../adapters/index.ts";
import type { Config } from "../config/load.ts";
import type { StatusReport, StopReport } from "../core/status.ts";
import type { Clock } from "../sys/clock.ts";
import type { Log } from "../sys/log.ts";

/** What a start needs. The caller holds the instance's lock and keeps it until `closed`. */
export interface StartOptions {
  config: Config;
  /** A terminal chat that runs the agent by itself: no adapter but the terminal. */
  alone: boolean;
  version: string;
  log: Log;
  clock: Clock;
  /** Opens an adapter of the settings; by the family's table when it is left out. */
  openAdapter?: typeof openAdapter;
}

/** The running program. */
export interface App {
  status(): StatusReport;
  /**
   * Takes nothing new, drains, kills what is left with proof, closes everything. A second call joins the first;
   * with `drainMs: 0` it also ends the wait of the first.
   */
  stop(options: { drainMs: number; reason: "stop" | "handover" }): Promise<StopReport>;
  /** Goes once through store and scheduler, and resolves when both have answered. @throws the error of either. */
  pulse(): Promise<void>;
  closed: Promise<void>;
}
