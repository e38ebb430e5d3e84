// A stand for the fake Slack's own tests: a clock that is moved by hand, a person, a channel, and raw requests.
import { createManualClock } from "../../../schedule/manual-clock.ts";
import { createSlack, type SlackOptions, startSlackServer } from "./index.ts";
import { list, object, text } from "./params.ts";
import type { Json } from "./world.ts";

export type Stand = Awaited<ReturnType<typeof stand>>;

/** Everything that a rule needs. Times begin at 1,800,000,000 s. */
export async function stand({ pingMs, ...options }: SlackOptions & { pingMs?: number } = {}) {
  const clock = createManualClock(1_800_000_000_000);
  const slack = createSlack({ clock, ...options });
  const server = await startSlackServer(slack, { pingMs });
  const ann = slack.user("ann");
  const team = slack.newChannel("team", { members: [ann, slack.app] });
  const call = (method: string, params: Json = {}): Promise<Json> =>
    asked(slack.call(method, { token: slack.app.botToken, params }).body);
  return {
    clock,
    slack,
    server,
    ann,
    team,
    /** A method by the bot's token, without HTTP; the channel is the team's unless another is named. */
    call: (method: string, params: Json = {}) => call(method, { channel: team.id, ...params }),
    bot: `<@${slack.app.user.id}>`,
    async [Symbol.asyncDispose]() {
      slack.close();
      await server.close();
    },
  };
}

async function asked(body: Json): Promise<Json> {
  return JSON.parse(JSON.stringify(body));
}

/** "ok", or the code of the refusal. */
export function said(answer: Json): string {
  return answer.ok === true ? "ok" : text(answer.error);
}

/** What is wrong, in the words of `response_metadata.messages`. */
export function why(answer: Json): string {
  const messages = object(answer.response_metadata)?.messages;
  return Array.isArray(messages) ? messages.join("; ") : "";
}

/** Texts of an answer's messages. */
export function texts(answer: Json): string[] {
  return (list(answer.messages) ?? []).map((one) => text(one.text));
}

/** Waits for real until `holds`, at most two seconds. */
export async function until(holds: () => boolean, what = "the condition"): Promise<void> {
  const end = Date.now() + 2000;
  while (!holds()) {
    if (Date.now() > end) throw new Error(`Waited too long for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** A Socket Mode client of bare websockets, which acknowledges only when told to. */
export async function openSocket({ slack, server }: Pick<Stand, "slack" | "server">, { acks = true } = {}) {
  const opened = await fetch(`${server.apiUrl}apps.connections.open`, {
    method: "POST",
    headers: { authorization: `Bearer ${slack.app.appToken}` },
  });
  const { url } = object(await opened.json()) ?? {};
  const socket = new WebSocket(text(url));
  const frames: Json[] = [];
  const state = { closed: undefined as number | undefined };
  const ack = (envelope: Json, payload?: Json) =>
    socket.send(JSON.stringify({ envelope_id: envelope.envelope_id, ...(payload === undefined ? {} : { payload }) }));
  socket.addEventListener("message", ({ data }) => {
    const frame = object(JSON.parse(String(data))) ?? {};
    frames.push(frame);
    if (acks && frame.envelope_id !== undefined) ack(frame);
  });
  socket.addEventListener("close", ({ code }) => {
    state.closed = code;
  });
  return {
    url: text(url),
    socket,
    frames,
    state,
    ack,
    /** Envelopes so far, without hello and disconnect. */
    envelopes: () => frames.filter(({ envelope_id }) => envelope_id !== undefined),
    /** Inner events, as `type` or `type/subtype`. */
    events: () =>
      frames.flatMap(({ type, payload }) => {
        const event = type === "events_api" ? object(object(payload)?.event) : undefined;
        return event === undefined ? [] : [event];
      }),
    ready: () => until(() => frames.length > 0, "hello"),
  };
}

/** An event in short: its type and subtype. */
export function kind(event: Json): string {
  return event.subtype === undefined ? text(event.type) : `${text(event.type)}/${text(event.subtype)}`;
}
