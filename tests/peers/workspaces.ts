// The same workspace twice, in our own fake Slack and in the emulator of others, behind one face: what people do and see.
import { botScopes } from "../../src/adapters/slack/scopes.ts";
import { createSlack, startSlackServer } from "../adapters/slack/fake/index.ts";
import { emulatorMissing, startEmulator } from "./emulate.ts";

/** A file as a person has it. */
interface Given {
  name: string;
  bytes: Uint8Array<ArrayBuffer>;
}

/** A workspace with the people ann and bob, and with an app whose bot is called agent. */
export interface Workspace {
  apiUrl: string;
  /** With all scopes of the app's manifest, and no other. */
  bot: { id: string; token: string };
  /** Of a bot that lacks the scope `files:write`, and is in no room. */
  poorToken: string;
  ann: string;
  bob: string;
  /** Ann's direct conversation with the bot. */
  direct: string;
  /** A new channel with ann and the bot in it, without bob. @returns its id */
  room(name: string): Promise<string>;
  /** Ann writes. @returns the ts */
  say(channel: string, text: string, thread?: string): Promise<string>;
  /** Ann sends a file. @returns its id */
  give(channel: string, file: Given): Promise<string>;
  close(): Promise<void>;
}

const scopes = Object.keys(botScopes);
const poorScopes = scopes.filter((scope) => scope !== "files:write");

/** Where the adapter is tried: each with what is missing to start it. */
export const workspaces: Record<string, { missing: string | undefined; start(): Promise<Workspace> }> = {
  "our fake": { missing: undefined, start: startFake },
  "the emulator": { missing: emulatorMissing, start: startEmulated },
};

/** A method as a bot or a person calls it, with its answer as it is. @throws Error when the answer is no. */
export async function call(
  { apiUrl, token }: { apiUrl: string; token: string },
  method: string,
  args: Record<string, string> = {},
): Promise<Record<string, unknown>> {
  const answer = await fetch(`${apiUrl}${method}`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
    body: new URLSearchParams(args),
  });
  const body = (await answer.json()) as Record<string, unknown>;
  if (body.ok !== true) throw new Error(`${method}: ${JSON.stringify(body)}`);
  return body;
}

async function startFake(): Promise<Workspace> {
  const slack = createSlack({ app: { name: "agent", scopes } });
  const server = await startSlackServer(slack);
  const [ann, bob] = [slack.user("ann"), slack.user("bob")];
  return {
    apiUrl: server.apiUrl,
    bot: { id: slack.app.user.id, token: slack.app.botToken },
    poorToken: slack.newApp({ name: "poor", scopes: poorScopes }).botToken,
    ann: ann.id,
    bob: bob.id,
    direct: ann.dm().id,
    room: async (name) => slack.newChannel(name, { members: [ann, slack.app] }).id,
    say: async (channel, text, thread) => ann.say(channel, text, thread === undefined ? {} : { thread }),
    async give(channel, file) {
      ann.say(channel, "look", { files: [file] });
      const { id } = [...slack.world.files.values()].at(-1) ?? {};
      return id ?? "";
    },
    async close() {
      slack.close();
      await server.close();
    },
  };
}

/** Invented, and known to this workspace alone. */
const tokens = { bot: "xoxb-of-the-agent", poor: "xoxb-of-the-poor", ann: "xoxp-of-ann" };

const app = (name: string, given: string[]) => ({
  client_id: `client-${name}`,
  client_secret: "none",
  redirect_uris: [],
  name,
  app_id: `A0${name.toUpperCase()}`,
  bot_id: `B0${name.toUpperCase()}`,
  bot_user_id: `U0${name.toUpperCase()}`,
  bot_name: name,
  scopes: given,
});
const botToken = (token: string, { app_id, bot_id, bot_user_id, scopes: given }: ReturnType<typeof app>) => ({
  token,
  type: "bot",
  user_id: bot_user_id,
  scopes: given,
  app_id,
  bot_id,
  bot_user_id,
});

async function startEmulated(): Promise<Workspace> {
  const [agent, poor] = [app("agent", scopes), app("poor", poorScopes)];
  const annScopes = [...scopes, "channels:manage", "channels:write"];
  const emulator = await startEmulator({
    strict_scopes: true,
    users: [{ name: "ann" }, { name: "bob" }],
    oauth_apps: [agent, poor],
    tokens: [
      botToken(tokens.bot, agent),
      botToken(tokens.poor, poor),
      { token: tokens.ann, type: "user", user: "ann", scopes: annScopes },
    ],
  });
  const apiUrl = `${emulator.origin}/api/`;
  const asAnn = (method: string, args: Record<string, string>) => call({ apiUrl, token: tokens.ann }, method, args);
  const idIn = (found: unknown) => (found as { id: string }).id;
  const { members } = (await asAnn("users.list", {})) as { members: { id: string; name: string }[] };
  const person = (name: string) => members.find((one) => one.name === name)?.id ?? "";
  return {
    apiUrl,
    bot: { id: agent.bot_user_id, token: tokens.bot },
    poorToken: tokens.poor,
    ann: person("ann"),
    bob: person("bob"),
    direct: idIn((await asAnn("conversations.open", { users: agent.bot_user_id })).channel),
    async room(name) {
      const channel = idIn((await asAnn("conversations.create", { name })).channel);
      await asAnn("conversations.invite", { channel, users: agent.bot_user_id });
      return channel;
    },
    async say(channel, text, thread) {
      const { ts } = await asAnn("chat.postMessage", { channel, text, ...(thread && { thread_ts: thread }) });
      return String(ts);
    },
    async give(channel, { name, bytes }) {
      const place = await asAnn("files.getUploadURLExternal", { filename: name, length: String(bytes.length) });
      await fetch(String(place.upload_url), { method: "POST", body: bytes });
      const id = String(place.file_id);
      await asAnn("files.completeUploadExternal", { files: JSON.stringify([{ id }]), channel_id: channel });
      return id;
    },
    close: emulator.close,
  };
}
