// Words to one person alone: by the address that came with what they pressed, as long as it works, else as an ephemeral message.
import { limits } from "../../core/limits.ts";
import type { ReplyTarget } from "../../core/session.ts";
import { PlatformError, type PlatformMessage } from "../../gateway/handle.ts";
import type { AdapterDeps } from "../adapter.ts";
import { createRecent } from "../recent.ts";
import { type Client, request } from "./client.ts";
import { isBlocksRefused, platformError } from "./errors.ts";
import type { Block } from "./format.ts";

/** What a message says, in Slack's form. */
export interface Content {
  text: string;
  blocks: Block[];
  /** In place of `blocks`, where Slack does not take those. */
  plain: Block[];
}

/** An address for answers. */
interface Place {
  url: string;
  /** Monotonic. */
  until: number;
  left: number;
}

/** Marks refs of messages that one person sees; a ts never looks like that. */
const prefix = "only-";

export type Answers = ReturnType<typeof createAnswers>;

export function createAnswers({
  client,
  apiUrl,
  ...deps
}: { client: Client; apiUrl: string } & Pick<AdapterDeps, "fetch" | "clock" | "log">) {
  const { clock } = deps;
  /** By the happening that it came with, and by the message whose button it came from. */
  const places = createRecent<Place>(limits.adapterNotesMax);

  const placeOf = (key: string): Place | undefined => {
    const place = places.get(key);
    return place !== undefined && place.left > 0 && place.until > clock.monotonic() ? place : undefined;
  };
  /** @returns whether it was taken; false when the address works no more. */
  const say = async (place: Place, body: object): Promise<boolean> => {
    place.left -= 1;
    const { status } = await request(deps, {
      url: place.url,
      method: "POST",
      headers: { "content-type": "application/json; charset=utf-8" },
      body: JSON.stringify(body),
    });
    if (status === 200) return true;
    if (status >= 500) throw new PlatformError(`Slack answered ${status}`, { fate: "unknown", everywhere: true });
    if (status === 429) throw new PlatformError("Slack asks to wait", { fate: "later", retryAfterMs: 1_000 });
    place.left = 0;
    return false;
  };

  return {
    isOnly: (ref: string) => ref.startsWith(prefix),
    /** Remembers an address. One that leads elsewhere than to Slack is none. */
    note(key: string, url: string): void {
      const parsed = URL.parse(url);
      const own = new URL(apiUrl);
      const ours =
        parsed?.origin === own.origin || (parsed?.protocol === "https:" && parsed.host === "hooks.slack.com");
      if (!ours) return;
      places.set(key, { url, until: clock.monotonic() + limits.slackAnswerMs, left: limits.slackAnswersMax });
    },
    /** Shows a short word beside what was pressed; best effort. */
    async toast(happening: string, text: string): Promise<void> {
      const place = placeOf(happening);
      if (place !== undefined) await say(place, { response_type: "ephemeral", replace_original: false, text });
    },
    /** @returns the ref by which it may be changed. @throws PlatformError */
    async post(
      target: ReplyTarget & { onlyFor: NonNullable<ReplyTarget["onlyFor"]> },
      { nonce }: Pick<PlatformMessage, "nonce">,
      content: (id: string) => Content,
    ): Promise<string> {
      const { user, happening } = target.onlyFor;
      const ref = `${prefix}${nonce}`;
      const { plain, ...shown } = content(ref);
      try {
        const place = placeOf(happening);
        if (
          place !== undefined &&
          (await say(place, { response_type: "ephemeral", replace_original: false, ...shown }))
        )
          return ref;
        const args = { channel: target.conversation.id, user, thread_ts: target.thread };
        try {
          await client.call("chat.postEphemeral", { ...args, ...shown });
        } catch (error) {
          if (!isBlocksRefused(error)) throw error;
          await client.call("chat.postEphemeral", { ...args, text: shown.text, blocks: plain });
        }
        return ref;
      } catch (error) {
        throw platformError(error, "send");
      }
    },
    /** Slack lets such a message be changed only after a button in it was pressed. @throws PlatformError `gone` */
    async change(ref: string, content: ((id: string) => Content) | undefined): Promise<void> {
      const place = placeOf(ref);
      const gone = () => new PlatformError("Slack lets nobody change this message any more", { fate: "gone" });
      if (place === undefined) throw gone();
      const { plain: _plain, ...shown } = content?.(ref) ?? {};
      const body = content === undefined ? { delete_original: true } : { replace_original: true, ...shown };
      try {
        if (!(await say(place, body))) throw gone();
      } catch (error) {
        throw platformError(error, "change");
      }
    },
  };
}
