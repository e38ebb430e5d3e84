// The fake Slack refuses what the real one refuses, and tells apps what the real one tells them.
import { expect, test } from "bun:test";
import { LogLevel, SocketModeClient } from "@slack/socket-mode";
import { WebClient } from "@slack/web-api";
import { createSlack, startSlackServer } from "./index.ts";

test("the official clients speak with it", async () => {
  const slack = createSlack();
  await using server = await startSlackServer(slack);
  const ann = slack.user("ann");
  const team = slack.newChannel("team", { members: [ann, slack.app] });
  const web = new WebClient(slack.app.botToken, { slackApiUrl: server.apiUrl });
  expect(await web.auth.test()).toMatchObject({ ok: true, user_id: slack.app.user.id, bot_id: slack.app.botId });
  const sockets = new SocketModeClient({
    appToken: slack.app.appToken,
    clientOptions: { slackApiUrl: server.apiUrl },
    logLevel: LogLevel.ERROR,
  });
  const heard: string[] = [];
  const both = Promise.withResolvers<void>();
  for (const kind of ["message", "app_mention"]) {
    sockets.on(kind, async ({ ack, event }: { ack: () => Promise<void>; event: { ts: string } }) => {
      await ack();
      heard.push(`${kind} ${event.ts}`);
      if (heard.length === 2) both.resolve();
    });
  }
  await sockets.start();
  const ts = ann.say(team, `<@${slack.app.user.id}> hello`);
  await both.promise;
  expect(heard.sort()).toEqual([`app_mention ${ts}`, `message ${ts}`]);
  const posted = await web.chat.postMessage({ channel: team.id, text: "hi", thread_ts: ts });
  expect(slack.thread(team, ts).map(({ text }) => text)).toEqual([`<@${slack.app.user.id}> hello`, "hi"]);
  const file = await web.filesUploadV2({
    channel_id: team.id,
    thread_ts: ts,
    filename: "a.txt",
    file: Buffer.from("abc"),
  });
  expect(file.ok).toBe(true);
  expect(slack.uploads()[0]?.shares).toMatchObject([{ channel: team.id, threadTs: ts }]);
  expect(posted.ts).toBeDefined();
  await sockets.disconnect();
  slack.close();
});
