// What tools may do beside their sandbox: remember, schedule, keep files for the chat and for later.

import type { Admission } from "../../access/admission.ts";
import { atLeast } from "../../access/roles.ts";
import { Failure } from "../../core/failure.ts";
import { limits } from "../../core/limits.ts";
import type { FileRef, Inbound } from "../../core/message.ts";
import type { TurnRow } from "../../core/session.ts";
import type { Sandbox } from "../../sandbox/sandbox.ts";
import { readBeneath } from "../../sys/beneath.ts";
import type { Clock } from "../../sys/clock.ts";
import type { ToolContext } from "../../tools/tool.ts";
import type { Redactor } from "../../vault/redact.ts";
import { keepAttachment, keepOutput } from "../../workspace/attachments.ts";
import type { Layout } from "../../workspace/layout.ts";
import { appendMemory, readMemory, replaceInMemory } from "../../workspace/memory.ts";

/** The services of one turn. */
export type TurnServices = Pick<ToolContext, "memory" | "schedule" | "spill"> & {
  /** Keeps a file that the agent hands to the chat; its path below the workspace. */
  keep(file: { name: string; bytes: Uint8Array }): Promise<string>;
};

/** What the services work with. `schedule` is of one conversation. */
export interface ServiceDeps {
  layout: Layout;
  clock: Clock;
  redactor: Redactor;
  schedule(row: TurnRow): ToolContext["schedule"];
}

/** The services of a turn in its sandbox. */
export function turnServices(deps: ServiceDeps, { row, sandbox }: { row: TurnRow; sandbox: Sandbox }): TurnServices {
  const { layout, clock } = deps;
  const place = layout.conversation(row.replyTo.adapter, row.replyTo.conversation.id);
  const memoryPath = (scope: "workspace" | "conversation") => (scope === "workspace" ? layout.memory : place.memory);
  /** The conversation's folders are made when something is first kept there, or runs in its sandbox. */
  const prepare = () => layout.prepareConversation(row.replyTo.adapter, row.replyTo.conversation.id);
  return {
    memory: {
      read: (scope) => readMemory(memoryPath(scope)),
      async append(scope, text) {
        if (scope === "conversation") await prepare();
        await appendMemory(memoryPath(scope), deps.redactor.exact(text));
      },
      replace: (scope, { old, text }) => replaceInMemory(memoryPath(scope), { old, text: deps.redactor.exact(text) }),
    },
    schedule: deps.schedule(row),
    async spill(name, content) {
      await prepare();
      const { path } = await keepOutput(place.root, { name, content, at: clock.now() });
      return `${sandbox.root}/${layout.below(path)}`;
    },
    async keep({ name, bytes }) {
      await prepare();
      const { path } = await keepAttachment(place.root, { name, content: bytes, at: clock.now() });
      return layout.below(path);
    },
  };
}

/**
 * What all conversations of all agents are told is changed for the owner and the admins of everything alone; `standing`
 * is who the requester is for every agent, at the moment of the call. What this conversation remembers stays with
 * whoever may write in it.
 */
export function guardMemory(services: TurnServices, standing: () => Admission): TurnServices {
  const { memory } = services;
  const check = (scope: "workspace" | "conversation"): void => {
    if (scope === "conversation") return;
    const now = standing();
    if (now.admitted && atLeast(now.role, "admin")) return;
    throw new Failure(
      "tool",
      "Cannot remember this everywhere: that is for the owner and the admins of every agent; use scope conversation",
    );
  };
  return {
    ...services,
    memory: {
      read: memory.read,
      async append(scope, text) {
        check(scope);
        await memory.append(scope, text);
      },
      async replace(scope, change) {
        check(scope);
        await memory.replace(scope, change);
      },
    },
  };
}

/** Keeps a file that came with a message. Its name goes to the model, the view and the sandbox, without a secret in it. */
export async function keepInboundFile(
  { layout, clock, redactor }: Pick<ServiceDeps, "layout" | "clock" | "redactor">,
  { inbound, bytes, ...given }: { inbound: Inbound; name: string; bytes: Uint8Array },
): Promise<FileRef> {
  const name = redactor.exact(given.name);
  const place = await layout.prepareConversation(inbound.adapter, inbound.conversation.id);
  const kept = await keepAttachment(place.root, { name, content: bytes, at: clock.now() });
  const stored = layout.below(kept.path);
  return { name, bytes: kept.bytes, ref: stored, stored };
}

/** The bytes of a kept file. @throws Failure `not-found`. */
export async function loadFile(layout: Layout, stored: string): Promise<Uint8Array> {
  const found = await readBeneath(layout.root, { path: stored, bytesMax: limits.attachBytesMax });
  if (found === undefined) throw new Failure("not-found", `Cannot read ${JSON.stringify(stored)}: it is gone`);
  return found.bytes;
}
