// One message at a time on Slack and Discord: from the event to the model's request, and from the model's last word to
// the final message; beside them the same in the terminal of the same process.
import { plainText } from "../model.ts";
import { timely } from "../programs.ts";
import { type Found, row } from "../row.ts";
import type { Screen } from "../screen.ts";
import type { Setup } from "../setup.ts";
import { summarise } from "../statistics.ts";
import { openDiscord } from "./discord.ts";
import { startConnected } from "./programs.ts";
import { openSlack } from "./slack.ts";
import type { LiveStage } from "./stage.ts";

const rounds = { full: 100, quick: 10 };
/** Written before it counts: code gets warm, connections open. */
const warmUp = { full: 25, quick: 5 };
/** A conversation gets this many before the next one is written to: each makes it longer by two. */
const turnsPerPlace = 25;
/** What is still done after the final text is not to meet the next message. */
const settleMs = 25;
const question = "How is the build today?";

/** One message. Milliseconds. */
interface Taken {
  request: number;
  shown: number;
}

/** What the platform's own server takes: to make an event and hand it to the socket, and to answer a call. */
interface Share {
  event: number;
  call: number;
}

const isFinal = (text: string): boolean => text.trimEnd().endsWith(plainText.trimEnd());

export const measureSlackTurns = (setup: Setup): Promise<Found> => measureTurns(setup, openSlack);
export const measureDiscordTurns = (setup: Setup): Promise<Found> => measureTurns(setup, openDiscord);

async function measureTurns(setup: Setup, open: () => Promise<LiveStage>): Promise<Found> {
  const stage = await open();
  const count = setup.quick ? rounds.quick : rounds.full;
  const before = setup.quick ? warmUp.quick : warmUp.full;
  const [there, here]: [Taken[], Taken[]] = [[], []];
  const shares: Share[] = [];
  try {
    const program = await startConnected(setup, { stages: [stage] });
    for (let round = 0; round < count + before; round++) {
      const place = Math.floor(round / turnsPerPlace);
      // The first message of a place makes its session, and is not measured here.
      const counts = round >= before && round % turnsPerPlace > 0;
      const screen = await program.join(`place-${place}`);
      const takes = [
        async () => {
          const { taken, share } = await takeMessage(setup, { stage, person: place });
          if (!counts) return;
          there.push(taken);
          shares.push(share);
        },
        async () => {
          const taken = await sayOnce(setup, screen);
          if (counts) here.push(taken);
        },
      ];
      for (const take of round % 2 === 0 ? takes : takes.toReversed()) await take();
      await screen.leave();
    }
    await program.stop();
  } finally {
    await stage.close();
  }
  const line = (name: string, of: keyof Taken) => {
    const [base, ours] = [summarise(here.map((taken) => taken[of])), summarise(there.map((taken) => taken[of]))];
    return row({ name: `${stage.name}: ${name}`, unit: "ms", against: "terminal", base, ours });
  };
  const note = (what: string, of: keyof Share) => {
    const value = summarise(shares.map((share) => share[of])).median;
    return { name: `${stage.name}: ${what}`, value, unit: "ms" } as const;
  };
  return {
    rows: [line("event → request", "request"), line("model's end → final message", "shown")],
    notes: [note("the server's own share of an event", "event"), note("round trip of its cheapest call", "call")],
  };
}

async function takeMessage(
  { model }: Setup,
  { stage, person }: { stage: LiveStage; person: number },
): Promise<{ taken: Taken; share: Share }> {
  const asked = model.next();
  const shown = stage.shown(person, isFinal);
  const saidAt = stage.write(person, question);
  const event = performance.now() - saidAt;
  const { at, ended } = await timely(asked, "The model was not asked");
  const modelEnd = await ended;
  const shownAt = await timely(shown, "The final message was not shown");
  await Bun.sleep(settleMs);
  const callAt = performance.now();
  await stage.call();
  const call = performance.now() - callAt;
  return { taken: { request: at - saidAt, shown: shownAt - modelEnd }, share: { event, call } };
}

async function sayOnce({ model }: Setup, screen: Screen): Promise<Taken> {
  const asked = model.next();
  const saidAt = screen.say(question);
  const { at, ended } = await timely(asked, "The model was not asked");
  const modelEnd = await ended;
  const shownAt = await timely(screen.next("message"), "The answer was not shown");
  await timely(screen.next("ended"), "The turn did not end");
  await Bun.sleep(settleMs);
  return { request: at - saidAt, shown: shownAt - modelEnd };
}
