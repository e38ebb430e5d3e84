// What a door shows of a conversation's session, read from the store and the queue.
import type { ChatState } from "../core/frame.ts";
import { publicId } from "../core/ids.ts";
import type { Inbound } from "../core/message.ts";
import type { Session } from "../core/session.ts";
import type { SandboxHealth } from "../sandbox/sandbox.ts";
import type { Store } from "../store/store.ts";
import type { Gateway } from "./gateway.ts";

/** What the view is made from. */
export interface ViewDeps {
  store: Store;
  gateway: Gateway;
  modelOf(session: Session | undefined): string;
  sandboxLabel(): string;
  /** Set while tools wait for the owner's word. */
  confirmText(): string | undefined;
}

/** The name under which the offline demo model stands in settings. */
const demoModel = "demo/offline";

/** The state of the session at a place. */
export function viewState(deps: ViewDeps, place: Inbound): Omit<ChatState, "conversation"> {
  const session = deps.gateway.sessionAt(place);
  const model = deps.modelOf(session);
  const running = session === undefined ? undefined : deps.gateway.runningIn(session.id);
  const confirm = deps.confirmText();
  return {
    session: session?.id ?? null,
    sessionName: session === undefined ? "" : publicId(session.id),
    title: session?.title ?? "",
    model,
    demo: isDemo(model),
    running: running === undefined || running.ended() ? null : running.row.id,
    waiting: session === undefined ? 0 : deps.store.inputs.waitingCount(session.id),
    folder: session?.folder ?? null,
    sandbox: deps.sandboxLabel(),
    ...(confirm === undefined ? {} : { confirm }),
  };
}

/** True for the offline demo model. */
export function isDemo(model: string): boolean {
  return model === demoModel || model.startsWith(`${demoModel}:`);
}

/** The sandbox in a few words, for the welcome. */
export function sandboxLabel(kind: string, health: SandboxHealth | undefined): string {
  if (health === undefined) return kind;
  return health.isolation === "none" ? `${kind}, no isolation` : `${kind}, ${health.isolation}`;
}

/** The sandbox in full sentences, for `/status`; nothing when all is as it should be. */
export function sandboxLines(health: SandboxHealth | undefined): string[] {
  if (health?.reason === undefined) return [];
  return [`${health.reason}${health.hint === undefined ? "" : `. ${health.hint}`}`];
}
