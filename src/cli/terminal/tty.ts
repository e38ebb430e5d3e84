// The terminal's modes and the way to it: entered and left once each, and it may be gone at any moment.
import type { TerminalInput, TerminalOutput } from "./port.ts";
import { modesOff, modesOn } from "./screen.ts";

/** A terminal in raw mode between {@link enter} and {@link leave}. */
export class Tty {
  #input: TerminalInput;
  #output: TerminalOutput;
  #raw = false;
  /** Nothing is written any more: the other side hung up. */
  gone = false;

  constructor(input: TerminalInput, output: TerminalOutput) {
    this.#input = input;
    this.#output = output;
  }

  // A terminal that was never told its size says 0.
  get columns(): number {
    return this.#output.columns || 80;
  }
  get rows(): number {
    return Math.max(2, this.#output.rows || 24);
  }

  enter(): void {
    if (this.#raw) return;
    this.#raw = true;
    this.#switch(true);
    this.write(modesOn);
  }

  leave(): void {
    if (!this.#raw) return;
    this.#raw = false;
    this.write(modesOff);
    this.#switch(false);
  }

  /** False when the terminal does not keep up and `drain` is to be awaited. */
  write(text: string): boolean {
    return text === "" || this.gone || this.#output.write(text);
  }

  #switch(raw: boolean): void {
    try {
      this.#input.setRawMode?.(raw);
    } catch (error) {
      // EIO: the terminal is gone, and its modes with it.
      if (!(error instanceof Error)) throw error;
      this.gone = true;
    }
  }
}
