// Web sockets in simulated time, straight into a platform. A socket is the runtime's own and no port hands it in, so the
// simulation's process, which does nothing else, gets these in its place.
import { Killed } from "./database.ts";
import type { Time } from "./time.ts";

/** The platform's end of a connection. */
export interface Near {
  receive(text: string): void;
  /** The other side is gone, with this code. */
  ended(code: number): void;
}

/** What the platform does to a connection. */
export interface Far {
  send(text: string): void;
  close(code: number): void;
  sever(): void;
  /** Half open from now on. */
  mute(): void;
}

/** The way of one life to its platform's sockets. */
export interface Network {
  world: {
    time: Time;
    outage(): "refused" | "broken" | "silent" | undefined;
    violate(rule: string, text: string): void;
  };
  life: { dead(): boolean };
  /** Milliseconds that something takes now. */
  latency(): number;
  /** Takes a connection; undefined refuses it. */
  connect(url: URL, far: Far): Near | undefined;
  /** Those that are open. */
  open: Set<SimulatedSocket>;
}

type Listener = (event: { data?: string; code?: number }) => void;

const gone = 1006;

/** Everything of a life is cut, as by its death. */
export function cutAll(network: Network): void {
  for (const socket of network.open) socket.lose();
}

/** One connection, as a program has it. */
export class SimulatedSocket {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSING = 2;
  static readonly CLOSED = 3;
  readyState: 0 | 1 | 2 | 3 = SimulatedSocket.CONNECTING;
  readonly #network: Network;
  readonly #listeners = new Map<string, Set<Listener>>();
  #near: Near | undefined;
  #muted = false;
  /** What was sent earlier comes earlier. */
  #lastAt = 0;

  constructor(network: Network, url: string) {
    this.#network = network;
    network.open.add(this);
    this.#later(() => this.#begin(new URL(url)));
  }

  addEventListener(kind: string, listener: Listener): void {
    this.#listeners.set(kind, (this.#listeners.get(kind) ?? new Set()).add(listener));
  }

  send(text: string): void {
    if (this.readyState !== SimulatedSocket.OPEN) return;
    this.#later(() => {
      if (this.#passes()) this.#near?.receive(text);
    });
  }

  /** A probe; whoever is there answers it. */
  ping(): void {
    this.#later(() => {
      if (this.readyState === SimulatedSocket.OPEN && this.#passes()) this.#tell("pong", {});
    });
  }

  close(code = 1000): void {
    if (this.readyState >= SimulatedSocket.CLOSING) return;
    this.readyState = SimulatedSocket.CLOSING;
    this.#later(() => {
      if (!this.#passes()) return;
      this.#near?.ended(code);
      this.#end(code);
    });
  }

  terminate(): void {
    this.#near?.ended(gone);
    this.#end(gone);
  }

  /** The program is dead. */
  lose(): void {
    this.#network.open.delete(this);
    this.readyState = SimulatedSocket.CLOSED;
    const near = this.#near;
    this.#near = undefined;
    near?.ended(gone);
  }

  #begin(url: URL): void {
    const outage = this.#network.world.outage();
    if (outage === "silent") return;
    const isOpen = outage === undefined && this.readyState === SimulatedSocket.CONNECTING;
    const near = isOpen ? this.#network.connect(url, this.#far()) : undefined;
    if (near === undefined) {
      this.#end(gone);
      return;
    }
    this.#near = near;
    this.readyState = SimulatedSocket.OPEN;
    this.#tell("open", {});
  }

  #far(): Far {
    return {
      send: (text) =>
        this.#later(() => {
          if (this.readyState <= SimulatedSocket.CLOSING && this.#passes()) this.#tell("message", { data: text });
        }),
      close: (code) => this.#later(() => this.#end(code)),
      sever: () => this.#later(() => this.#end(gone)),
      mute: () => {
        this.#muted = true;
      },
    };
  }

  /** Whether what is on the line arrives; a line that breaks takes the connection along. */
  #passes(): boolean {
    const outage = this.#network.world.outage();
    if (outage === "broken") {
      this.#near?.ended(gone);
      this.#end(gone);
    }
    return !this.#muted && outage !== "broken" && outage !== "silent";
  }

  #end(code: number): void {
    if (this.readyState === SimulatedSocket.CLOSED) return;
    this.readyState = SimulatedSocket.CLOSED;
    this.#network.open.delete(this);
    this.#tell("close", { code });
  }

  #later(act: () => void): void {
    const { world, life, latency } = this.#network;
    const time: Time = world.time;
    const at = Math.max(this.#lastAt, time.passed() + latency());
    this.#lastAt = at;
    time.touch();
    time.after(at - time.passed(), () => {
      if (!life.dead()) act();
    });
  }

  #tell(kind: string, event: { data?: string; code?: number }): void {
    this.#network.world.time.touch();
    for (const listener of this.#listeners.get(kind) ?? [])
      try {
        listener(event);
      } catch (error) {
        if (!(error instanceof Killed)) this.#network.world.violate("the program does not break", String(error));
      }
  }
}

/** The runtime's own socket and time, replaced until the returned function is called. */
export function replaceRuntime(now: () => { network: Network | undefined; time: Time } | undefined): () => void {
  const { WebSocket: Own } = globalThis;
  const ownNow = Date.now;
  class Socket extends SimulatedSocket {
    constructor(url: string) {
      const network = now()?.network;
      if (network === undefined) throw new Error("Nobody may open a socket here");
      super(network, url);
    }
  }
  globalThis.WebSocket = Socket as unknown as typeof WebSocket;
  // Discord's library reads the time by itself.
  Date.now = () => now()?.time.true() ?? ownNow();
  return () => {
    globalThis.WebSocket = Own;
    Date.now = ownNow;
  };
}
