// The instance's half of the terminal: screens connect, what they say goes in, events come out.
import { Buffer } from "node:buffer";
import { setTimeout } from "node:timers";
import type { TurnEvent } from "../../core/event.ts";
import { Failure, failureData, failureText } from "../../core/failure.ts";
import { type ChatCommand, type ChatState, type ChatUp, protocolVersion } from "../../core/frame.ts";
import type { InputId, SessionId, TurnId } from "../../core/ids.ts";
import { limits } from "../../core/limits.ts";
import type { FileRef, Inbound, Receipt, Sender } from "../../core/message.ts";
import type { AdapterTraits, LiveDoor } from "../../gateway/handle.ts";
import type { Forming, Happening } from "../../gateway/hub.ts";
import type { StoredEvent } from "../../store/turns.ts";
import { type Connection, createConnection } from "./connection.ts";
import { readUp } from "./up.ts";

/** What the terminal needs of the program. Addresses are given as inbounds without a body. */
export interface TerminalDeps {
  receive(inbound: Inbound, traits: AdapterTraits): Promise<Receipt>;
  subscribe(listener: (happening: Happening) => void): () => void;
  state(place: Inbound): Omit<ChatState, "conversation">;
  /** Resolves once `state` knows all that it tells. */
  ready(): Promise<void>;
  /** Binds the session of a place to a folder of the owner's. @throws Failure when it may not be used. */
  useFolder(place: Inbound, folder: string): void;
  eventsAfter(session: SessionId, after: number): StoredEvent[];
  /** The last event of a session that a screen was there for, as noted when the last screen left. */
  seen(session: SessionId): number;
  saw(session: SessionId, n: number): void;
  turnEvents(turn: TurnId): StoredEvent[];
  forming(turn: TurnId): Forming | undefined;
  keepFile(inbound: Inbound, file: { name: string; bytes: Uint8Array }): Promise<FileRef>;
  commands: readonly ChatCommand[];
  user: Sender;
  pid: number;
  program: string;
  alone: boolean;
  now(): number;
  randomId(): string;
  onError(error: unknown): void;
}

/** A screen that is connected. */
interface Screen {
  connection: Connection;
  conversation: string;
  session: SessionId | null;
  /** A state frame is on its way. */
  stale: boolean;
}

export const terminalTraits: AdapterTraits = {
  local: true,
  live: true,
  sharedTop: "conversation",
  threads: "place",
  directIsUser: false,
  repeat: "find",
  details: "answer",
  editEveryMs: 0,
  typingMs: 0,
};

/** The terminal's door. */
export interface Terminal {
  adapter: LiveDoor & { close(): Promise<void> };
  /** Answers `/v1/chat` and `/v1/chat/<connection>`. */
  chat(request: Request): Promise<Response>;
  /** Tells every screen that the instance goes away, and whether another takes over. */
  leave(reason: "stop" | "handover"): void;
  /** Tells every screen that waiting inputs were removed. */
  gone(inputs: InputId[]): void;
}

