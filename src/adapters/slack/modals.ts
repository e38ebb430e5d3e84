// Windows that Slack opens over a conversation: the choice of a model.
import { errorText } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import type { Inbound } from "../../core/message.ts";
import { excerpt } from "../../core/words.ts";
import { within } from "../../sys/clock.ts";
import type { AdapterDeps } from "../adapter.ts";
import type { Client } from "./client.ts";
import { type HomeStop, modelCallback } from "./interactive.ts";

/** Options of a list, and characters of one. Source: docs.slack.dev/reference/block-kit/block-elements/select-menu-element. */
const optionsMax = 100;
const optionCharsMax = 75;
const valueCharsMax = 150;

export function createModals({
  client,
  views,
  clock,
  log,
}: { client: Client } & Pick<AdapterDeps, "views" | "clock" | "log">) {
  return {
    /**
     * Opens the window that stands for a command without its arguments. @returns whether one is open; else the command is
     * handed on as it is, which answers in words: the window is a courtesy, and its address lives three seconds.
     */
    async open(
      { kind, sender, conversation, thread, ...inbound }: Inbound,
      trigger: string | undefined,
    ): Promise<boolean> {
      if (kind !== "command" || trigger === undefined || !("name" in inbound)) return false;
      if (inbound.name !== "model" || inbound.args.trim() !== "") return false;
      try {
        // A stranger is shown no models.
        if (views.home(sender.id) === undefined) return false;
        const place: HomeStop = { conversation, ...(thread === undefined ? {} : { thread }) };
        const asked = views.models();
        if (!(await within(clock, { work: asked, ms: limits.interactionAckMs / 3 }))) return false;
        const options = (await asked)
          .filter((name) => name !== "" && name.length <= valueCharsMax)
          .slice(0, optionsMax)
          .map((name) => ({ text: { type: "plain_text", text: excerpt(name, optionCharsMax) }, value: name }));
        if (options.length === 0) return false;
        await client.call("views.open", { trigger_id: trigger, view: modelView(options, place) });
        return true;
      } catch (error) {
        log.info("A window was not opened", { error: errorText(error) });
        return false;
      }
    },
  };
}

function modelView(options: readonly object[], place: HomeStop): object {
  const plain = (text: string) => ({ type: "plain_text", text });
  return {
    type: "modal",
    callback_id: modelCallback,
    private_metadata: JSON.stringify(place),
    title: plain("Language model"),
    submit: plain("Use it"),
    close: plain("Leave it"),
    blocks: [
      {
        type: "input",
        block_id: "model",
        label: plain("Model of this session"),
        element: { type: "static_select", action_id: "model", placeholder: plain("Choose a model"), options },
      },
    ],
  };
}
