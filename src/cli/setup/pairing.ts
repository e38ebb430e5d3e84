// The last half of connecting a bot: somebody pairs, and a real answer of the agent arrives in their chat.
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { BotSelf, Inspection } from "../../adapters/inspection.ts";
import { Failure, type FailureData } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import { ago } from "../../core/words.ts";
import { writeAtomic } from "../../sys/atomic.ts";
import { systemClock } from "../../sys/clock.ts";
import { createLayout } from "../../workspace/layout.ts";
import { findInstance, notRunning } from "../instance.ts";
import { loadLaunchConfig, type Places } from "../places.ts";
import { localTime } from "../table.ts";
import { cleanLine } from "../terminal/text.ts";
import type { Ask, Code, Person } from "./ask.ts";
import { inspectBot } from "./bots.ts";
import { watch } from "./bring-up.ts";
import type { Talk } from "./prompt.ts";

/** A bot on its way to its owner. */
export interface Meeting {
  adapter: string;
  /** Ids that settings name as admins. */
  admins: readonly string[];
  self: BotSelf;
  /** A link brings the code with it. */
  startsByLink: boolean;
  ask: Ask;
  places: Places;
}

/** What the agent is told once, so that it says the first word. */
const greeting =
  "Your owner has just connected you to this chat and sees your words here for the first time. Greet them in two or three short sentences: say that the connection works, and what they could ask you first. Use no tools.";

/** The demo says what it is told, word for word. */
const demoGreeting = "this chat works. Write something to me, such as: run echo hello";

/** Somebody for people: the name when there is one, and the id. */
export function personText({ id, name }: Person): string {
  return name === undefined ? `id ${id}` : `${cleanLine(name)} (id ${id})`;
}

/** How to pair with a code. */
export function codeText({ code, expiresAt }: Code, { self: { name, link }, startsByLink }: Meeting): string {
  const how = startsByLink
    ? [
        "",
        `    ${link(code)}`,
        "",
        `Open this link and press Start, and you own the bot; or send ${code} to ${name} in a direct chat.`,
      ]
    : ["", `    ${code}`, "", `Send this to ${name} in a direct chat, and you own the bot: ${link()}`];
  return [...how, `It works once, until ${localTime(expiresAt)}. Whoever has it can use it: show it to nobody.`].join(
    "\n",
  );
}

/** How somebody who owns the bot by their id makes their chat known to it. */
export function reachText(owner: Person, { self: { name, link }, startsByLink }: Meeting): string {
  return startsByLink
    ? `Open ${link()} as ${personText(owner)} and press Start`
    : `Write anything to ${name} in a direct chat, as ${personText(owner)}: ${link()}`;
}

/** How a bot is let in. */
export function invitationText({ text, link }: NonNullable<Inspection["invitation"]>): string {
  return [`${text}:`, "", `    ${link}`, ""].join("\n");
}

/** Waits until somebody has let the bot in; false when nobody did in time. */
export async function waitInvited(talk: Talk, { adapter, places }: Meeting): Promise<boolean> {
  const accepted = await watch(talk, {
    ms: limits.pairMs,
    everyMs: limits.setupInviteLookMs,
    text: (leftMs) => `Waiting until the bot is let in … (${ago(leftMs, " left")})`,
    async look() {
      const config = await loadLaunchConfig({ "state-dir": places.stateDir });
      // What hinders the look now may not hinder the next one.
      const { invitation } = await inspectBot(config, { adapter, places, listen: false });
      return invitation?.accepted === true ? true : undefined;
    },
  });
  return accepted === true;
}

