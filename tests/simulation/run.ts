// One seeded run: people act, things go wrong, the program dies and starts again; then all comes to rest and is looked at.
import { createHash } from "node:crypto";
import { createStore } from "../../src/store/store.ts";
import { createChance } from "./chance.ts";
import { check, unsettled } from "./checks.ts";
import { createEngine, type Engine, Killed } from "./database.ts";
import { createDiscordWorld } from "./discord.ts";
import { type Flaw, flaws } from "./flaws.ts";
import { type Kind, kindOf } from "./kinds.ts";
import { createLife, type Life } from "./life.ts";
import { createSlackWorld } from "./slack.ts";
import { replaceRuntime } from "./sockets.ts";
import { createTelegram } from "./telegram.ts";
import { createTime } from "./time.ts";
import { befall, downtimeMs, makeDoom, makeWeather, type Weather } from "./troubles.ts";
import { adapterName, type Common, createCommon, noTrouble, type Violation, type World } from "./world.ts";

/** What a run is to be, beside its seed. */
export interface Wanted {
  /** What is broken on purpose. */
  flaw?: string | undefined;
  /** The seed decides without it. */
  platform?: Kind | undefined;
}

/** What came of one run. */
export interface Result {
  seed: number;
  violations: Violation[];
  counts: World["counts"];
  /** Every step in words, for people. */
  trace: readonly string[];
  /** The same run has the same one. */
  hash: string;
}

/** After the people have gone, all comes to rest within this much simulated time; and how often that is looked at. */
const drainMsMax = 12 * 60 * 60_000;
const lookMs = 20_000;
const lookMsMax = 10 * 60_000;

/** Runs seeds one after the other; all of them share one database engine. */
export function createRunner() {
  const engine = createEngine();
  let world: World | undefined;
  const onRejection = (reason: unknown): void => {
    if (!(reason instanceof Killed)) world?.violate("the program does not break", wordsOf(reason));
  };
  process.on("unhandledRejection", onRejection);
  const restore = replaceRuntime(() =>
    world === undefined ? undefined : { network: world.side.network?.(), time: world.time },
  );
  return {
    /** Runs one seed, if wanted with something broken on purpose. */
    async run(seed: number, { flaw, platform = kindOf(seed) }: Wanted = {}): Promise<Result> {
      const made = flaw === undefined ? undefined : flaws[flaw]?.make();
      engine.begin();
      try {
        const run = createRun(engine, { seed, flaw: made, kind: platform });
        world = run.world;
        await run.play();
        const { violations, counts, lines } = run.world;
        const hash = createHash("sha256").update(lines.join("\n")).digest("hex");
        return { seed, violations, counts, trace: lines, hash };
      } finally {
        world = undefined;
        engine.end();
      }
    },
    close(): void {
      restore();
      process.off("unhandledRejection", onRejection);
      engine.close();
    },
  };
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message).slice(0, 1_000) : String(error);
}

function createRun(engine: Engine, { seed, flaw, kind }: { seed: number; flaw: Flaw | undefined; kind: Kind }) {
  const chance = createChance(seed);
  const time = createTime();
  const traits = {
    unknownSender: chance.weighed({ strict: 5, request_approval: 4, public: 1 }),
    open: chance.often(0.4),
    latencyMs: chance.pick([0, 50, 2_000]),
    rates: chance.often(0.3),
    finds: chance.often(0.4),
    small: chance.often(0.4),
  };
  const weather = makeWeather(chance);
  const common = createCommon({ time, engine, traits });
  const world = createWorldOf(kind, { common, weather, chance });
  const lifeChance = chance.fork();
  const live = (doom: ReturnType<typeof makeDoom>) => createLife({ world, chance: lifeChance.fork(), doom, flaw });
  return { world, play: () => play({ world, weather, chance, live }) };
}