/** Opens the terminal's door. */
export function openTerminal(deps: TerminalDeps): Terminal {
  const screens = new Map<string, Screen>();
  const place = (conversation: string): Inbound => placeOf(deps, conversation);

  const sendState = (screen: Screen) => {
    const state = deps.state(place(screen.conversation));
    const moved = screen.session !== state.session;
    screen.session = state.session;
    screen.connection.send({ type: "state", state: { ...state, conversation: screen.conversation } });
    if (moved && state.running !== null) showRunning(screen, state.running);
  };

  /** Somebody joins in the middle: the turn's events so far, and the text that is just forming. */
  const showRunning = (screen: Screen, turn: TurnId) => {
    const session = screen.session;
    if (session === null) return;
    for (const { n, event } of deps.turnEvents(turn)) {
      screen.connection.send({ type: "event", n, turn, session, event });
    }
    const forming = deps.forming(turn);
    if (forming !== undefined && forming.text !== "") {
      screen.connection.send({ type: "forming", turn, session, text: forming.text });
    }
  };

  /**
   * The state as it is when everything of this moment has happened: one frame, however much that was, and not in the way
   * of the model request that a message leads to.
   */
  const sendStateSoon = (screen: Screen) => {
    if (screen.stale) return;
    screen.stale = true;
    setTimeout(() => {
      screen.stale = false;
      sendStateNow(screen);
    }, limits.stateSoonMs);
  };

  const sendStateNow = (screen: Screen) => {
    if (!screens.has(screen.connection.id)) return;
    try {
      sendState(screen);
    } catch (error) {
      // The store cannot be read now; the next happening sends the state again.
      deps.onError(error);
    }
  };

  const unsubscribe = deps.subscribe((happening) => {
    const { n, turn, session, event } = happening;
    for (const screen of screens.values()) {
      if (screen.session !== session) continue;
      screen.connection.send({ type: "event", n, turn, session, event });
      if (event.type === "started" || event.type === "taken" || event.type === "ended") sendStateSoon(screen);
    }
  });

  const open = async (up: ChatUp & { type: "open" }): Promise<Response> => {
    if (up.version !== protocolVersion) throw versionFailure(up.version);
    if (screens.size >= limits.screensMax)
      throw new Failure("usage", `Cannot open: ${limits.screensMax} screens are connected`);
    await deps.ready();
    if (up.folder !== undefined) deps.useFolder(place(up.conversation), up.folder);
    const id = deps.randomId();
    const connection = createConnection(id, () => leave(id));
    const screen: Screen = { connection, conversation: up.conversation, session: null, stale: false };
    const { pid, program, alone } = deps;
    connection.send({
      type: "hello",
      version: protocolVersion,
      connection: id,
      program,
      pid,
      alone,
      commands: [...deps.commands],
    });
    if (up.after === undefined) {
      sendState(screen);
      if (screen.session !== null) showMissed(screen, screen.session);
    } else {
      // After a lost connection only what was missed is shown, whatever still runs included.
      screen.session = deps.state(place(up.conversation)).session;
      resend(screen, up.after);
      sendState(screen);
    }
    screens.set(id, screen);
    return connection.response;
  };

  /** What was said while no screen was there, such as the answer to a reminder. */
  const showMissed = (screen: Screen, session: SessionId) => {
    if ([...screens.values()].some((other) => other.session === session)) return;
    const missed = deps.eventsAfter(session, deps.seen(session)).flatMap(({ event }) => said(event));
    if (missed.length === 0) return;
    const shown = missed.slice(-limits.missedShownMax);
    const more = missed.length - shown.length;
    const head = `While no terminal was open${more > 0 ? ` (and ${more} before)` : ""}:`;
    screen.connection.send({ type: "post", outgoing: { markdown: [head, ...shown].join("\n\n") } });
  };

  const leave = (id: string) => {
    const screen = screens.get(id);
    screens.delete(id);
    if (screen?.session == null || [...screens.values()].some((other) => other.session === screen.session)) return;
    try {
      deps.saw(
        screen.session,
        deps.eventsAfter(screen.session, deps.seen(screen.session)).at(-1)?.n ?? deps.seen(screen.session),
      );
    } catch (error) {
      deps.onError(error); // Then some of it is shown once more.
    }
  };

  const resend = (screen: Screen, after: number) => {
    const session = screen.session;
    if (session === null) return;
    for (const { n, turn, event } of deps.eventsAfter(session, after)) {
      screen.connection.send({ type: "event", n, turn, session, event });
    }
    const { running } = deps.state(place(screen.conversation));
    const forming = running === null ? undefined : deps.forming(running);
    if (running !== null && forming !== undefined && forming.text !== "") {
      screen.connection.send({ type: "forming", turn: running, session, text: forming.text });
    }
  };

  const say = async (screen: Screen, up: ChatUp & { type: "say" | "command" }): Promise<void> => {
    const base = { ...place(screen.conversation), id: up.id, sentAt: deps.now() };
    const inbound: Inbound =
      up.type === "command"
        ? { ...base, kind: "command", name: up.name, args: up.args }
        : {
            ...base,
            kind: "message",
            text: up.text,
            addressed: true,
            files: await keepAll(deps, { base, files: up.files ?? [] }),
          };
    const receipt = await received(inbound);
    // A switch or a first message moves every screen of the conversation.
    const settled = receipt.state === "waiting" ? receipt.session : undefined;
    for (const other of screens.values()) {
      if (other.conversation !== screen.conversation) continue;
      if (other.session === settled) sendStateSoon(other);
      // Before the receipt and the turn's first event: a screen that knows no session yet would take them for another's.
      else sendStateNow(other);
    }
    screen.connection.send({ type: "receipt", id: up.id, receipt });
  };

  /** What could not be stored is said like everything else that is not taken. */
  const received = async (inbound: Inbound): Promise<Receipt> => {
    try {
      return await deps.receive(inbound, terminalTraits);
    } catch (error) {
      if (!(error instanceof Failure)) deps.onError(error);
      return { state: "refused", reason: failureText(failureData(error)) };
    }
  };

  return {
    adapter: {
      name: "terminal",
      type: "terminal",
      traits: terminalTraits,
      async post(target, outgoing) {
        for (const screen of screens.values()) {
          if (screen.conversation === target.conversation.id) screen.connection.send({ type: "post", outgoing });
        }
      },
      async close() {
        unsubscribe();
        // Closing one takes it out of the map, which the walk through it allows.
        for (const screen of screens.values()) screen.connection.close();
      },
    },
    leave(reason) {
      for (const screen of screens.values()) screen.connection.send({ type: "bye", reason });
    },
    gone(inputs) {
      for (const screen of screens.values())
        for (const input of inputs) screen.connection.send({ type: "gone", input });
    },
    async chat(request) {
      const id = /^\/v1\/chat\/([^/]+)$/.exec(new URL(request.url).pathname)?.[1];
      const up = await readUp(request);
      if (id === undefined) {
        if (up.type !== "open") throw new Failure("usage", "Cannot go on: the first frame opens the chat");
        return open(up);
      }
      const screen = screens.get(id);
      if (screen === undefined) throw new Failure("not-found", "Cannot go on: this chat is no longer connected");
      if (up.type === "open") throw new Failure("usage", "Cannot open: this chat is open");
      await say(screen, up);
      return new Response(null, { status: 204 });
    },
  };
}