/** Waits until somebody has paired; undefined when the code has run out. @throws Failure `not-running`. */
export async function waitPaired(talk: Talk, meeting: Meeting, code: Code): Promise<Person | undefined> {
  const { adapter, ask, self, places, startsByLink } = meeting;
  const act = startsByLink ? "you to press Start in the chat with" : "the code in a direct chat with";
  let trouble: string | undefined;
  return await watch(talk, {
    ms: Math.max(0, code.expiresAt - systemClock.now()),
    text: (leftMs) => trouble ?? `Waiting for ${act} ${self.name} … (${ago(leftMs, " left")})`,
    async look() {
      const found = await findInstance(places);
      if (found.state !== "up") throw notRunning();
      const line = found.status.adapters.find(({ name }) => name === adapter);
      trouble = line?.state === "down" ? `Not connected: ${line.reason ?? "remoteagent status tells more"}` : undefined;
      return (await ask.owners(adapter, []))[0];
    },
  });
}

/** Waits until the bot may write to somebody who is known by settings alone: they open the chat. */
export async function waitReached(
  talk: Talk,
  { adapter, ask, self, startsByLink }: Meeting,
  owner: Person,
): Promise<Person | undefined> {
  const act = startsByLink ? "press Start in the chat with" : "write to";
  return await watch(talk, {
    ms: limits.pairMs,
    text: (leftMs) => `Waiting for ${personText(owner)} to ${act} ${self.name} … (${ago(leftMs, " left")})`,
    async look() {
      const known = (await ask.owners(adapter, [owner.id])).find(({ id }) => id === owner.id) ?? owner;
      if (known.direct !== undefined) return known;
      // Where a direct chat has its person's id, an answer to Start is all that there is to see.
      return (await ask.hasReached(adapter, owner.id)) ? { ...known, direct: owner.id } : undefined;
    },
  });
}

/** Whether the agent has ever answered there. */
export async function hasAnswered({ adapter, ask }: Meeting, { direct }: Person): Promise<boolean> {
  if (direct === undefined) return false;
  return (await ask.answered(adapter, { conversation: direct, since: 0 })).state === "arrived";
}

/**
 * Has the agent greet its owner, and waits until an answer has arrived: to the greeting, or to what they wrote first.
 * @returns why the turn failed, or that nothing came in time; undefined when an answer arrived.
 */
export async function firstAnswer(
  talk: Talk,
  { adapter, ask, places }: Meeting,
  owner: Person,
): Promise<FailureData | undefined> {
  const conversation = owner.direct ?? owner.id;
  const since = systemClock.now();
  await greet(places, { adapter, conversation, user: owner.id });
  const seen = await watch(talk, {
    ms: limits.setupAnswerMs,
    text: () => "Connected. Waiting for the first answer to arrive there …",
    async look() {
      const answered = await ask.answered(adapter, { conversation, since });
      return answered.state === "none" ? undefined : answered;
    },
  });
  if (seen?.state === "arrived") return undefined;
  if (seen?.state === "failed" && seen.error !== undefined) return seen.error;
  return {
    code: "internal",
    message: seen === undefined ? `No answer arrived within ${ago(limits.setupAnswerMs, "")}` : "The first turn failed",
    hint: "remoteagent status, remoteagent deliveries list and remoteagent logs show what happens",
  };
}

/** An event like any other, so that the agent's first word goes the way of all others. */
async function greet(
  places: Places,
  { adapter, conversation, user }: { adapter: string; conversation: string; user: string },
): Promise<void> {
  const found = await findInstance(places);
  if (found.state !== "up") throw notRunning();
  const event = {
    type: "immediate",
    platform: adapter,
    conversationId: conversation,
    conversationKind: "direct",
    userId: user,
    session: "inherit",
    text: found.status.demo ? demoGreeting : greeting,
  };
  const { events } = createLayout(found.status.workspace);
  const path = join(events, `first-word-${randomBytes(6).toString("hex")}.json`);
  try {
    await writeAtomic(path, `${JSON.stringify(event, null, 2)}\n`, { mode: 0o600 });
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new Failure("state", `Cannot have the agent greet: ${JSON.stringify(path)} cannot be written (${reason})`, {
      hint: "Write to it yourself, in the chat with it",
      cause,
    });
  }
}
