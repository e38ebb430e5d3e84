// What was said here and waits for its turn: from the enter key to the event that takes it.
import { limits } from "../../core/limits.ts";

interface Said {
  id: string;
  text: string;
  /** Known once the instance has stored it. */
  input: number | null;
}

/** The texts that wait, oldest first. A receipt and the `taken` of its input may come in either order. */
export class Pending {
  #said: Said[] = [];
  #taken: number[] = [];

  get texts(): string[] {
    return this.#said.map((one) => one.text);
  }

  add(id: string, text: string): void {
    this.#said = [...this.#said, { id, text, input: null }].slice(-limits.waitingMax * 2);
  }

  /** The instance has stored it as `input`. */
  stored(id: string, input: number): void {
    if (this.#taken.includes(input)) this.remove(id);
    else this.#said = this.#said.map((one) => (one.id === id ? { ...one, input } : one));
  }

  /** It waits no longer; gives its text. */
  remove(id: string): string | undefined {
    const text = this.#said.find((one) => one.id === id)?.text;
    this.#said = this.#said.filter((one) => one.id !== id);
    return text;
  }

  /** A turn took these inputs. Gives what was typed for them when all of it was typed here. */
  take(inputs: readonly number[]): string | undefined {
    const mine = this.#said.filter((one) => one.input !== null && inputs.includes(one.input));
    this.#said = this.#said.filter((one) => !mine.includes(one));
    this.#taken = [...this.#taken, ...inputs].slice(-limits.waitingMax * 2);
    return mine.length === inputs.length ? mine.map((one) => one.text).join("\n") : undefined;
  }

  /** Nothing waits in the instance: what was stored has been removed from its queue, here or elsewhere. */
  settle(): void {
    this.#said = this.#said.filter((one) => one.input === null);
  }
}