function createWorldOf(
  kind: Kind,
  { common, weather, chance }: { common: Common; weather: Weather; chance: ReturnType<typeof createChance> },
): World {
  const { rules, calm } = weather;
  if (kind === "telegram") return createTelegram(common, { chance, rules });
  return kind === "slack" ? createSlackWorld(common, { chance, calm }) : createDiscordWorld(common, { chance, calm });
}

interface Run {
  world: World;
  weather: Weather;
  chance: ReturnType<typeof createChance>;
  live(doom: ReturnType<typeof makeDoom>): Life;
}

async function play({ world, weather, chance, live }: Run): Promise<void> {
  const { time, side } = world;
  settle(world);
  let calm = false;
  let life = live(makeDoom(chance, weather));
  let isPlanned = false;
  const start = (): void => {
    isPlanned = false;
    if (!life.dead()) return;
    life = live(calm ? undefined : makeDoom(chance, weather));
    begin();
  };
  const begin = (): void => {
    try {
      life.begin();
    } catch (error) {
      // A start that fails ends the program; the service manager tries again.
      if (!(error instanceof Killed)) {
        world.note(`cannot start: ${String(error)}`);
        life.kill("since it cannot start");
      }
    }
  };
  /** Time goes on, with everything that happens in it. */
  const pass = async (ms: number): Promise<void> => {
    const until = time.passed() + ms;
    do {
      await time.quiet();
      if (life.dead() && !isPlanned) {
        isPlanned = true;
        time.after(downtimeMs(chance), start);
      }
    } while (time.step(until));
  };
  side.breakCalls();
  world.setSearch(weather.search);
  begin();
  const acts = chance.between(4, 18);
  for (let n = 0; n < acts; n += 1) {
    await pass(gapMs(chance));
    world.counts.actions += 1;
    side.act(chance);
    befall(world, { weather, chance });
    if (chance.often(weather.end) && !life.dead()) await stop({ world, life, chance, pass });
  }
  await pass(chance.below(60_000));
  calm = true;
  side.faults.clear();
  world.setOutage(undefined);
  world.setFull(false);
  world.setSearch(noTrouble);
  life.spare();
  world.note("calm");
  side.calm?.();
  await rest({ world, pass, isDead: () => life.dead() });
  check(world);
  world.counts.faults = Object.values(side.faults.counts()).reduce((sum, count) => sum + count, 0);
  life.kill("by the end of the run");
}

/** Waits until nothing is under way, or for as long as that may take. */
async function rest({
  world,
  pass,
  isDead,
}: {
  world: World;
  pass(ms: number): Promise<void>;
  isDead(): boolean;
}): Promise<void> {
  let end = world.time.passed() + drainMsMax;
  for (let ms = lookMs; world.time.passed() < end; ms = Math.min(ms * 1.5, lookMsMax)) {
    await pass(ms);
    if (isDead()) end += ms;
    else if (unsettled(world).length === 0) return;
  }
}

/** Somebody stops the program as one should. */
async function stop({
  life,
  chance,
  pass,
}: {
  world: World;
  life: Life;
  chance: Run["chance"];
  pass(ms: number): Promise<void>;
}): Promise<void> {
  void life.end(chance.pick([0, 5_000])).catch((error) => {
    if (!(error instanceof Killed)) life.kill(`in its end: ${String(error)}`);
  });
  await pass(1_000);
}

function gapMs(chance: Run["chance"]): number {
  const how = chance.weighed({ now: 3, soon: 10, later: 4, late: 1 });
  if (how === "now") return chance.below(50);
  if (how === "soon") return chance.below(4_000);
  return how === "later" ? chance.below(40_000) : chance.below(15 * 60_000);
}

/** The people whom the owner has let in, before the first start. */
function settle(world: World): void {
  const store = createStore(world.engine.connect({ dead: () => false, tick: () => undefined, full: () => false }));
  for (const user of world.side.known)
    store.roles.give({
      adapter: adapterName,
      user,
      role: user === world.side.owner ? "owner" : "member",
      agent: "",
      surface: "*",
      givenBy: "the simulation",
      givenAt: world.time.true(),
    });
}