/** What of an event somebody who was away wants to read. */
function said(event: TurnEvent): string[] {
  if (event.type === "message" && event.text.trim() !== "") return [event.text];
  if (event.type === "ended" && event.error !== undefined) return [failureText(event.error)];
  return [];
}

/** A place as the gateway's lookups take it: the address and the user, no body. */
function placeOf(deps: TerminalDeps, conversation: string): Inbound {
  return {
    kind: "message",
    adapter: "terminal",
    conversation: { id: conversation, kind: "direct" },
    id: "",
    sender: deps.user,
    sentAt: deps.now(),
    text: "",
    addressed: true,
  };
}

async function keepAll(
  deps: TerminalDeps,
  { base, files }: { base: Inbound; files: { name: string; data: string }[] },
): Promise<FileRef[]> {
  const kept: FileRef[] = [];
  for (const file of files)
    kept.push(await deps.keepFile(base, { name: file.name, bytes: Buffer.from(file.data, "base64") }));
  return kept;
}

function versionFailure(theirs: number): Failure {
  const hint =
    theirs > protocolVersion
      ? "The running instance is the older one: remoteagent restart"
      : "This terminal is the older one: close it and start the program that is installed now";
  return new Failure("usage", `Cannot open: the screen speaks protocol ${theirs}, the instance ${protocolVersion}`, {
    hint,
  });
}
