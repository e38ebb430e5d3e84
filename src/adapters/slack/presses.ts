// What somebody pressed or commanded: Slack sends it once, so what fails is told to the person.
import { limits } from "../../core/limits.ts";
import type { Receipt } from "../../core/message.ts";
import { excerpt } from "../../core/words.ts";
import { isStop } from "../../gateway/turns/stop.ts";
import type { AdapterDeps } from "../adapter.ts";
import { parseMarkdown } from "../markdown.ts";
import { textOf } from "../tree.ts";
import type { Answers } from "./answers.ts";
import { reasonOf } from "./errors.ts";
import type { Facts } from "./inbound.ts";
import type { Intake } from "./intake.ts";
import { type Pressed, readInteractive, readSlash } from "./interactive.ts";
import type { createModals } from "./modals.ts";
import type { Directory } from "./names.ts";
import type { Envelope } from "./payloads.ts";
import { entities } from "./text.ts";

export interface PressDeps extends Pick<AdapterDeps, "log" | "receive"> {
  intake: Intake;
  directory: Directory;
  answers: Answers;
  modals: ReturnType<typeof createModals>;
  facts(): Facts | undefined;
}

/** Takes slash commands, buttons and modals. What it gives back never throws. */
export function createPresses(deps: PressDeps) {
  const { log, intake, directory, answers, modals } = deps;

  const toast = async (happening: string, text: string): Promise<void> => {
    try {
      await answers.toast(happening, text);
    } catch (error) {
      log.debug("A word beside a button was not shown", { error: reasonOf(error) });
    }
  };
  const read = (envelope: Envelope, facts: Facts): Pressed =>
    envelope.type === "slash_commands"
      ? readSlash(envelope.payload, { ...facts, direct: directory.direct })
      : readInteractive(envelope.payload, facts);
  const run = async (envelope: Envelope, { inbound: first, trigger }: Pressed & { kind: "inbound" }): Promise<void> => {
    const { conversation, sender, id } = first;
    const opened = modals.open(first, trigger);
    await directory.prepare({
      users: [sender.id],
      ...(conversation.id.startsWith("D") ? { directOf: sender.id } : {}),
    });
    const facts = deps.facts();
    if ((await opened) || facts === undefined) return;
    const again = read(envelope, facts);
    if (again.kind !== "inbound") return;
    if (again.unplaced === true) {
      void toast(id, "Give commands in the app's own conversation: it does not know this one.");
      return;
    }
    const receipt = await deps.receive(again.inbound);
    const words = again.inbound.kind === "action" ? toastOf(receipt) : undefined;
    if (words !== undefined) void toast(id, words);
  };

  return async (envelope: Envelope): Promise<void> => {
    const facts = deps.facts();
    if (facts === undefined) return;
    const pressed = read(envelope, facts);
    if (pressed.kind === "ignored") {
      log[pressed.malformed === true ? "warn" : "debug"]("An interaction is not for the agent", {
        reason: pressed.reason,
      });
      return;
    }
    const { id, conversation } = pressed.inbound;
    if (pressed.responseUrl !== undefined) {
      answers.note(id, pressed.responseUrl);
      if (pressed.ephemeral !== undefined) answers.note(pressed.ephemeral, pressed.responseUrl);
    }
    // A stop acts on what was said before it; nothing else waits for what came before.
    const lane = isStop(pressed.inbound) === undefined ? {} : { lane: conversation.id, urgent: true };
    const taken = await intake.take({ key: envelope.envelope_id, ...lane, run: () => run(envelope, pressed) });
    if (!taken) await toast(id, "That could not be done just now. Please try again.");
  };
}

/** What is shown beside a pressed button. */
function toastOf(receipt: Receipt): string | undefined {
  const text =
    receipt.state === "refused"
      ? receipt.quiet === true
        ? ""
        : receipt.reason
      : receipt.state === "done"
        ? textOf(parseMarkdown(receipt.answer?.markdown ?? ""))
        : "";
  return text.trim() === "" ? undefined : entities(excerpt(text, limits.toastCharsMax));
}
