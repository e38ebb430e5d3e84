// What the schedule tool may do in one conversation: add event files, list and cancel its own.
import { Failure } from "../core/failure.ts";
import type { Address, Sender } from "../core/message.ts";
import type { ScheduleRow, Schedules } from "../store/schedules.ts";
import { formatMoment } from "../sys/calendar.ts";
import type { Clock } from "../sys/clock.ts";
import type { ScheduleRequest, ToolContext } from "../tools/tool.ts";
import { firstDue } from "./due.ts";
import { type EventSpec, type EventTarget, parseEvent } from "./parse.ts";
import type { EventsFolder } from "./watch.ts";

/** What a desk works with. */
export interface DeskDeps {
  folder: EventsFolder;
  store: Schedules;
  clock: Clock;
  timezone: string;
  address: Address;
  requester: Sender;
  resolve(target: EventTarget): Pick<Address, "adapter" | "conversation"> | { problem: string };
  /** Brings the store up to the folder. */
  refresh(): Promise<void>;
  /** Has the clock looked at again. */
  wake(): void;
}

/** A desk; who asks and where is fixed here and never taken from the request. */
export function createDesk(deps: DeskDeps): ToolContext["schedule"] {
  const { folder, store, clock, timezone, address } = deps;
  const own = async (): Promise<ScheduleRow[]> => {
    await deps.refresh();
    return store.all().filter((row) => isAt(row, deps));
  };
  const shown = (at: number | null): string => (at === null ? "now" : formatMoment(at, timezone));
  return {
    async add(request) {
      const file = `${request.type}-${clock.now()}-${Buffer.from(clock.random(4)).toString("hex")}.json`;
      const text = fileText(request, deps);
      // Read back as everybody's: nothing is written that the scheduler would not take.
      const parsed = parseEvent(text, { timezone });
      if ("problems" in parsed) throw new Failure("tool", `Cannot schedule: ${parsed.problems.join("; ")}`);
      await folder.write(file, text);
      await deps.refresh();
      deps.wake();
      const now = clock.now();
      return { file, next: shown(firstDue(parsed.spec, { now, writtenAt: now })) };
    },
    async list() {
      const rows = await own();
      return rows.map((row) => ({ file: row.file, text: specOf(row).text, next: shown(row.nextAt) }));
    },
    async cancel(file) {
      const row = (await own()).find((one) => one.file === file);
      if (row === undefined) return false;
      await folder.remove(row.file, row.hash);
      await deps.refresh();
      return !store.all().some((one) => one.file === file);
    },
  };

  function isAt(row: ScheduleRow, { resolve }: DeskDeps): boolean {
    const found = resolve(specOf(row).target);
    return "adapter" in found && found.adapter === address.adapter && found.conversation.id === address.conversation.id;
  }
}

function specOf(row: ScheduleRow): EventSpec {
  return row.spec as EventSpec;
}

/** The file's text: a reminder goes on in the conversation's own session, where it was asked for. */
function fileText(request: ScheduleRequest, { address, requester }: DeskDeps): string {
  const { type, text } = request;
  const time =
    request.type === "one-shot" ? { at: request.at } : { schedule: request.schedule, timezone: request.timezone };
  return `${JSON.stringify(
    {
      type,
      text,
      ...time,
      platform: address.adapter,
      conversationId: address.conversation.id,
      conversationKind: address.conversation.kind,
      ...(address.thread === undefined ? {} : { threadTs: address.thread }),
      // Of the machine's own user: a file that names nobody is theirs.
      ...(requester.own === true ? {} : { userId: requester.id }),
      session: "inherit",
    },
    undefined,
    2,
  )}\n`;
}
