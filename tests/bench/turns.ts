// One question at a time: from what was said to the model's request, and from the model's last word to the answer.
import { type Program, startMinimal, startProgram, timely } from "./programs.ts";
import { type Found, type Row, row } from "./row.ts";
import { inTurn, launchOf, names, type Pair, type Setup, seeded, startPair, stopPair } from "./setup.ts";
import { type Summary, summarise } from "./statistics.ts";

const earlierCounts = [0, 500, 2_000] as const;
const rounds = { full: 100, quick: 12 };
/** Said before it counts: code gets warm, connections open. */
const warmUp = { full: 20, quick: 4 };
/** A session with earlier messages answers this many questions; each makes it longer by two. */
const turnsPerSession = 25;
const restarts = { full: 10, quick: 3 };
const question = "How is the build today?";

/** One turn. Milliseconds; `bytes` are those of the request. */
interface Taken {
  request: number;
  answer: number;
  ended: number;
  bytes: number;
}
type Series = Record<keyof Pair, Taken[]>;

/** Input to request and last word to answer, with few and with many earlier messages. */
export async function measureTurns(setup: Setup): Promise<Found> {
  const found: Found = { rows: [], notes: [] };
  const requests = new Map<number, Record<keyof Pair, Summary>>();
  for (const earlier of earlierCounts) {
    const series = await takeTurns(setup, earlier);
    const summary = (of: keyof Taken) => ({
      base: summarise(series.minimal.map((taken) => taken[of])),
      ours: summarise(series.remoteagent.map((taken) => taken[of])),
    });
    const { base, ours } = summary("request");
    requests.set(earlier, { minimal: base, remoteagent: ours });
    const common = { unit: "ms", against: "minimal program", target: { ratio: 2, of: "both" } } as const;
    found.rows.push(
      row({ ...common, name: `input → request, ${earlier} earlier`, base, ours }),
      row({ ...common, name: `model's end → answer, ${earlier} earlier`, ...summary("answer") }),
    );
    const bytes = (name: keyof Pair) => summarise(series[name].map((taken) => taken.bytes)).median;
    for (const name of names) {
      found.notes.push({ name: `request of ${name}, ${earlier} earlier`, value: bytes(name), unit: "bytes" });
    }
  }
  found.rows.push(growth(requests));
  return found;
}

/** With 2,000 earlier messages against none: ours with itself, less what sending them costs the minimal program. */
function growth(requests: ReadonlyMap<number, Record<keyof Pair, Summary>>): Row {
  const of = (earlier: number, name: keyof Pair) => requests.get(earlier)?.[name] ?? summarise([]);
  const base = of(0, "remoteagent");
  const many = of(2_000, "remoteagent");
  const sending = (at: "median" | "p95") => of(2_000, "minimal")[at] - of(0, "minimal")[at];
  const ours = { ...many, median: many.median - sending("median"), p95: many.p95 - sending("p95") };
  const target = { ratio: 1.5, of: "median" } as const;
  return row({ name: "2,000 earlier, less their sending", unit: "ms", against: "itself", base, ours, target });
}

async function takeTurns(setup: Setup, earlier: number): Promise<Series> {
  const count = setup.quick ? rounds.quick : rounds.full;
  const before = setup.quick ? warmUp.quick : warmUp.full;
  const sessions = Math.ceil((count + before) / turnsPerSession);
  const seeds = Array.from({ length: earlier === 0 ? 0 : sessions }, (_, index) => ({
    session: `earlier-${index}`,
    count: earlier,
  }));
  const pair = await startPair(setup, await seeded(setup, seeds));
  const series: Series = { minimal: [], remoteagent: [] };
  for (let round = 0; round < count + before; round++) {
    const session = earlier === 0 ? `new-${round}` : `earlier-${Math.floor(round / turnsPerSession)}`;
    // The first question of a session reads it from the disk, and is not measured here.
    const first = earlier > 0 && round % turnsPerSession === 0;
    for (const name of inTurn(round)) {
      const taken = await takeTurn(setup, { program: pair[name], session });
      if (round >= before && !first) series[name].push(taken);
    }
  }
  await stopPair(pair);
  setup.progress(`${count} turns with ${earlier} earlier messages`);
  return series;
}

/** Asks one question and waits until its turn is over. */
export async function takeTurn(
  { model }: Setup,
  { program, session }: { program: Program; session: string },
): Promise<Taken> {
  const screen = await program.join(session);
  const asked = model.next();
  const saidAt = screen.say(question);
  const { at, bytes, ended } = await timely(asked, "The model was not asked");
  const modelEnd = await ended;
  const shownAt = await timely(screen.next("message"), "The answer was not shown");
  const endedAt = await timely(screen.next("ended"), "The turn did not end");
  await screen.leave();
  return { request: at - saidAt, answer: shownAt - modelEnd, ended: endedAt - modelEnd, bytes };
}

/** The first question to a program that has just started, in a session with 500 earlier messages. */
export async function measureRestart(setup: Setup): Promise<Found> {
  const session = "earlier";
  const folder = await seeded(setup, [{ session, count: 500 }]);
  const start = { minimal: startMinimal, remoteagent: startProgram };
  const times: Record<keyof Pair, number[]> = { minimal: [], remoteagent: [] };
  for (let round = 0; round < (setup.quick ? restarts.quick : restarts.full); round++) {
    for (const name of inTurn(round)) {
      const program = await start[name](launchOf(setup, { name, folder }));
      times[name].push((await takeTurn(setup, { program, session })).request);
      await program.stop();
    }
  }
  const [base, ours] = [summarise(times.minimal), summarise(times.remoteagent)];
  const name = "first input after a start → request, 500 earlier";
  return { rows: [row({ name, unit: "ms", against: "minimal program", base, ours })], notes: [] };
}
