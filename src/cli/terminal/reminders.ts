// What a chat that works alone leaves behind: reminders that nobody will be there to send.
import type { ScreenFrame } from "./port.ts";

const text = "Reminders come only while remoteagent runs: remoteagent start";

/** Watches the frames of one chat for reminders made while the instance ends with a terminal chat. */
export class Reminders {
  #alone = false;
  /** The calls that add a reminder and have not ended. */
  #adding = new Set<string>();
  #made = false;

  frame(frame: ScreenFrame): void {
    if (frame.type === "hello") this.#alone = frame.alone;
    if (frame.type !== "event" || frame.event.type !== "tool" || !this.#alone) return;
    const { event } = frame;
    if (event.step === "start" && event.name === "schedule" && adds(event.input)) this.#adding.add(event.call);
    if (event.step !== "end") return;
    if (this.#adding.delete(event.call) && event.ok) this.#made = true;
  }

  /** What to say on leaving; undefined when nothing is lost by it. */
  get warning(): string | undefined {
    return this.#alone && this.#made ? text : undefined;
  }
}

function adds(input: unknown): boolean {
  return typeof input === "object" && input !== null && "action" in input && input.action === "add";
}
