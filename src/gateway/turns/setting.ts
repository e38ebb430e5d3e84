// Works out what one turn is made of: what its sandbox shows, what the prompt says, which tools it has.
import { mkdirSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "../../core/failure.ts";
import { grantProblem } from "../../core/folder.ts";
import type { Inbound } from "../../core/message.ts";
import type { Session, SessionOptions, TurnRow } from "../../core/session.ts";
import { systemPrompt } from "../../harness/prompt.ts";
import type { FolderGrant, Sandbox, SandboxDriver, SandboxHealth, SandboxRequest } from "../../sandbox/sandbox.ts";
import type { Facts } from "../../store/facts.ts";
import type { Log } from "../../sys/log.ts";
import type { Tool } from "../../tools/tool.ts";
import type { Given } from "../../vault/given.ts";
import type { Layout } from "../../workspace/layout.ts";
import { readMemory } from "../../workspace/memory.ts";
import { folderName } from "../../workspace/names.ts";
import { createPromptFiles, type PromptFiles } from "../../workspace/prompt-files.ts";

/** What the owner configured for one agent. */
export interface AgentSettings {
  folders?: readonly FolderGrant[];
  systemPrompt?: string;
}

/** What settings are worked out from. */
export interface SettingDeps {
  layout: Layout;
  /** Below it each conversation has its home and temporary folder. */
  sandboxes: string;
  agent(name: string): AgentSettings;
  driver: SandboxDriver;
  /** True when the owner wrote `isolation: none`. */
  isolationWaived: boolean;
  /** What the driver last said, if it did. */
  health(): SandboxHealth | undefined;
  facts: Facts;
  tools: readonly Tool[];
  /** What the turn's requester gets of the vault, looked up at each start; absent: nothing. */
  secrets?(row: TurnRow, whose: { guest: boolean }): Given;
  timeZone: string;
  log: Log;
  now(): number;
  /** True for a door whose people are the operating system's user. */
  isLocal(adapter: string): boolean;
}

/** What is true before the sandbox is open. */
export interface Setting {
  request: SandboxRequest;
  tools: readonly Tool[];
  /** One sentence for the person when tools are withheld. */
  notice?: string;
  /** The whole system prompt, once the sandbox says where it is. */
  system(sandbox: Sandbox): Promise<string>;
}

const confirmedKey = "tools-without-isolation";

export type SettingBook = ReturnType<typeof createSettingBook>;

/** The settings of turns. */
export function createSettingBook(deps: SettingDeps) {
  const { layout, driver } = deps;
  const files = createPromptFiles(deps);
  /** Why tools are withheld from a door, and what to do about it; nothing when they are not. */
  const withheld = async (adapter: string): Promise<{ reason: string; hint: string } | undefined> => {
    const health = await driver.check();
    if (health.isolation !== "none" || deps.isolationWaived) return undefined;
    if (!deps.isLocal(adapter)) {
      const hint = `${mend(health)}, or write "isolation": "none" in settings.json`;
      return { reason: `Tools are off here: ${because(health)}`, hint };
    }
    if (deps.facts.get(confirmedKey) === "yes") return undefined;
    return {
      reason: `Nothing isolates commands here: ${because(health)}`,
      hint: "/confirm tools lets the agent run them as you",
    };
  };
  return {
    confirm: () => deps.facts.set(confirmedKey, "yes"),
    /** Set while tools wait for the owner's word at the terminal. */
    confirmText(): string | undefined {
      const health = deps.health();
      if (health === undefined || health.isolation !== "none" || deps.isolationWaived) return undefined;
      if (deps.facts.get(confirmedKey) === "yes") return undefined;
      return `Nothing isolates commands here: ${because(health)}. ${mend(health)}`;
    },
    /** `guest`: the turn is for somebody whom nobody let in by name. */
    async of(row: TurnRow, session: Session, { guest = false }: { guest?: boolean } = {}): Promise<Setting> {
      const { adapter, conversation } = row.replyTo;
      const place = await layout.mendConversation(adapter, conversation.id);
      const prepare = async () => void (await layout.prepareConversation(adapter, conversation.id));
      const off = await withheld(adapter);
      // Where no command runs, none needs a secret.
      const given = off === undefined ? deps.secrets?.(row, { guest }) : undefined;
      const request = requestOf(deps, {
        row,
        session,
        place,
        guest,
        prepare,
        ...(given === undefined ? {} : { given }),
      });
      const { plan } = session.options;
      // In plan mode the agent has what changes nothing.
      const useful = plan === undefined ? deps.tools : deps.tools.filter(({ effect }) => effect === undefined);
      const tools = off === undefined ? useful : [];
      const notice = off === undefined ? given?.notice : `${off.reason}. ${off.hint}`;
      return {
        request,
        tools,
        ...(notice === undefined ? {} : { notice }),
        async system(sandbox) {
          const inside = (path: string) => `${sandbox.root}/${layout.below(path)}`;
          const parts = { row, sandbox, tools, plan, withheld: off?.reason, given };
          return systemOf(deps, { ...parts, files: await files.of(place, inside) });
        },
      };
    },
    async memory(inbound: Inbound): Promise<{ workspace: string; conversation: string }> {
      const place = layout.conversation(inbound.adapter, inbound.conversation.id);
      return { workspace: await readMemory(layout.memory), conversation: await readMemory(place.memory) };
    },
  };
}

/**
 * The requester sees this conversation and what is shared; nothing else of the workspace exists inside.
 * Skills and events reach into every conversation: a person writes them, or the schedule tool in this one's name.
 * A guest has none of the owner's folders and leaves nothing behind for others: memory, skills, files in the folder or
 * the home in which somebody else's turn works later.
 */
function requestOf(
  deps: SettingDeps,
  {
    row,
    session,
    place,
    guest,
    prepare,
    given,
  }: {
    row: TurnRow;
    session: Session;
    place: { root: string; scratch: string };
    guest: boolean;
    /** Makes the conversation's folders. */
    prepare(): Promise<void>;
    given?: Given;
  },
): SandboxRequest {
  const { layout } = deps;
  // A home outlives the turn: what commands leave there with one vault's secrets is not for another's turns.
  const secrets = given?.vault === undefined ? [] : ["vaults", given.vault];
  const whose = guest ? ["guests", folderName(row.requester.id)] : secrets;
  const home = join(deps.sandboxes, row.agent, ...whose, layout.below(place.root).replaceAll("/", "+"));
  const common = {
    agent: row.agent,
    requester: row.requester.id,
    session: session.id,
    workspace: layout.root,
    home,
    ...(given?.vault === undefined ? {} : { vault: given.vault, env: given.env, files: given.files }),
    async prepare() {
      await prepare();
      mkdirSync(home, { recursive: true, mode: 0o700 });
    },
  };
  if (guest)
    return { ...common, writable: [], readable: [layout.skills, place.root], folders: [], cwd: join(home, "home") };
  const own: FolderGrant[] = session.folder === null ? [] : [{ path: session.folder, access: "rw" }];
  return {
    ...common,
    writable: [place.root],
    readable: [layout.skills],
    folders: [...(deps.agent(row.agent).folders ?? []), ...own],
    cwd: session.folder ?? place.scratch,
  };
}

function systemOf(
  deps: SettingDeps,
  {
    row,
    sandbox,
    files,
    tools,
    plan,
    withheld,
    given,
  }: {
    row: TurnRow;
    sandbox: Sandbox;
    files: PromptFiles;
    tools: readonly Tool[];
    plan: SessionOptions["plan"];
    withheld: string | undefined;
    given: Given | undefined;
  },
): string {
  const { adapter, conversation } = row.replyTo;
  const instructions = [files.instructions, deps.agent(row.agent).systemPrompt, planText(plan)].filter(
    (text) => (text ?? "").trim() !== "",
  );
  return systemPrompt({
    agent: row.agent,
    timeZone: deps.timeZone,
    tools: tools.map((tool) => tool.name),
    ...(withheld === undefined ? {} : { withheld }),
    sandbox,
    ...(instructions.length === 0 ? {} : { instructions: instructions.join("\n\n") }),
    skills: files.skills,
    memory: files.memory,
    conversation: { adapter, name: conversation.id, kind: conversation.kind },
    secrets: Object.keys(given?.env ?? {}),
    secretFiles: (given?.files ?? []).map(({ path }) => `~/${path}`),
  });
}

/** What the agent is told in plan mode. */
function planText(plan: SessionOptions["plan"]): string | undefined {
  if (plan === undefined) return undefined;
  const steps = plan.steps === undefined ? "" : ` of ${plan.steps} step${plan.steps === 1 ? "" : "s"}`;
  return `Plan mode is on: look at whatever helps, change nothing, and answer with a plan${steps}. The person writes /plan off when you may carry it out.`;
}

function because(health: SandboxHealth): string {
  const reason = health.reason ?? "bubblewrap does not work";
  return `${reason.charAt(0).toLowerCase()}${reason.slice(1)}`;
}

function mend(health: SandboxHealth): string {
  return health.hint ?? "Install bubblewrap";
}

/**
 * The real path of a folder that a person wants to work in. Only this is stored: a session that may write above the
 * folder could put a link in its place later.
 * @throws Failure `usage` when it may not be used.
 */
export function checkFolder(folder: string, places: { stateDir: string; workspace: string }): string {
  const real = realPath(folder);
  if (real === undefined) throw new Failure("usage", `Cannot work in ${JSON.stringify(folder)}: it does not exist`);
  const problem = grantProblem(real, {
    access: "rw",
    state: realPath(places.stateDir) ?? places.stateDir,
    workspace: realPath(places.workspace) ?? places.workspace,
  });
  if (problem !== undefined) throw new Failure("usage", `Cannot work in ${JSON.stringify(folder)}: ${problem}`);
  return real;
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined; // Missing and unreadable are the same here: nobody can work there.
  }
}
