// When a frame is drawn: as many changes as come before it are one, and a slow terminal or a dear frame makes fewer.
import { limits } from "../../core/limits.ts";
import type { Clock } from "../../sys/clock.ts";
import type { TerminalOutput } from "./port.ts";
import { spinnerMs } from "./spinner.ts";

interface PainterDeps {
  clock: Clock;
  output: TerminalOutput;
  /** Ends everything that waits. */
  stop: AbortSignal;
  /** Draws a frame; false when the terminal does not keep up. */
  draw(): boolean;
  /** True while something on the screen moves by itself. */
  moving(): boolean;
}

/** Longest pause after a frame that was dear to make. */
const pauseMsMax = 1_000;

/** Draws frames when asked to, `limits.frameMs` apart. */
export class Painter {
  #deps: PainterDeps;
  #dirty = false;
  #drawing = false;
  #ticking = false;
  #next = 0;

  constructor(deps: PainterDeps) {
    this.#deps = deps;
  }

  /** Something changed: a frame is drawn soon. */
  request(): void {
    this.#dirty = true;
    if (this.#drawing || this.#deps.stop.aborted) return;
    this.#drawing = true;
    void this.#frames();
  }

  async #frames(): Promise<void> {
    const { clock, output, stop } = this.#deps;
    while (this.#dirty) {
      // One turn of the loop at least: what arrives together is drawn together.
      await clock.sleep(Math.max(1, this.#next - clock.monotonic()), stop);
      if (stop.aborted) return;
      this.#dirty = false;
      const began = clock.monotonic();
      const keepsUp = this.#deps.draw();
      const tookMs = clock.monotonic() - began;
      // At most a third of the time goes into drawing.
      this.#next = began + Math.max(limits.frameMs, Math.min(3 * tookMs, pauseMsMax));
      if (!keepsUp) await drained(output, stop);
    }
    this.#drawing = false;
    if (this.#deps.moving()) this.#tick();
  }

  /** While something moves, a frame for each step of the spinner. */
  #tick(): void {
    const { clock, stop } = this.#deps;
    if (this.#ticking) return;
    this.#ticking = true;
    void clock.sleep(spinnerMs, stop).then(() => {
      this.#ticking = false;
      this.request();
    });
  }
}

/** Resolves when `output` takes more, or when `stop` aborts. */
function drained(output: TerminalOutput, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      output.off("drain", done);
      stop.removeEventListener("abort", done);
      resolve();
    };
    output.once("drain", done);
    stop.addEventListener("abort", done, { once: true });
  });
}
