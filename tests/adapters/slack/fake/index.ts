// A Slack for tests, as strict as the real platform: the one file that tests import.
/**
 * One object in the process, and a server that puts it on loopback:
 *
 *     const slack = createSlack({ clock, app: { commands: ["/pi-new"] } });
 *     await using server = await startSlackServer(slack);
 *     const ann = slack.user("ann");
 *     const team = slack.newChannel("team", { members: [ann, slack.app] });
 *     const ts = ann.say(team, `<@${slack.app.user.id}> hello`);
 *     // The program talks to server.apiUrl with slack.app.botToken and slack.app.appToken.
 *     slack.thread(team, ts);
 *
 * - Time is the clock that was passed in: trigger ids, response addresses, rates, acknowledgements (3 s) and retries
 *   (at once, 1 min, 5 min) follow it. Pings of sockets and `delay` faults of requests follow the machine's clock.
 * - Apps hear only what they subscribed to, have scopes for, and are in the channel of.
 * - `rates: true` turns the limits on; without it a test may post as fast as it likes.
 * - Files: `url_private` answers the sign-in page, with status 200, to whoever has no good token.
 * - Faults are in faults.ts; what people do in people.ts; what sockets do in hub.ts; limits of blocks in blocks.ts.
 *
 * Where the documentation is silent the fake chooses what is harder for the program, and the code says so. It does not
 * know: workflows, canvases, lists, user groups, shared channels, Enterprise, HTTP delivery of events, OAuth.
 */

export type { Fault, FaultRule } from "./faults.ts";
export type { Person } from "./people.ts";
export { createSlack, type Slack } from "./platform.ts";
export { type SlackServer, startSlackServer } from "./server.ts";
export { type AppOptions, allEvents, allScopes, type SlackOptions } from "./setup.ts";
export type { App, Channel, Ephemeral, Message, View } from "./world.ts";
