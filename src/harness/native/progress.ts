// A running call's output on its way to whoever watches: joined, cut to its newest part, shown now and then.
import { limits } from "../../core/limits.ts";
import type { Run } from "./run.ts";

/** Collects output of one call. Each event carries what came since the one before. */
export class Progress {
  private readonly run: Run;
  private readonly call: string;
  private readonly closing = new AbortController();
  private text = "";
  private showing: Promise<void> | undefined;
  private failure: unknown;
  constructor(run: Run, call: string) {
    this.run = run;
    this.call = call;
  }

  /** May be called often; costs no more than joining texts. */
  add(text: string): void {
    if (this.closing.signal.aborted || text === "") return;
    this.text = (this.text + text).slice(-limits.progressCharsMax);
    this.showing ??= this.show().catch((error) => {
      this.failure = error;
    });
  }

  /** Shows what is left. Later output is dropped. @throws whatever showing it threw. */
  async close(): Promise<void> {
    this.closing.abort();
    await this.showing;
    if (this.failure !== undefined) throw this.failure;
  }

  private async show(): Promise<void> {
    while (this.text !== "") {
      const text = this.text;
      this.text = "";
      await this.run.offer({ type: "tool", step: "output", call: this.call, text });
      await this.run.clock.sleep(limits.progressEveryMs, this.closing.signal);
    }
    this.showing = undefined;
  }
}
