// What was said here and waits for its turn: from the enter key to the event that takes it.
import type { InputId } from "../../core/ids.ts";
import { limits } from "../../core/limits.ts";

interface Said {
  id: string;
  text: string;
  /** Known once the instance has stored it. */
  input: InputId | null;
}

/** What is kept of inputs that wait no longer. */
const kept = limits.waitingMax * 2;

/** The texts that wait, oldest first. A receipt and what becomes of its input may come in either order. */
export class Pending {
  #said: Said[] = [];
  #taken: InputId[] = [];
  #gone: InputId[] = [];
  /** Stored, and no longer waiting for a reason that was not told yet. */
  #settled: Said[] = [];

  get texts(): string[] {
    return this.#said.map((one) => one.text);
  }

  add(id: string, text: string): void {
    this.#said = [...this.#said, { id, text, input: null }].slice(-kept);
  }

  /** The instance has stored it as `input`. Gives its text when it was removed already. */
  stored(id: string, input: InputId): string | undefined {
    if (this.#gone.includes(input)) return this.remove(id);
    if (this.#taken.includes(input)) this.remove(id);
    else this.#said = this.#said.map((one) => (one.id === id ? { ...one, input } : one));
    return undefined;
  }

  /** Removed without a turn. Gives its text when it was said here. */
  gone(input: InputId): string | undefined {
    const mine = [...this.#said, ...this.#settled].find((one) => one.input === input);
    this.#gone = [...this.#gone, input].slice(-kept);
    this.#said = this.#said.filter((one) => one !== mine);
    this.#settled = this.#settled.filter((one) => one !== mine);
    return mine?.text;
  }

  /** It waits no longer; gives its text. */
  remove(id: string): string | undefined {
    const text = this.#said.find((one) => one.id === id)?.text;
    this.#said = this.#said.filter((one) => one.id !== id);
    return text;
  }

  /** A turn took these inputs. Gives what was typed for them when all of it was typed here. */
  take(inputs: readonly InputId[]): string | undefined {
    const mine = this.#said.filter((one) => one.input !== null && inputs.includes(one.input));
    this.#said = this.#said.filter((one) => !mine.includes(one));
    this.#taken = [...this.#taken, ...inputs].slice(-kept);
    return mine.length === inputs.length ? mine.map((one) => one.text).join("\n") : undefined;
  }

  /** Nothing waits in the instance: what was stored has been removed from its queue, here or elsewhere. */
  settle(): void {
    this.#settled = [...this.#settled, ...this.#said.filter((one) => one.input !== null)].slice(-kept);
    this.#said = this.#said.filter((one) => one.input === null);
  }
}
