// What an update asks for: its inbounds are handed on, a pressed button is answered, the rest is noted.
import type { Api } from "grammy";
import { limits } from "../../core/limits.ts";
import type { Receipt } from "../../core/message.ts";
import { excerpt } from "../../core/words.ts";
import { isStop } from "../../gateway/turns/stop.ts";
import type { AdapterDeps } from "../adapter.ts";
import { parseMarkdown } from "../markdown.ts";
import { textOf } from "../tree.ts";
import { reasonOf } from "./errors.ts";
import type { Reading } from "./inbound.ts";
import type { Job } from "./intake.ts";
import type { Moves } from "./moves.ts";

export function createJobs({
  receive,
  log,
  api,
  moves,
}: Pick<AdapterDeps, "receive" | "log"> & { api(): Api; moves: Moves }) {
  const answer = async (callback: string, text: string | undefined) => {
    try {
      await api().answerCallbackQuery(callback, text === undefined ? {} : { text });
    } catch (error) {
      // Nobody waits for it any more.
      log.debug("A button was not answered", { error: reasonOf(error) });
    }
  };
  return {
    /** The job of an update; undefined when there is nothing to wait for. */
    of(reading: Reading): Job | undefined {
      switch (reading.kind) {
        case "inbound": {
          const [first] = reading.inbounds;
          if (first === undefined) return undefined;
          const lane = first.conversation.id;
          if (isStop(first) !== undefined) return { lane, urgent: true, run: async () => void (await receive(first)) };
          if (first.kind === "message" && reading.inbounds.length === 1)
            return { lane, follows: true, run: async (behind) => void (await receive(first, behind)) };
          const run = async () => {
            for (const inbound of reading.inbounds) await receive(inbound);
          };
          return { lane, run };
        }
        case "button": {
          const [pressed] = reading.inbounds;
          // The button may be a stop.
          const run = async () => {
            const receipt = pressed === undefined ? undefined : await receive(pressed);
            void answer(reading.callback, receipt === undefined ? "This button works no more" : toast(receipt));
          };
          return { run };
        }
        case "moved":
          // What came before it from there goes first.
          return { lane: reading.from, run: async () => moves.note(reading.from, reading.to) };
        case "member": {
          const { conversation, title, status, by } = reading;
          log.info("The bot's place in a chat changed", { conversation, title, status, by });
          return undefined;
        }
        case "ignored":
          if (reading.malformed === true) log.warn("An update was not understood", { reason: reading.reason });
          else log.debug("An update is not for the agent", { reason: reading.reason });
          return undefined;
      }
    },
  };
}

/** What is shown beside a pressed button. */
function toast(receipt: Receipt): string | undefined {
  const text =
    receipt.state === "refused"
      ? receipt.quiet === true
        ? undefined
        : receipt.reason
      : receipt.state === "done"
        ? // Telegram shows the text as it is: marks would stand in it.
          textOf(parseMarkdown(receipt.answer?.markdown ?? ""))
        : undefined;
  return text === undefined || text.trim() === "" ? undefined : excerpt(text, limits.toastCharsMax);
}
